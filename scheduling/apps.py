"""Who runs next: the shell around the pure core, and every view that needs the planner."""

from typing import Any

from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "scheduling"
    verbose_name = "Scheduler"

    def ready(self) -> None:
        from clusters.signals import capacity_changed
        from deployments.selectors import waits_told
        from deployments.signals import scheduling_wanted
        from scheduling import waits
        from scheduling.hints import wakeups

        waits_told.append(waits.shown)

        def hint(sender: Any, cluster_ids: set[int], **_: Any) -> None:
            wakeups.on_commit(cluster_ids)

        for signal in (capacity_changed, scheduling_wanted):
            signal.connect(hint, weak=False, dispatch_uid="hint_the_scheduler")
