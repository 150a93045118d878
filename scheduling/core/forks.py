"""Copies of a cluster's state with one thing changed, each planned by `decide`: what if?"""

from collections.abc import Collection
from dataclasses import replace
from enum import StrEnum

from scheduling.core.amounts import subtract
from scheduling.core.decide import decide
from scheduling.core.dependents import Dependents, WaitsOn
from scheduling.core.ledger import total_of
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterPlan, ClusterState, Pending, Snapshot
from scheduling.core.who_matters import Waiting


class Effect(StrEnum):
    """What the next cycle does for a deployment."""

    STARTS = "starts"
    SEAT = "seat"
    """Room is promised to it; it starts when those who make it have gone."""


class Budget:
    """How much may still be planned: the work is bounded by counts, never by a clock."""

    def __init__(self, *, plans: int, rows: int) -> None:
        """Allow so many plans, and so many rows in all of them together."""
        self.spent = 0
        self._plans, self._rows = plans, rows

    @property
    def is_used_up(self) -> bool:
        return self._plans <= 0 or self._rows <= 0

    def take(self, rows: int) -> bool:
        """Count a plan of so many rows, if anything is left."""
        if self.is_used_up:
            return False
        self._plans -= 1
        self._rows -= rows
        self.spent += 1
        return True


class Forks:
    """One cluster, and one deployment that waits there or would like to: plans of it with one thing changed."""

    def __init__(
        self, *, cluster: ClusterState, target: Pending, budget: Budget, waits_on: WaitsOn | None = None
    ) -> None:
        """`target` need not be among the cluster's rows: then it is moved there in each fork."""
        self.cluster = cluster
        self.dependents = Dependents(waits_on or {})
        self._held = {one.id: one for one in cluster.pending if one.id in self.dependents.waits_on}
        self.target = target
        self.budget = budget
        self._total = total_of(cluster)
        self.has_seat = target.seated
        """Whether it has a seat, or gets one without any change: then another is nothing new."""
        self._others = Waiting(cluster)
        self._others.remove(target.id)

    def plan(
        self,
        *,
        target: Pending | None = None,
        completed: Collection[int] = (),
        gone: Collection[int] = (),
        ready: bool = False,
    ) -> ClusterPlan | None:
        """What a cycle does with another row in the place of `target`, without those who are `completed` (who free
        those who waited for them alone) or only `gone`, or where nothing blocks the cluster as a whole (`ready`).
        None: the budget is used up.
        """
        left = {*completed, *gone}
        running = tuple(run for run in self.cluster.running if run.id not in left)
        free = list(self._total)
        for run in running:
            subtract(free, run.need)
        blocked = self.cluster.blocked
        if ready or (blocked is Reason.CLUSTER_OVERCOMMITTED and left):
            blocked = None if min(free, default=0) >= 0 else Reason.CLUSTER_OVERCOMMITTED
        pending = self._pending(target or self.target, self._others.who_matter(running), completed, left)
        if not self.budget.take(len(running) + len(pending)):
            return None
        fork = replace(self.cluster, running=running, pending=pending, blocked=blocked)
        return decide(Snapshot.of([fork])).clusters[0]

    def _pending(
        self, target: Pending, others: list[Pending], completed: Collection[int], left: set[int]
    ) -> tuple[Pending, ...]:
        if not left:
            return *others, target
        rows = {one.id: one for one in others}
        rows |= {one.id: one for one in self.dependents.freed(self._held, by=completed)}
        return *(row for id_, row in rows.items() if id_ not in left and id_ != target.id), target

    def effect(self, plan: ClusterPlan | None) -> Effect | None:
        """What `plan` does for the target that is new to it; None: nothing."""
        if plan is None:
            return None
        if self.target.id in plan.starts:
            return Effect.STARTS
        return Effect.SEAT if self.target.id in plan.seats and not self.has_seat else None
