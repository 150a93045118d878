"""The only translator from rows to the core's snapshot: a fixed number of queries, whatever the number of clusters."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from clusters.amounts import RESOURCES
from clusters.models import Cluster
from clusters.models import ClusterState as Condition
from deployments.models import Deployment
from deployments.states import HOLDS_CAPACITY, Status
from scheduling.checkpoints import reported, saved_at
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterState, Pending, Running, Snapshot
from scheduling.durations import usual_of_deployments
from scheduling.policies import followed_by

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
BLOCKED = {
    Condition.PAUSED: Reason.CLUSTER_PAUSED,
    Condition.UNREACHABLE: Reason.CLUSTER_UNREACHABLE,
    Condition.OVERCOMMITTED: Reason.CLUSTER_OVERCOMMITTED,
}
GPU, CPU = RESOURCES.index("gpu"), RESOURCES.index("cpu")
REASONS: dict[str, Reason] = {reason.value: reason for reason in Reason}
UNMET = """
SELECT dependency.deployment_id, bool_or(upstream.status IN ('failed', 'cancelled'))
FROM deployments_dependency AS dependency
JOIN deployments_deployment AS waiting ON waiting.id = dependency.deployment_id
JOIN deployments_deployment AS upstream ON upstream.id = dependency.depends_on_id
WHERE waiting.cluster_id = ANY(%s) AND waiting.status = 'pending' AND upstream.status <> 'completed'
GROUP BY dependency.deployment_id
"""


def load(clusters: Sequence[Cluster], now: datetime) -> Snapshot:
    """What the planner may know of these clusters. Nobody must book meanwhile: their rows are locked, or all is
    read as of one moment.
    """
    ids = [cluster.pk for cluster in clusters]
    follows = followed_by(ids, now)
    usual = usual_of_deployments([id_ for id_ in ids if follows[id_].wants_durations])
    pending = _pending(ids, now, usual)
    running = _running(ids, now, usual)
    return Snapshot.of(
        ClusterState(
            id=cluster.pk,
            resources=RESOURCES,
            pools=(tuple(cluster.total),),
            running=tuple(running[cluster.pk]),
            pending=tuple(pending[cluster.pk]),
            blocked=BLOCKED.get(cluster.state),
            policy=follows[cluster.pk].policy,
            now=microseconds(now),
            work_resource=GPU if cluster.total_gpu else CPU,
            weights=follows[cluster.pk].weights,
            user_weights=follows[cluster.pk].user_weights,
            evictions_left=follows[cluster.pk].evictions_left,
        )
        for cluster in clusters
    )


def microseconds(at: datetime) -> int:
    """A time as the core compares it."""
    return (at - EPOCH) // MICROSECOND


def _expected(seconds: int | None, usual: float | None) -> int | None:
    """What its user expects, else what is usual; in microseconds."""
    known = usual if seconds is None else seconds
    return None if known is None else round(known * 1_000_000)


def _pending(cluster_ids: list[int], now: datetime, usual: Mapping[int, float]) -> dict[int, list[Pending]]:
    found: dict[int, list[Pending]] = defaultdict(list)
    rows: Any = list(
        Deployment.objects.filter(cluster_id__in=cluster_ids, status=Status.PENDING)
        .order_by("cluster_id", "-priority", "queued_at", "id")
        .values_list(
            "id", "cluster_id", "required_gpu", "required_cpu", "required_ram", "priority", "queued_at",
            "seat_granted_at", "reason", "retry_at", "organization_id", "created_by_id",
            "expected_seconds",
        )
    )  # fmt: skip
    # Read after the rows: a deployment that is submitted meanwhile is in them only with all that it waits for.
    holds = _dependency_holds(cluster_ids)
    for (
        id_,
        cluster_id,
        gpu,
        cpu,
        ram,
        priority,
        queued,
        seat,
        reason,
        retry_at,
        organization,
        user,
        expected,
    ) in rows:
        hold = holds.get(id_)
        if hold is None and retry_at is not None and retry_at > now:
            hold = Reason.WAITING_FOR_RETRY
        found[cluster_id].append(
            Pending(
                id_, (gpu, cpu, ram), priority, microseconds(queued), hold, seat is not None,
                organization, user or 0, REASONS.get(reason) if reason else None,
                _expected(expected, usual.get(id_)),
            )
        )  # fmt: skip
    return found


def _dependency_holds(cluster_ids: list[int]) -> dict[int, Reason]:
    with connection.cursor() as cursor:
        cursor.execute(UNMET, [cluster_ids])
        return {
            id_: Reason.DEPENDENCY_FAILED if failed else Reason.WAITING_FOR_DEPENDENCIES
            for id_, failed in cursor.fetchall()
        }


def _running(cluster_ids: list[int], now: datetime, usual: Mapping[int, float]) -> dict[int, list[Running]]:
    # A deployment's needs cannot change while it holds capacity, so its own columns are what its run holds.
    found: dict[int, list[Running]] = defaultdict(list)
    rows: Any = Deployment.objects.filter(cluster_id__in=cluster_ids, status__in=HOLDS_CAPACITY).values_list(
        "id", "cluster_id", "required_gpu", "required_cpu", "required_ram", "priority", "started_at", "status",
        "organization_id", "created_by_id", "preemption_count", "expected_seconds", "checkpoint_interval_seconds",
    )  # fmt: skip
    reports, at = reported(cluster_ids), microseconds(now)
    for (
        id_,
        cluster_id,
        gpu,
        cpu,
        ram,
        priority,
        started,
        status,
        organization,
        user,
        evictions,
        expected,
        interval,
    ) in rows:
        began, report = microseconds(started), reports.get(id_)
        saved = saved_at(
            started=began,
            reported=None if report is None else microseconds(report),
            interval_seconds=interval,
            now=at,
        )
        found[cluster_id].append(
            Running(
                id_, (gpu, cpu, ram), priority, began, status == Status.STOPPING, organization, user or 0, saved,
                evictions, _expected(expected, usual.get(id_)),
            )
        )  # fmt: skip
    return found
