"""What the engine says about live runs, written into the books: delayed, running, told to stop, past the time limit."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from clusters.locks import lock_clusters
from deployments.events import event
from deployments.models import Allocation, Deployment, DeploymentEvent, Run, Source, StopCause
from deployments.reconcile import Delay, MarkRunning
from deployments.services.locking import lock_live_runs
from deployments.services.rows import update_rows
from deployments.states import STOPPABLE, Status


@transaction.atomic
def record_running(*, cluster_id: int, marks: Sequence[MarkRunning]) -> None:
    """Starting → running for those still starting, dated as the engine does."""
    lock_clusters([cluster_id])
    now = timezone.now()
    by_run = {mark.run_id: mark for mark in marks}
    runs = [run for run in lock_live_runs(by_run) if run.deployment.status == Status.STARTING]
    for run in runs:
        run.running_at = by_run[run.pk].at or now
        run.failure, run.detail = None, ""
    update_rows(runs, ["running_at", "failure", "detail"])
    allocations = list(Allocation.objects.filter(run__in=runs))
    for allocation in allocations:
        allocation.handle = by_run[allocation.run_id].handle
    update_rows(allocations, ["handle"])
    Deployment.objects.filter(pk__in=[run.deployment_id for run in runs]).update(status=Status.RUNNING)
    DeploymentEvent.objects.bulk_create(
        [told(run, "running", moved(Status.STARTING, Status.RUNNING)) for run in runs]
    )


def record_signals(*, run_ids: Sequence[int]) -> None:
    """Note, before the engine is told, that it will be: an end dated before this is the run's own."""
    Run.objects.filter(pk__in=run_ids, stop_signalled_at=None).update(stop_signalled_at=timezone.now())


def record_deliveries(*, run_ids: Sequence[int]) -> None:
    """Note that the engine took our word to end; its grace counts from now."""
    Run.objects.filter(pk__in=run_ids, stop_delivered_at=None).update(stop_delivered_at=timezone.now())


def record_images_ready(*, run_ids: Sequence[int]) -> None:
    """Note that nothing has to be fetched any more before these start; their time to start counts from now."""
    Run.objects.filter(pk__in=run_ids, image_ready_at=None, outcome=None).update(
        image_ready_at=timezone.now()
    )


def forget_images(*, run_ids: Sequence[int]) -> None:
    """Note that the image has gone from the engine again, and must be fetched anew."""
    Run.objects.filter(pk__in=run_ids, outcome=None).update(image_ready_at=None)


@transaction.atomic
def record_delays(*, delays: Sequence[Delay]) -> None:
    """Store why runs do not run yet, and tell it, each once as long as it stays the same."""
    by_run = {delay.run_id: delay for delay in delays}
    runs = [run for run in lock_live_runs(by_run) if run.deployment.status == Status.STARTING]
    events = []
    for run in runs:
        delay = by_run[run.pk]
        if (run.failure, run.detail) == (delay.cause, delay.detail[:500]):
            continue
        run.failure, run.detail = delay.cause, delay.detail[:500]
        events.append(told(run, "start_delayed", {"reason": run.failure, "detail": run.detail}))
    update_rows(runs, ["failure", "detail"])
    DeploymentEvent.objects.bulk_create(events)


def record_pull(*, run_id: int, kind: str, progress: str = "") -> None:
    """Tell how the fetching of its image goes; `kind`: image_pulling or image_pulled."""
    run = Run.objects.select_related("deployment").get(pk=run_id)
    told(run, kind, {"progress": progress} if progress else {}).save()


@transaction.atomic
def expire_runs(*, cluster_id: int, run_ids: Sequence[int]) -> None:
    """Tell runs past their time limit to stop; they fail when they are gone."""
    lock_clusters([cluster_id])
    now = timezone.now()
    runs = [run for run in lock_live_runs(run_ids) if run.deployment.status in STOPPABLE]
    events = [told(run, "time_limit_reached", moved(run.deployment.status, Status.STOPPING)) for run in runs]
    Run.objects.filter(pk__in=[run.pk for run in runs]).update(
        stop_cause=StopCause.TIME_LIMIT, stop_requested_at=now
    )
    Deployment.objects.filter(pk__in=[run.deployment_id for run in runs]).update(status=Status.STOPPING)
    DeploymentEvent.objects.bulk_create(events)


def told(run: Run, kind: str, data: dict[str, Any]) -> DeploymentEvent:
    """An event of a run that the engine told us of; not saved yet."""
    return event(run.deployment, kind, source=Source.RUNTIME, run_id=run.pk, data=data)


def moved(old: str, to: str) -> dict[str, Any]:
    """The part of an event that tells of a change of state."""
    return {"from": old, "to": to}
