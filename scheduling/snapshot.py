"""The only translator from rows to the core's snapshot: a fixed number of queries, whatever the number of clusters."""

from collections import defaultdict
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
from scheduling import waiting
from scheduling.checkpoints import reported, saved_at
from scheduling.core.columns import UNKNOWN, Heads, Ints, PendingColumns, RunningColumns, codes, ints, needs
from scheduling.core.policy import Policy
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterState, Snapshot
from scheduling.durations import usual_of_deployments
from scheduling.policies import followed_by
from scheduling.room import Held, limits

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
BLOCKED = {
    Condition.PAUSED: Reason.CLUSTER_PAUSED,
    Condition.UNREACHABLE: Reason.CLUSTER_UNREACHABLE,
    Condition.OVERCOMMITTED: Reason.CLUSTER_OVERCOMMITTED,
}
GPU, CPU = RESOURCES.index("gpu"), RESOURCES.index("cpu")
REASONS: dict[str | None, Reason] = {reason.value: reason for reason in Reason}
HELD = """
SELECT cluster_id, priority, status = 'stopping', sum(required_gpu)::bigint, sum(required_cpu)::bigint,
    sum(required_ram)::bigint
FROM deployments_deployment
WHERE cluster_id = ANY(%s) AND status IN ('running', 'starting', 'stopping') GROUP BY 1, 2, 3
"""


def load(clusters: Sequence[Cluster], now: datetime, *, everybody: bool = True) -> Snapshot:
    """What the planner may know of these clusters, which are in the order of their ids. Nobody must book meanwhile:
    their rows are locked, or all is read as of one moment.

    Not `everybody`: without those that wait quietly, for whom the plan would do nothing and say nothing new.
    """
    ids = [cluster.pk for cluster in clusters]
    follows = followed_by(ids, now)
    usual = usual_of_deployments([id_ for id_ in ids if follows[id_].wants_durations])
    if everybody:
        rows = waiting.everybody(ids, now)
    else:
        held = _held(ids)
        rows = waiting.concerned(
            [_room(one, held[one.pk], follows[one.pk].policy, now) for one in clusters], now
        )
    pending = _pending(rows, ids, usual)
    # A cycle need not know who runs where it decides nothing.
    waits = np.diff(pending.offsets).tolist()
    busy = ids if everybody else [id_ for id_, some in zip(ids, waits, strict=True) if some]
    running = _running(ids, busy, now, usual)
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


def _held(cluster_ids: list[int]) -> dict[int, list[Held]]:
    found: dict[int, list[Held]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(HELD, [cluster_ids])
        for cluster_id, priority, stopping, *amount in cursor.fetchall():
            found[cluster_id].append(Held(priority, stopping, tuple(amount)))
    return found


def _room(cluster: Cluster, held: Sequence[Held], policy: Policy, now: datetime) -> waiting.Room:
    total, wait = tuple(cluster.total), policy.reservation_after_seconds
    return waiting.Room(
        cluster=cluster.pk,
        total=total,
        blocked=BLOCKED.get(cluster.state),
        most=limits(total, held, policy),
        late=None if wait is None else now - timedelta(seconds=wait),
    )


def _pending(
    rows: list[tuple[Any, ...]], cluster_ids: list[int], usual: Mapping[int, float]
) -> PendingColumns:
    of, id_, gpu, cpu, ram, priority, queued_at, seated, reason, organization, user, expected, hold = _turned(
        rows, 13
    )
    return PendingColumns(
        offsets=_offsets(of, cluster_ids),
        id=ints(id_),
        need=needs(list(zip(gpu, cpu, ram, strict=True)), len(RESOURCES)),
        priority=ints(priority),
        queued_at=ints(queued_at),
        hold=codes(map(REASONS.get, hold)),
        seated=np.array(seated, dtype=np.bool_),
        organization=ints(organization),
        user=ints(one or 0 for one in user),
        reason=codes(map(REASONS.get, reason)),
        expected=_expected(expected, id_, usual),
    )


def _running(
    cluster_ids: list[int], busy: list[int], now: datetime, usual: Mapping[int, float]
) -> RunningColumns:
    """Who holds capacity in the `busy` ones of the clusters."""
    # A deployment's needs cannot change while it holds capacity, so its own columns are what its run holds.
    rows: Any = () if not busy else (
        Deployment.objects.filter(cluster_id__in=busy, status__in=HOLDS_CAPACITY)
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
    reports, at = reported(busy) if busy else {}, microseconds(now)
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
