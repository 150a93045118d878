"""What the engine says about live runs, written into the books: running, told to stop, past the time limit."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from clusters.locks import lock_clusters
from deployments.events import event
from deployments.models import Allocation, Deployment, DeploymentEvent, Run, Source, StopCause
from deployments.reconcile import MarkRunning
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
    update_rows(runs, ["running_at"])
    allocations = list(Allocation.objects.filter(run__in=runs))
    for allocation in allocations:
        allocation.handle = by_run[allocation.run_id].handle
    update_rows(allocations, ["handle"])
    Deployment.objects.filter(pk__in=[run.deployment_id for run in runs]).update(status=Status.RUNNING)
    DeploymentEvent.objects.bulk_create(
        [told(run, "running", old=Status.STARTING, to=Status.RUNNING) for run in runs]
    )


def record_signals(*, run_ids: Sequence[int]) -> None:
    """Note, before the engine is told, that it will be: an end dated before this is the run's own."""
    Run.objects.filter(pk__in=run_ids, stop_signalled_at=None).update(stop_signalled_at=timezone.now())


@transaction.atomic
def expire_runs(*, cluster_id: int, run_ids: Sequence[int]) -> None:
    """Tell runs past their time limit to stop; they fail when they are gone."""
    lock_clusters([cluster_id])
    now = timezone.now()
    runs = [run for run in lock_live_runs(run_ids) if run.deployment.status in STOPPABLE]
    events = [told(run, "time_limit_reached", old=run.deployment.status, to=Status.STOPPING) for run in runs]
    Run.objects.filter(pk__in=[run.pk for run in runs]).update(
        stop_cause=StopCause.TIME_LIMIT, stop_requested_at=now
    )
    Deployment.objects.filter(pk__in=[run.deployment_id for run in runs]).update(status=Status.STOPPING)
    DeploymentEvent.objects.bulk_create(events)


def told(run: Run, kind: str, *, old: str, to: str) -> DeploymentEvent:
    """An event of a run that the engine told us of; not saved yet."""
    return event(run.deployment, kind, source=Source.RUNTIME, run_id=run.pk, data={"from": old, "to": to})
