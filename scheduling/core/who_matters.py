"""Which of those who wait have a part in a plan: the others can be left out of a copy without changing it."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from scheduling.core.amounts import fits, subtract
from scheduling.core.ledger import total_of
from scheduling.core.state import ClusterState, Pending, Running


class Waiting:
    """Those who wait in a cluster, without those who cannot have a part in a plan. Exact, and that is proved by tests.

    Who has a seat always stays. Left out is who is held, asks for more than the cluster has, or cannot be placed:
    who may preempt nobody and does not fit what is free before the plan begins (it only shrinks while one is made),
    and who would not fit even if all that stops and all that anybody may preempt were gone. Of the last two kinds the
    one that waits longest stays where the policy may keep room for it.
    """

    def __init__(self, cluster: ClusterState) -> None:
        """Sort the cluster's rows out once; they may be added, replaced and removed later."""
        self._total = total_of(cluster)
        below = {priority: cluster.policy.preemptible_by(priority) for priority in cluster.policy.may_preempt}
        self._may_go = frozenset(lower for victims in below.values() for lower in victims)
        self._keeps_room = cluster.policy.reservation_after_seconds is not None
        self._rows = [one for one in cluster.pending if one.seated or self._could_ever(one)]
        self._rows.sort(key=lambda one: (one.queued_at, one.id))
        self._place = {one.id: place for place, one in enumerate(self._rows)}
        self._needs = np.array([one.need for one in self._rows], dtype=np.int64)
        self._needs = self._needs.reshape(-1, len(self._total))
        self._preempts = np.array([bool(below.get(one.priority)) for one in self._rows], dtype=bool)
        self._seated = np.array([one.seated for one in self._rows], dtype=bool)
        self._here = np.ones(len(self._rows), dtype=bool)
        self._more: dict[int, Pending] = {}

    def _could_ever(self, one: Pending) -> bool:
        return one.hold is None and fits(one.need, self._total)

    def remove(self, id_: int) -> None:
        """Leave one out from here on; one that is not there is no matter."""
        self._more.pop(id_, None)
        if id_ in self._place:
            self._here[self._place[id_]] = False

    def put(self, one: Pending) -> None:
        """Add one, or replace the row with its id; it always stays."""
        self.remove(one.id)
        self._more[one.id] = one

    def who_matter(self, running: Iterable[Running]) -> list[Pending]:
        """The rows that a plan must see while these runs hold what they do."""
        free, reach = list(self._total), list(self._total)
        for run in running:
            subtract(free, run.need)
            if not run.stopping and run.priority not in self._may_go:
                subtract(reach, run.need)
        able = self._fit([max(0, amount) for amount in free])
        able[self._preempts] = self._fit(reach)[self._preempts]
        able[self._seated] = True
        mask: NDArray[np.bool_] = np.logical_and(able, self._here)
        if self._keeps_room:
            late = np.flatnonzero(np.logical_and(self._here, np.logical_not(able)))
            mask[late[:1]] = True
        return [*(self._rows[place] for place in np.flatnonzero(mask)), *self._more.values()]

    def _fit(self, room: list[int]) -> NDArray[np.bool_]:
        return np.asarray((self._needs <= np.array(room, dtype=np.int64)).all(axis=1), dtype=np.bool_)
