"""Beat's own tasks in the database: seeded from the environment, then the operator's."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from scheduling.models import SeededInterval


def seeds() -> dict[str, int]:
    """Task → seconds, as the environment says now."""
    return {
        "scheduling.sweep": settings.SCHEDULER_INTERVAL_SECONDS,
        "deployments.reconcile_all": settings.SCHEDULER_INTERVAL,
    }


@transaction.atomic
def seed_schedule() -> None:
    """Create what is missing, and apply an interval that changed in the environment once; an edit stays otherwise."""
    for task, seconds in seeds().items():
        seeded = SeededInterval.objects.select_for_update().filter(task=task).first()
        known = PeriodicTask.objects.filter(name=task).exists()
        if seeded and known and seeded.seconds == seconds:
            continue
        every, _ = IntervalSchedule.objects.get_or_create(every=seconds, period=IntervalSchedule.SECONDS)
        defaults: dict[str, Any] = {"task": task, "interval": every, "expire_seconds": max(seconds, 5)}
        # save() inside update_or_create tells a running beat that the schedule changed.
        PeriodicTask.objects.update_or_create(
            name=task,
            defaults=defaults,
            create_defaults=defaults | {"description": "Seeded from the environment."},
        )
        SeededInterval.objects.update_or_create(task=task, defaults={"seconds": seconds})
