"""The only translator from rows to the core's snapshot: a fixed number of queries, whatever the number of clusters."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from accounts.reading import SINCE_2000, read_columns
from clusters.amounts import RESOURCES
from clusters.models import Cluster
from clusters.models import ClusterState as Condition
from scheduling import waiting
from scheduling.checkpoints import SECOND, reported, saved_at
from scheduling.core.columns import UNKNOWN, Heads, Ints, PendingColumns, RunningColumns, ints
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
HELD = """
SELECT cluster_id, priority::bigint, (status = 'stopping')::int::bigint, sum(required_gpu)::bigint,
    sum(required_cpu)::bigint, sum(required_ram)::bigint
FROM deployments_deployment
WHERE cluster_id = ANY(%(clusters)s::bigint[]) AND status IN ('running', 'starting', 'stopping') GROUP BY 1, 2, 3
"""
# A deployment's needs cannot change while it holds capacity, so its own columns are what its run holds.
RUNNING = f"""
SELECT deployment.cluster_id, id, required_gpu, required_cpu, required_ram, priority::bigint, started_at,
    (status = 'stopping')::int::bigint, organization_id, coalesce(created_by_id, 0), preemption_count::bigint,
    coalesce(expected_seconds, {UNKNOWN}), coalesce(checkpoint_interval_seconds, {UNKNOWN})
FROM unnest(%(clusters)s::bigint[]) AS one(cluster) CROSS JOIN LATERAL (
    SELECT * FROM deployments_deployment
    WHERE cluster_id = one.cluster AND status IN ('running', 'starting', 'stopping') OFFSET 0
) AS deployment
"""  # noqa: S608 (each cluster by its index, as in `waiting.OF_CLUSTER`)


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


def _expected(seconds: Ints, ids: Ints, usual: Mapping[int, float]) -> Ints:
    """What each one's user expects, else what is usual; in microseconds."""
    longest = np.iinfo(np.int64).max // SECOND
    found = np.where(seconds == UNKNOWN, UNKNOWN, np.minimum(seconds, longest) * SECOND)
    for row in np.flatnonzero(seconds == UNKNOWN) if usual else ():
        found[row] = round(usual[id_] * SECOND) if (id_ := int(ids[row])) in usual else UNKNOWN
    return found


def _held(cluster_ids: list[int]) -> dict[int, list[Held]]:
    found: dict[int, list[Held]] = defaultdict(list)
    for cluster_id, priority, stopping, *amount in read_columns(
        HELD, {"clusters": cluster_ids}, 6
    ).T.tolist():
        found[cluster_id].append(Held(priority, bool(stopping), tuple(amount)))
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


def _pending(columns: Ints, cluster_ids: list[int], usual: Mapping[int, float]) -> PendingColumns:
    of, id_, *_, priority, queued_at, seated, reason, organization, user, expected, hold = columns
    return PendingColumns(
        offsets=_offsets(of, cluster_ids),
        id=id_,
        need=_needs(columns),
        priority=priority,
        queued_at=queued_at + SINCE_2000,
        hold=hold.astype(np.int8),
        seated=seated != 0,
        organization=organization,
        user=user,
        reason=reason.astype(np.int8),
        expected=_expected(expected, id_, usual),
    )


def _running(
    cluster_ids: list[int], busy: list[int], now: datetime, usual: Mapping[int, float]
) -> RunningColumns:
    """Who holds capacity in the `busy` ones of the clusters."""
    # In the order of `busy`, so by cluster.
    columns = read_columns(RUNNING, {"clusters": busy}, 13) if busy else np.zeros((13, 0), dtype=np.int64)
    of, id_, *_, priority, started_at, stopping, organization, user, evictions, expected, interval = columns
    started_at = started_at + SINCE_2000
    return RunningColumns(
        offsets=_offsets(of, cluster_ids),
        id=id_,
        need=_needs(columns),
        priority=priority,
        started_at=started_at,
        stopping=stopping != 0,
        organization=organization,
        user=user,
        saved_at=saved_at(
            started=started_at,
            reported=reported(busy, id_),
            interval_seconds=interval,
            now=microseconds(now),
        ),
        evictions=evictions,
        expected=_expected(expected, id_, usual),
    )


def _needs(columns: Ints) -> Ints:
    """The needs, which follow the cluster and the id: a row each, and each resource contiguous."""
    return columns[2 : 2 + len(RESOURCES)].T


def _offsets(of: Ints, cluster_ids: list[int]) -> Ints:
    """Where the rows of each cluster begin; `of`, the cluster of each row, is sorted, and so are `cluster_ids`."""
    bounds = np.searchsorted(of, ints(cluster_ids))
    return np.append(bounds, len(of)).astype(np.int64)
