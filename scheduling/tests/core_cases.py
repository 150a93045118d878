"""Short words for the planner's table cases: one resource unless a case says otherwise, ids set by hand."""

from collections.abc import Iterable
from dataclasses import replace

from scheduling.core.amounts import Amount
from scheduling.core.decide import decide
from scheduling.core.invariants import check
from scheduling.core.policy import Policy
from scheduling.core.reasons import Reason
from scheduling.core.state import (
    ClusterPlan,
    ClusterState,
    Pending,
    Running,
    Snapshot,
)

LOW, MEDIUM, HIGH = 1, 2, 3
CHAIN = Policy(name="chain", may_preempt={HIGH: frozenset({LOW, MEDIUM}), MEDIUM: frozenset({LOW})})


def amount(need: int | Amount) -> Amount:
    return need if isinstance(need, tuple) else (need,)


def waits(
    id_: int,
    need: int | Amount,
    priority: int = LOW,
    *,
    since: int = 0,
    hold: Reason | None = None,
    seated: bool = False,
) -> Pending:
    return Pending(id_, amount(need), priority, since, hold=hold, seated=seated)


def runs(
    id_: int, need: int | Amount, priority: int = LOW, *, since: int = 0, stopping: bool = False
) -> Running:
    return Running(id_, amount(need), priority, since, stopping=stopping)


def cluster(
    total: int | Amount,
    *,
    running: Iterable[Running] = (),
    pending: Iterable[Pending] = (),
    blocked: Reason | None = None,
    id_: int = 1,
) -> ClusterState:
    pool = amount(total)
    names = ("gpu", "cpu", "ram", "disk")[: len(pool)]
    return ClusterState(id_, names, (pool,), tuple(running), tuple(pending), blocked)


def plan_of(state: ClusterState, policy: Policy | None = None) -> ClusterPlan:
    """Decide one cluster, and hold the plan against the invariants that production checks."""
    snapshot = Snapshot.of([replace(state, policy=policy or state.policy)])
    plan = decide(snapshot)
    check(snapshot, plan)
    (one,) = plan.clusters
    return one


def evicted(plan: ClusterPlan) -> list[tuple[int, int]]:
    """The (victim, preemptor) pairs of a plan."""
    return [(eviction.victim, eviction.preemptor) for eviction in plan.evictions]
