"""Phase 1 of many clusters at once: in queue order, start each that fits.

For the clusters where nothing else can happen: no seats, no reservation, and no preemptor who could have somebody
evicted once phase 1 is over.
"""

from dataclasses import dataclass

import numpy as np

from scheduling.core.columns import Flags, Ints, PendingColumns, Rows
from scheduling.core.shared_phase import start_by_shares
from scheduling.core.state import Snapshot
from scheduling.core.triage import Triage
from scheduling.core.vectors import fit, sums_of

FEW = 64
"""So many rows are walked over one by one: a round over all clusters would cost more."""
ROUNDS = 24
"""After so many rounds the rest goes one by one, so that no queue, however odd, costs a round a row."""


@dataclass(frozen=True, slots=True, eq=False)
class FirstPhase:
    """Rows of `pending` that start, cluster by cluster in the order of decision, and which clusters are planned so.

    `offsets`: where each cluster's begin in `starts`. `reserved`: of those left, who would fit what is free now but not
    what will be left after all that is stopping has gone.
    """

    starts: Rows
    offsets: Ints
    reserved: Rows
    planned: Flags


def first_phase(snapshot: Snapshot, seen: Triage) -> FirstPhase:
    """Start what fits, in each cluster where that is all that can happen."""
    rows, planned = _start_in_order(snapshot, seen)
    more, also = start_by_shares(snapshot, seen)
    rows, planned = np.concatenate((rows, more)), planned | also
    rows = rows[np.argsort(seen.owner[rows], kind="stable")]
    owner = seen.owner[rows]
    reserved = rows[:0]
    if (seen.after < seen.free_now).any():
        free_now = seen.free_now - sums_of(snapshot.pending.need, rows, seen.owner, len(snapshot))
        left = seen.fitting & planned[seen.owner]
        left[rows] = False
        reserved = np.flatnonzero(left)
        reserved = reserved[fit(snapshot.pending.need, free_now, reserved, seen.owner)]
    offsets = np.searchsorted(owner, np.arange(len(snapshot) + 1))
    return FirstPhase(starts=rows, offsets=offsets, reserved=reserved, planned=planned)


def _start_in_order(snapshot: Snapshot, seen: Triage) -> tuple[Rows, Flags]:
    """Return who starts, in queue order, and which clusters have been planned so."""
    pending, planned = snapshot.pending, seen.in_order.copy()
    rows = np.flatnonzero(seen.live & planned[seen.owner])
    rows = rows[in_queue_order(pending, rows, seen.owner)]
    owner, need = seen.owner[rows], pending.need[rows]

    room = np.minimum(seen.free_now, seen.after)
    started = _start(need, owner, room.copy(order="F"), np.flatnonzero(seen.fitting[rows]))
    stuck = np.flatnonzero(seen.preemptors[rows] & ~started)
    if stuck.size:
        # What started before it in the queue is not of a lower priority, so none of it could be withdrawn for it.
        before = np.cumsum(np.where(started[:, None], need, 0), axis=0)
        first = np.searchsorted(owner, owner[stuck])
        base = np.where((first > 0)[:, None], before[first - 1], 0)
        hopeful = (need[stuck] <= seen.reach[owner[stuck]] - (before[stuck] - base)).all(axis=1)
        planned[owner[stuck[hopeful]]] = False
    return rows[started & planned[owner]], planned


def in_queue_order(pending: PendingColumns, rows: Rows, owner: Rows) -> Rows | slice:
    """How to index `rows`, which are grouped by cluster, so that each group is in queue order."""
    of, priority, since, id_ = owner[rows], pending.priority[rows], pending.queued_at[rows], pending.id[rows]
    if rows.size < 2 or _is_sorted(of, priority, since, id_):
        return slice(None)
    # One whole number that sorts alike is much quicker than four keys; ids part only those that tie in it.
    low, high = int(since.min()), int(since.max())
    top, bottom = int(priority.max()), int(priority.min())
    span = high - low + 1
    if (int(of[-1]) + 1) * (top - bottom + 1) * span >= 2**63:
        return np.lexsort((id_, since, -priority, of))
    key = (of * (top - bottom + 1) + (top - priority)) * span + (since - low)
    order = np.argsort(key, kind="stable")
    ties = key[order]
    tied = np.flatnonzero(ties[1:] == ties[:-1])
    if tied.size:
        return np.lexsort((id_, key)) if tied.size > rows.size // 8 else _part(order, ties, tied, id_)
    return order


def _part(order: Rows, ties: Ints, tied: Rows, id_: Ints) -> Rows:
    """Sort by id, within each run of equal keys; `tied`: the places that are followed by an equal one."""
    among = np.union1d(tied, tied + 1)
    order[among] = order[among][np.lexsort((id_[order[among]], ties[among]))]
    return order


def _is_sorted(of: Rows, priority: Ints, since: Ints, id_: Ints) -> bool:
    falls, alike = priority[1:] < priority[:-1], priority[1:] == priority[:-1]
    later, same = since[1:] > since[:-1], since[1:] == since[:-1]
    sound = (of[1:] != of[:-1]) | falls | (alike & (later | (same & (id_[1:] > id_[:-1]))))
    return bool(sound.all())


def _start(need: Ints, owner: Rows, room: Ints, left: Rows) -> Flags:
    """Say who starts, among `left`. Rows are in queue order within each cluster; `room` is used up.

    Each round starts, in every cluster, all up to the first that does not fit, and drops those that do not fit any
    more; that one is among them.
    """
    started = np.zeros(len(need), dtype=np.bool_)
    left = left[fit(need, room, left, owner)]
    for _ in range(ROUNDS):
        if left.size <= FEW:
            break
        of = owner[left]
        first = np.flatnonzero(np.concatenate(([True], of[1:] != of[:-1])))
        groups, sizes = of[first], np.diff(np.append(first, left.size))
        over = np.zeros(left.size, dtype=np.bool_)
        used = np.empty((need.shape[1], left.size), dtype=np.int64)
        for resource in range(need.shape[1]):
            column = need[left, resource]
            np.cumsum(column, out=used[resource])
            base = used[resource, first] - column[first]
            over |= used[resource] > np.repeat(base + room[groups, resource], sizes)
        beyond = np.append(np.flatnonzero(over), left.size)
        # Everybody left fits alone, so each group starts one at least.
        stop = np.minimum(beyond[np.searchsorted(beyond, first)], first + sizes)
        for resource in range(need.shape[1]):
            base = used[resource, first] - need[left[first], resource]
            room[groups, resource] -= used[resource, stop - 1] - base
        starts = np.arange(left.size) < np.repeat(stop, sizes)
        started[left[starts]] = True
        left = left[~starts]
        left = left[fit(need, room, left, owner)]
    _start_one_by_one(need, owner, room, left, started)
    return started


def _start_one_by_one(need: Ints, owner: Rows, room: Ints, left: Rows, started: Flags) -> None:
    rooms: dict[int, list[int]] = {}
    for row, of, amount in zip(left.tolist(), owner[left].tolist(), need[left].tolist(), strict=True):
        there = rooms.get(of)
        if there is None:
            there = rooms[of] = room[of].tolist()
        if all(map(int.__le__, amount, there)):
            started[row] = True
            rooms[of] = [free - wanted for free, wanted in zip(there, amount, strict=True)]
