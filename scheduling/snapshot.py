"""The only translator from rows to the core's snapshot: a fixed number of queries, whatever the number of clusters."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection

from clusters.amounts import RESOURCES
from clusters.models import Cluster
from clusters.models import ClusterState as Condition
from deployments.models import Deployment
from deployments.states import HOLDS_CAPACITY, Status
from scheduling.checkpoints import reported, saved_at
from scheduling.core.columns import UNKNOWN, Heads, Ints, PendingColumns, RunningColumns, codes, ints, needs
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterState, Snapshot
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
REASONS: dict[str | None, Reason] = {reason.value: reason for reason in Reason}
UNMET = """
SELECT dependency.deployment_id, bool_or(upstream.status IN ('failed', 'cancelled'))
FROM deployments_dependency AS dependency
JOIN deployments_deployment AS waiting ON waiting.id = dependency.deployment_id
JOIN deployments_deployment AS upstream ON upstream.id = dependency.depends_on_id
WHERE waiting.cluster_id = ANY(%s) AND waiting.status = 'pending' AND upstream.status <> 'completed'
GROUP BY dependency.deployment_id
"""


def load(clusters: Sequence[Cluster], now: datetime) -> Snapshot:
    """What the planner may know of these clusters, which are in the order of their ids. Nobody must book meanwhile:
    their rows are locked, or all is read as of one moment.
    """
    ids = [cluster.pk for cluster in clusters]
    follows = followed_by(ids, now)
    usual = usual_of_deployments([id_ for id_ in ids if follows[id_].wants_durations])
    pending = _pending(ids, now, usual)
    running = _running(ids, now, usual)
    heads = Heads.of(
        [
            ClusterState(
                id=cluster.pk,
                resources=RESOURCES,
                pools=(tuple(cluster.total),),
                blocked=BLOCKED.get(cluster.state),
                policy=follows[cluster.pk].policy,
                now=microseconds(now),
                work_resource=GPU if cluster.total_gpu else CPU,
                weights=follows[cluster.pk].weights,
                user_weights=follows[cluster.pk].user_weights,
                evictions_left=follows[cluster.pk].evictions_left,
            )
            for cluster in clusters
        ],
        len(RESOURCES),
    )
    return Snapshot(RESOURCES, heads, pending, running)


def microseconds(at: datetime) -> int:
    """A time as the core compares it."""
    return (at - EPOCH) // MICROSECOND


def _expected(seconds: Iterable[int | None], ids: Iterable[int], usual: Mapping[int, float]) -> Ints:
    """What each one's user expects, else what is usual; in microseconds."""
    known = (usual.get(id_) if given is None else given for id_, given in zip(ids, seconds, strict=True))
    return ints(UNKNOWN if one is None else round(one * 1_000_000) for one in known)


def _pending(cluster_ids: list[int], now: datetime, usual: Mapping[int, float]) -> PendingColumns:
    rows: Any = list(
        Deployment.objects.filter(cluster_id__in=cluster_ids, status=Status.PENDING)
        .order_by("cluster_id", "-priority", "queued_at", "id")
        .values_list(
            "cluster_id", "id", "required_gpu", "required_cpu", "required_ram", "priority", "queued_at",
            "seat_granted_at", "reason", "retry_at", "organization_id", "created_by_id",
            "expected_seconds",
        )
    )  # fmt: skip
    # Read after the rows: a deployment that is submitted meanwhile is in them only with all that it waits for.
    holds = _dependency_holds(cluster_ids)
    of, id_, gpu, cpu, ram, priority, queued_at, seat, reason, retry_at, organization, user, expected = (
        _turned(rows, 13)
    )
    later = [Reason.WAITING_FOR_RETRY if at is not None and at > now else None for at in retry_at]
    return PendingColumns(
        offsets=_offsets(of, cluster_ids),
        id=ints(id_),
        need=needs(list(zip(gpu, cpu, ram, strict=True)), len(RESOURCES)),
        priority=ints(priority),
        queued_at=ints(map(microseconds, queued_at)),
        hold=codes(map(holds.get, id_, later)),
        seated=np.array([at is not None for at in seat], dtype=np.bool_),
        organization=ints(organization),
        user=ints(one or 0 for one in user),
        reason=codes(map(REASONS.get, reason)),
        expected=_expected(expected, id_, usual),
    )


def _dependency_holds(cluster_ids: list[int]) -> dict[int, Reason]:
    with connection.cursor() as cursor:
        cursor.execute(UNMET, [cluster_ids])
        return {
            id_: Reason.DEPENDENCY_FAILED if failed else Reason.WAITING_FOR_DEPENDENCIES
            for id_, failed in cursor.fetchall()
        }


def _running(cluster_ids: list[int], now: datetime, usual: Mapping[int, float]) -> RunningColumns:
    # A deployment's needs cannot change while it holds capacity, so its own columns are what its run holds.
    rows: Any = (
        Deployment.objects.filter(cluster_id__in=cluster_ids, status__in=HOLDS_CAPACITY)
        .order_by("cluster_id")
        .values_list(
            "cluster_id", "id", "required_gpu", "required_cpu", "required_ram", "priority", "started_at", "status",
            "organization_id", "created_by_id", "preemption_count", "expected_seconds", "checkpoint_interval_seconds",
        )
    )  # fmt: skip
    (
        of,
        id_,
        gpu,
        cpu,
        ram,
        priority,
        started_at,
        status,
        organization,
        user,
        evictions,
        expected,
        interval,
    ) = _turned(list(rows), 13)
    reports, at = reported(cluster_ids), microseconds(now)
    began = list(map(microseconds, started_at))
    saved = [
        saved_at(
            started=start,
            reported=microseconds(reports[one]) if one in reports else None,
            interval_seconds=every,
            now=at,
        )
        for one, start, every in zip(id_, began, interval, strict=True)
    ]
    return RunningColumns(
        offsets=_offsets(of, cluster_ids),
        id=ints(id_),
        need=needs(list(zip(gpu, cpu, ram, strict=True)), len(RESOURCES)),
        priority=ints(priority),
        started_at=ints(began),
        stopping=np.array([one == Status.STOPPING for one in status], dtype=np.bool_),
        organization=ints(organization),
        user=ints(one or 0 for one in user),
        saved_at=ints(saved),
        evictions=ints(evictions),
        expected=_expected(expected, id_, usual),
    )


def _turned(rows: list[tuple[Any, ...]], width: int) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _offsets(of: Sequence[int], cluster_ids: list[int]) -> Ints:
    """Where the rows of each cluster begin; `of`, the cluster of each row, is sorted, and so are `cluster_ids`."""
    bounds = np.searchsorted(ints(of), ints(cluster_ids))
    return np.append(bounds, len(of)).astype(np.int64)
