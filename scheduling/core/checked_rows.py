"""What a plan does, as places in the snapshot's tables: the ground on which `invariants` checks it.

Nothing here is the planner's. An id that the snapshot does not have in that cluster has the place NOWHERE.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from scheduling.core.columns import Flags, Ints, Rows
from scheduling.core.state import Plan, Snapshot

NOWHERE = -1
WIDEST = 1 << 24
"""Ids that span no more than this are found by a table with an entry for each of them."""


class Register:
    """Finds rows by cluster and id, over all that waits and then all that runs."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Enter every row."""
        self.id: Ints = np.concatenate((snapshot.pending.id, snapshot.running.id))
        self.owner = np.concatenate((_owners(snapshot.pending.offsets), _owners(snapshot.running.offsets)))
        self.repeated: Rows = np.zeros(0, dtype=np.intp)
        """Rows whose cluster has another row of the same id."""
        self._table: npt.NDArray[np.int32] | None = None
        if not self._enter_in_a_table():
            self._enter_in_order()

    def _enter_in_a_table(self) -> bool:
        if not self.id.size:
            return False
        self._low = int(self.id.min())
        span = int(self.id.max()) - self._low + 1
        if span > WIDEST:
            return False
        # Not filled: an entry counts only if the row that it names has the id that was asked for.
        table, places = np.empty(span, dtype=np.int32), np.arange(self.id.size, dtype=np.int32)
        table[self.id - self._low] = places
        if (table[self.id - self._low] != places).any():
            return False
        self._table = table
        return True

    def _enter_in_order(self) -> None:
        self._known, rank = np.unique(self.id, return_inverse=True)
        keys = self.owner * len(self._known) + rank
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]
        twice = np.flatnonzero(self._keys[1:] == self._keys[:-1])
        self.repeated = self._order[twice + 1]

    def find(self, ids: Ints, of: Rows) -> Rows:
        """The places of these ids, each in the cluster beside it."""
        found = np.full(len(ids), NOWHERE, dtype=np.intp)
        if not self.id.size or not len(ids):
            return found
        if self._table is not None:
            near = np.flatnonzero((ids >= self._low) & (ids - self._low < len(self._table)))
            place = self._table[ids[near] - self._low]
            known = (place >= 0) & (place < self.id.size)
            near, place = near[known], place[known]
            known = (self.id[place] == ids[near]) & (self.owner[place] == of[near])
        else:
            rank = np.searchsorted(self._known, ids).clip(max=len(self._known) - 1)
            near = np.flatnonzero(self._known[rank] == ids)
            keys = of[near] * len(self._known) + rank[near]
            at = np.searchsorted(self._keys, keys).clip(max=len(self._keys) - 1)
            known, place = self._keys[at] == keys, self._order[at]
        found[near[known]] = place[known]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """Ids that a plan names, the cluster whose plan does, and their places; `flags` say of every row if it is named."""

    id: Ints
    of: Rows
    row: Rows
    flags: Flags

    def in_cluster(self, index: int) -> list[int]:
        """The ids that this cluster's plan names, sorted."""
        return sorted(self.id[self.of == index].tolist())

    def repeated(self) -> tuple[int, list[int]] | None:
        """The first cluster whose plan names an id twice, and all such ids of it."""
        places = self.row[self.row != NOWHERE]
        if places.size == np.count_nonzero(self.flags):
            return None
        order = np.lexsort((self.id, self.of))
        ids, of = self.id[order], self.of[order]
        twice = np.flatnonzero((ids[1:] == ids[:-1]) & (of[1:] == of[:-1]))
        index = int(of[twice[0]])
        return index, sorted(set(ids[twice[of[twice] == index]].tolist()))


class Acts:
    """All that a plan does."""

    def __init__(self, snapshot: Snapshot, plan: Plan, register: Register) -> None:
        """Find the row of each id that the plan names."""
        self._register, self._waiting = register, len(snapshot.pending.id)
        plans = plan.clusters
        self.starts = self._pending([one.starts for one in plans])
        self.seats = self._pending([one.seats for one in plans])
        self.dropped = self._pending([one.dropped_seats for one in plans])
        evictions = [one.evictions for one in plans]
        self.victims = self._running([[each.victim for each in some] if some else () for some in evictions])
        self.preemptors = self._pending(
            [[each.preemptor for each in some] if some else () for some in evictions]
        )
        self.granted = Named(
            np.concatenate((self.starts.id, self.seats.id)),
            np.concatenate((self.starts.of, self.seats.of)),
            np.concatenate((self.starts.row, self.seats.row)),
            self.starts.flags | self.seats.flags,
        )

    def _pending(self, named: Sequence[Sequence[int]]) -> Named:
        ids, of, row = self._find(named)
        row = np.where(row < self._waiting, row, NOWHERE)
        return _flagged(ids, of, row, self._waiting)

    def _running(self, named: Sequence[Sequence[int]]) -> Named:
        ids, of, row = self._find(named)
        row = np.where(row >= self._waiting, row - self._waiting, NOWHERE)
        return _flagged(ids, of, row, self._register.id.size - self._waiting)

    def _find(self, named: Sequence[Sequence[int]]) -> tuple[Ints, Rows, Rows]:
        ids = np.array(list(chain.from_iterable(named)), dtype=np.int64)
        of = np.repeat(np.arange(len(named)), list(map(len, named)))
        return ids, of, self._register.find(ids, of)


def all_added_up(need: Ints, offsets: Ints) -> Ints:
    """What the rows of each cluster need together: a row a cluster, a column a resource."""
    sums = np.zeros((len(offsets) - 1, need.shape[1]), dtype=np.int64, order="F")
    before = np.zeros(len(need) + 1, dtype=np.int64)
    for resource in range(need.shape[1]):
        np.cumsum(need[:, resource], out=before[1:])
        sums[:, resource] = np.diff(before[offsets])
    return sums


def added_up(need: Ints, chosen: Flags, of: Rows, clusters: int) -> Ints:
    """What the chosen rows need together; `of`: the cluster of every row. Shaped as in `all_added_up`."""
    sums = np.zeros((clusters, need.shape[1]), dtype=np.int64, order="F")
    rows = np.flatnonzero(chosen)
    owner = of[rows]
    for resource in range(need.shape[1]):
        np.add.at(sums[:, resource], owner, need[rows, resource])
    return sums


def _flagged(ids: Ints, of: Rows, row: Rows, rows: int) -> Named:
    flags = np.zeros(rows, dtype=np.bool_)
    flags[row[row != NOWHERE]] = True
    return Named(ids, of, row, flags)


def _owners(offsets: Ints) -> Rows:
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
