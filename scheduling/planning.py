"""Looking and deciding, for the cycle that books its plan and for those who only want to know it."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from clusters.models import Cluster
from scheduling import snapshot as snapshots
from scheduling.core.amounts import Amount
from scheduling.core.decide import decide
from scheduling.core.state import ClusterState, Pending, Plan, Snapshot
from scheduling.core.verification import verify


@dataclass(frozen=True, slots=True)
class Supposed:
    """A deployment that does not exist: its need, in the order of RESOURCES, its priority, and whose it would be."""

    need: Amount
    priority: int
    organization: int = 0
    user: int = 0


@dataclass(frozen=True, slots=True)
class Decided:
    """A checked plan and what it was made from. `read_ms`, `plan_ms`: milliseconds for each."""

    at: datetime
    snapshot: Snapshot
    plan: Plan
    read_ms: float
    plan_ms: float


def look_and_decide(
    clusters: Sequence[Cluster],
    *,
    supposed: Mapping[int, Sequence[Supposed]] | None = None,
    everybody: bool = True,
) -> Decided:
    """What a cycle of these clusters does now. Raises InvariantBroken for a plan that must not be applied.

    `supposed`: cluster id → deployments that join its queue as if submitted now, in this order; the first has the id
    -1 in the plan, the next -2 and so on. Not `everybody`: the plan leaves out those that wait quietly, in its counts
    too. It writes nothing; what it reads must not change meanwhile.
    """
    began, now = time.perf_counter(), timezone.now()
    snapshot = snapshots.load(clusters, now, everybody=everybody)
    if supposed:
        latest = snapshots.microseconds(now)
        snapshot = Snapshot.of(
            _with(state, supposed.get(state.id, ()), latest) for state in snapshot.clusters
        )
    read = time.perf_counter()
    plan = decide(snapshot)
    verify(snapshot, plan)
    planned = time.perf_counter()
    return Decided(now, snapshot, plan, round((read - began) * 1000, 3), round((planned - read) * 1000, 3))


def foresee(
    *, cluster_ids: Iterable[int], supposed: Mapping[int, Sequence[Supposed]] | None = None
) -> Decided:
    """What the next cycle of these clusters does if nothing changes until then; as `look_and_decide`.

    Takes no locks: it neither waits for a cycle nor keeps one waiting.
    """
    with unmoving_view():
        clusters = list(Cluster.objects.filter(pk__in=list(cluster_ids)).order_by("pk"))
        return look_and_decide(clusters, supposed=supposed)


@contextmanager
def unmoving_view() -> Iterator[None]:
    """All queries in the block see the database as it was at the first of them, and none may write.

    Inside a transaction of the caller's they see what that one sees.
    """
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _with(state: ClusterState, supposed: Sequence[Supposed], now: int) -> ClusterState:
    # Behind everybody, also behind one whose clock was ahead of ours.
    last = max([now, *(one.queued_at for one in state.pending)])
    made_up = (
        Pending(-place, one.need, one.priority, last + place, organization=one.organization, user=one.user)
        for place, one in enumerate(supposed, start=1)
    )
    return replace(state, pending=(*state.pending, *made_up))
