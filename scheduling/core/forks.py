"""Copies of a cluster's state with one thing changed, each planned by `decide`: what if?"""

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

import numpy as np

from scheduling.core.amounts import Amount, fits, subtract
from scheduling.core.decide import decide
from scheduling.core.draft import preemptible_by
from scheduling.core.ledger import total_of
from scheduling.core.policy import Policy
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterPlan, ClusterState, Pending, Running, Snapshot


class Effect(StrEnum):
    """What the next cycle does for a deployment."""

    STARTS = "starts"
    SEAT = "seat"
    """Room is promised to it; it starts when those who make it have gone."""


class Budget:
    """How many plans may still be made: the work is bounded by a count, never by a clock."""

    def __init__(self, most: int) -> None:
        """Allow `most` plans."""
        self.left = most
        self.spent = 0

    def take(self) -> bool:
        """Count one plan, if one is left."""
        if self.left <= 0:
            return False
        self.left -= 1
        self.spent += 1
        return True


class Waiting:
    """Those who wait in a cluster, without those who cannot have a part in a plan that has so much free room.

    Exact: of those without a seat, left out are those who are held, those who ask for more than the cluster has, and
    those who may preempt nobody and ask for more than is free before the plan begins; what is free only shrinks while
    a plan is made. Where the policy keeps room for one who waits, the last kind may be that one and stays.
    """

    def __init__(self, rows: Iterable[Pending], *, total: Iterable[int], policy: Policy) -> None:
        """Sort the rows out once; `rows` in any order."""
        limit = list(total)
        self._rows = [one for one in rows if one.seated or (one.hold is None and fits(one.need, limit))]
        self._needs = np.array([one.need for one in self._rows], dtype=np.int64).reshape(-1, len(limit))
        keeps_room = policy.reservation_after_seconds is not None
        preempts = {priority for priority in policy.may_preempt if preemptible_by(priority, policy)}
        self._stays = np.array(
            [keeps_room or one.seated or one.priority in preempts for one in self._rows], dtype=bool
        )

    def who_matter(self, free_now: Amount) -> list[Pending]:
        """The rows that a plan must see, where so much is free when it begins."""
        mask = self._stays | (self._needs <= np.array(free_now, dtype=np.int64)).all(axis=1)
        return [self._rows[place] for place in np.flatnonzero(mask)]


class Forks:
    """One cluster, and one deployment that waits there or would like to: plans of it with one thing changed."""

    def __init__(self, *, cluster: ClusterState, target: Pending, budget: Budget) -> None:
        """`target` need not be among the cluster's rows: then it is moved there in each fork."""
        self.cluster = cluster
        self.target = target
        self.budget = budget
        self._total = total_of(cluster)
        others = (one for one in cluster.pending if one.id != target.id)
        self._others = Waiting(others, total=self._total, policy=cluster.policy)

    def plan(
        self, *, target: Pending | None = None, ended: Running | None = None, ready: bool = False
    ) -> ClusterPlan | None:
        """What a cycle does with another row in the place of `target`, without the run `ended`, or where nothing
        blocks the cluster as a whole (`ready`). None: the budget is used up.
        """
        if not self.budget.take():
            return None
        running = tuple(run for run in self.cluster.running if ended is None or run.id != ended.id)
        free = list(self._total)
        for run in running:
            subtract(free, run.need)
        blocked = self.cluster.blocked
        if ready or (blocked is Reason.CLUSTER_OVERCOMMITTED and ended is not None):
            blocked = None if min(free, default=0) >= 0 else Reason.CLUSTER_OVERCOMMITTED
        fork = replace(
            self.cluster,
            running=running,
            pending=(
                *self._others.who_matter(tuple(max(0, amount) for amount in free)),
                target or self.target,
            ),
            blocked=blocked,
        )
        return decide(Snapshot.of([fork])).clusters[0]

    def effect(self, plan: ClusterPlan | None) -> Effect | None:
        """What `plan` does for the target. To one who has a seat already, a seat is nothing new."""
        if plan is None:
            return None
        if self.target.id in plan.starts:
            return Effect.STARTS
        return Effect.SEAT if self.target.id in plan.seats and not self.target.seated else None
