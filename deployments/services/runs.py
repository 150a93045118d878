"""What the engine says about live runs, written into the books: delayed, running, told to stop, past the time limit."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from clusters.locks import lock_clusters
from deployments.events import announce_all, event, save_events
from deployments.models import Deployment, DeploymentEvent, Run, Source, StopCause
from deployments.reconcile import Delay, MarkRunning
from deployments.services.locking import lock_live_runs
from deployments.services.rows import update_rows
from deployments.states import STOPPABLE, Status

RUNNING = """
WITH seen AS (
    SELECT * FROM unnest(%(runs)s::bigint[], %(handles)s::text[], %(ats)s::timestamptz[]) AS one(run, handle, at)
), moved AS (
    UPDATE deployments_deployment AS deployment SET status = 'running'
    FROM seen JOIN deployments_run AS run ON run.id = seen.run
    WHERE deployment.id = run.deployment_id AND run.outcome IS NULL AND deployment.status = 'starting'
    RETURNING deployment.id, deployment.organization_id, deployment.cluster_id, seen.run, seen.handle, seen.at
), runs AS (
    UPDATE deployments_run AS run SET running_at = coalesce(moved.at, %(now)s), failure = NULL, detail = ''
    FROM moved WHERE run.id = moved.run
), held AS (
    UPDATE deployments_allocation AS allocation SET handle = moved.handle
    FROM moved WHERE allocation.run_id = moved.run
), told AS (
    INSERT INTO deployments_deploymentevent (deployment_id, organization_id, run_id, at, kind, source, data)
    SELECT id, organization_id, run, %(now)s, 'running', 'runtime', '{"from": "starting", "to": "running"}'::jsonb
    FROM moved ORDER BY run
)
SELECT id, cluster_id, organization_id FROM moved ORDER BY run
"""


@transaction.atomic
def record_running(*, marks: Mapping[int, Sequence[MarkRunning]]) -> None:
    """Starting → running for those still starting, dated as the engine does; for cluster → marks, in one statement."""
    lock_clusters(marks)
    every = [mark for marks_of_one in marks.values() for mark in marks_of_one]
    now = timezone.now()
    parameters: dict[str, Any] = {
        "runs": [mark.run_id for mark in every],
        "handles": [mark.handle for mark in every],
        "ats": [mark.at for mark in every],
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(RUNNING, parameters)
        rows = cursor.fetchall()
    data = moved(Status.STARTING, Status.RUNNING)
    announce_all("running", rows, source=Source.RUNTIME, at=now, status=Status.RUNNING, data=data)


def record_signals(*, cluster_id: int, run_ids: Sequence[int]) -> None:
    """Note, before the engine is told, that it will be: an end dated before this is the run's own."""
    _note(cluster_id, run_ids, still={"stop_signalled_at": None}, stop_signalled_at=timezone.now())


def record_deliveries(*, cluster_id: int, run_ids: Sequence[int]) -> None:
    """Note that the engine took our word to end; its grace counts from now."""
    _note(cluster_id, run_ids, still={"stop_delivered_at": None}, stop_delivered_at=timezone.now())


def record_images_ready(*, cluster_id: int, run_ids: Sequence[int]) -> None:
    """Note that nothing has to be fetched any more before these start; their time to start counts from now."""
    _note(cluster_id, run_ids, still={"image_ready_at": None, "outcome": None}, image_ready_at=timezone.now())


def forget_images(*, cluster_id: int, run_ids: Sequence[int]) -> None:
    """Note that the image has gone from the engine again, and must be fetched anew."""
    _note(cluster_id, run_ids, still={"outcome": None}, image_ready_at=None)


@transaction.atomic
def _note(cluster_id: int, run_ids: Sequence[int], *, still: dict[str, Any], **values: Any) -> None:
    if run_ids:
        # Else a cycle that evicts the same runs in an order of its own could wait for us, and we for it.
        lock_clusters([cluster_id])
        Run.objects.filter(pk__in=run_ids, **still).update(**values)


@transaction.atomic
def record_delays(*, cluster_id: int, delays: Sequence[Delay]) -> None:
    """Store why runs do not run yet, and tell it, each once as long as it stays the same."""
    lock_clusters([cluster_id])
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
    save_events(events)


def record_pull(*, run_id: int, kind: str, progress: str = "") -> None:
    """Tell how the fetching of its image goes; `kind`: image_pulling or image_pulled."""
    run = Run.objects.select_related("deployment").get(pk=run_id)
    with transaction.atomic():
        save_events([told(run, kind, {"progress": progress} if progress else {})])


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
    save_events(events)


def told(run: Run, kind: str, data: dict[str, Any]) -> DeploymentEvent:
    """An event of a run that the engine told us of; not saved yet."""
    return event(run.deployment, kind, source=Source.RUNTIME, run_id=run.pk, data=data)


def moved(old: str, to: str) -> dict[str, Any]:
    """The part of an event that tells of a change of state."""
    return {"from": old, "to": to}
