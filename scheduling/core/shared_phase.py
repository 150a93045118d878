"""Phase 1 of many clusters at once where shares or expected lengths rank the queue: a start in each, then the next.

Between two starts nobody's share changes, and passing over one that does not fit changes nothing. So whom `order` would
start next is whoever ranks first among all that still fit.
"""

import numpy as np

from scheduling.core.columns import UNKNOWN, Flags, Ints, Rows
from scheduling.core.numbering import Numbers, distinct
from scheduling.core.order import SECOND, WHOLE, aged_at_most, band_of
from scheduling.core.order import UNKNOWN as LONGEST
from scheduling.core.state import Snapshot
from scheduling.core.triage import Triage
from scheduling.core.vectors import fit

EACH = 8
"""A round costs much the same for one cluster as for a hundred: with k clusters left and more than this × k² rows, they
are planned one by one."""
MOST = np.iinfo(np.int64).max // WHOLE // 4
"""Of no resource may a cluster have or hold more, so that shares are counted in 64 bits."""


def start_by_shares(snapshot: Snapshot, seen: Triage) -> tuple[Rows, Flags]:
    """Return who starts, in the order of decision, and which clusters have been planned so."""
    planned = seen.by_shares & (seen.holding <= MOST).all(axis=1) & (snapshot.heads.total <= MOST).all(axis=1)
    planned[seen.owner[seen.preemptors & ~seen.fitting]] = False
    rows = np.flatnonzero(seen.fitting & planned[seen.owner])
    if not rows.size:
        return rows, planned
    rounds = _Rounds(snapshot, seen, rows)
    return rounds.run(planned), planned


class _Rounds:
    """All rows that may start, cluster by cluster, and what they rank by."""

    def __init__(self, snapshot: Snapshot, seen: Triage, rows: Rows) -> None:
        pending, heads = snapshot.pending, snapshot.heads
        self.rows, self.owner, self.need = rows, seen.owner[rows], pending.need[rows]
        self.preemptor = seen.preemptors[rows]
        self.priority = _aged(snapshot, self.owner, pending.priority[rows], pending.queued_at[rows])
        self.room = np.minimum(seen.free_now, seen.after)
        self.reach = seen.reach.copy()
        ranked = [policy.organization_shares for policy in heads.policies]
        users = [policy.user_shares for policy in heads.policies]
        shortest = np.array([policy.shortest_first for policy in heads.policies], dtype=np.bool_)
        of_policy = heads.policy[self.owner]
        self.shares = [
            _Shares(snapshot, seen.owner, rows, np.array(counted, dtype=np.bool_), by_user=by_user)
            for counted, by_user in ((ranked, False), (users, True))
            if any(counted)
        ]
        length = pending.expected[rows]
        length = np.where(shortest[of_policy], np.where(length == UNKNOWN, LONGEST, length), 0)
        self.keys: list[_Shares | _Column] = [*self.shares]
        self.keys += map(_Column, (length, pending.queued_at[rows], pending.id[rows]))

    def run(self, planned: Flags) -> Rows:
        """Start one in each cluster, again and again; strike off `planned` the clusters that are left to others."""
        started: list[Rows] = []
        for priority in np.unique(self.priority)[::-1]:
            left = np.flatnonzero((self.priority == priority) & planned[self.owner])
            left = self._fitting(left, planned)
            while left.size:
                first = _firsts(self.owner[left])
                if left.size > EACH * first.size**2:
                    planned[self.owner[left[first]]] = False
                    break
                chosen = self._next(left)
                started.append(chosen)
                self._start(chosen)
                stays = np.ones(len(self.rows), dtype=np.bool_)
                stays[chosen] = False
                left = self._fitting(left[stays[left]], planned)
        rows = np.concatenate(started or [np.zeros(0, dtype=np.intp)])
        return self.rows[rows[planned[self.owner[rows]]]]

    def _start(self, chosen: Rows) -> None:
        need, of = self.need[chosen], self.owner[chosen]
        self.room[of] -= need
        self.reach[of] -= need
        for shares in self.shares:
            shares.charge(chosen, need)

    def _fitting(self, left: Rows, planned: Flags) -> Rows:
        """Drop who does not fit any more, and the clusters where one of those could have somebody evicted."""
        fits = fit(self.need, self.room, left, self.owner)
        out = left[~fits]
        out = out[self.preemptor[out]]
        if out.size:
            planned[self.owner[out[fit(self.need, self.reach, out, self.owner)]]] = False
            fits &= planned[self.owner[left]]
        return left[fits]

    def _next(self, left: Rows) -> Rows:
        """Whoever of `left`, all of one priority, goes first in each cluster."""
        chosen = left
        for key in self.keys:
            at = _firsts(self.owner[chosen])
            if at.size == chosen.size:
                break
            ranks = key.of(chosen)
            least = np.repeat(np.minimum.reduceat(ranks, at), np.diff(np.append(at, chosen.size)))
            chosen = np.compress(ranks == least, chosen)
        return chosen


def _aged(snapshot: Snapshot, owner: Rows, priority: Ints, queued_at: Ints) -> Ints:
    """By whose priority each row is ranked: its own, and what its waiting adds."""
    heads = snapshot.heads
    steps = np.array([(policy.ageing_seconds or 0) * SECOND for policy in heads.policies])[
        heads.policy[owner]
    ]
    if not steps.any():
        return priority
    most = np.array([aged_at_most(policy) for policy in heads.policies])[heads.policy[owner]]
    waited = np.maximum(heads.now[owner] - queued_at, 0) // np.maximum(steps, 1)
    aged: Ints = np.maximum(priority, np.minimum(most, priority + np.where(steps > 0, waited, 0)))
    return aged


class _Column:
    """What a row ranks by that no start changes."""

    def __init__(self, values: Ints) -> None:
        self._values = values

    def of(self, rows: Rows) -> Ints:
        """The value of each row."""
        values: Ints = self._values[rows]
        return values


class _Shares:
    """The dominant shares of the organizations, or of their users, among whom the rows are."""

    def __init__(self, snapshot: Snapshot, owner: Rows, rows: Rows, counted: Flags, *, by_user: bool) -> None:
        """`counted`: of each policy, if it counts these shares at all; where it does not, they stay nothing."""
        pending, heads, of = snapshot.pending, snapshot.heads, owner[rows]
        self._names = Numbers(pending.organization[rows])
        self._users = Numbers(pending.user[rows]) if by_user else Numbers(np.zeros(1, dtype=np.int64))
        user = pending.user[rows] if by_user else np.zeros(len(rows), dtype=np.int64)
        keys = self._keys(of, self._names.place(pending.organization[rows]), self._users.place(user))
        self._known, first, self._slot = distinct(keys, len(snapshot) * self._names.count * self._users.count)
        self._total, self._counted = heads.total[of[first]], counted[heads.policy[of[first]]]
        self._held = np.zeros((len(self._known), pending.need.shape[1]), dtype=np.int64)
        self._charge_what_runs(snapshot, by_user)
        weight = np.ones(len(self._known), dtype=np.int64)
        weights = heads.user_weights if by_user else heads.weights
        ids = user[first] if by_user else pending.organization[rows[first]]
        if any(weights):
            weight = np.array(
                [
                    weights[index].get(id_, 1)
                    for index, id_ in zip(of[first].tolist(), ids.tolist(), strict=True)
                ]
            )
        self._divisor = self._total * weight[:, None]
        self._band = np.array([band_of(policy) for policy in heads.policies])[heads.policy[of[first]]]
        self._share = np.zeros(len(self._known), dtype=np.int64)
        self._count(np.arange(len(self._known)))

    def _keys(self, of: Rows, name: Rows, user: Rows) -> Rows:
        return (of * self._names.count + name) * self._users.count + user

    def _charge_what_runs(self, snapshot: Snapshot, by_user: bool) -> None:
        running = snapshot.running
        owner = np.repeat(np.arange(len(snapshot)), np.diff(running.offsets))
        name = self._names.place(running.organization)
        user = self._users.place(running.user) if by_user else np.zeros(len(owner), dtype=np.intp)
        stays = np.flatnonzero(~running.stopping & (name >= 0) & (user >= 0))
        keys = self._keys(owner[stays], name[stays], user[stays])
        slot = np.searchsorted(self._known, keys).clip(max=len(self._known) - 1)
        waits = self._known[slot] == keys
        for resource in range(running.need.shape[1]):
            np.add.at(self._held[:, resource], slot[waits], running.need[stays[waits], resource])

    def of(self, rows: Rows) -> Ints:
        """The share of each row's tenant."""
        shares: Ints = self._share[self._slot[rows]]
        return shares

    def charge(self, rows: Rows, need: Ints) -> None:
        """Count that these start: no two of them in one cluster."""
        slots = self._slot[rows]
        self._held[slots] += need
        self._count(slots)

    def _count(self, slots: Rows) -> None:
        divisor = self._divisor[slots]
        parts = np.where(divisor > 0, self._held[slots] * WHOLE // np.maximum(divisor, 1), 0)
        shares = parts.max(axis=1, initial=0) // self._band[slots]
        self._share[slots] = np.where(self._counted[slots], shares, 0)


def _firsts(sorted_: Rows) -> Rows:
    """Where each new value begins."""
    return np.flatnonzero(np.concatenate((sorted_[:1] == sorted_[:1], sorted_[1:] != sorted_[:-1])))
