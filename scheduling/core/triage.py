"""Who could matter to this cycle at all: one look over all clusters, before any of them is planned.

A row is *quiet* when its fate is known without planning: it is held, or it does not fit what is free at the cycle's
start (which only falls: a start that is withdrawn gives back no more than it took) and could not be seated even if all
that may be evicted went. Whoever is not quiet is live, and the planner sees only them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from scheduling.core.columns import Codes, Flags, Ints, Rows
from scheduling.core.draft import HELD_BY_DEPENDENCIES
from scheduling.core.reasons import CODES, Reason
from scheduling.core.state import Snapshot
from scheduling.core.vectors import all_fit, fit, owners, sums, sums_of

SECOND = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Triage:
    """The state at the cycle's start. Tables have a row a cluster and a column a resource.

    `reach`: what would be free if all that is stopping and all that anybody may evict had gone, and nobody had a seat.
    `reasons`: of each pending row, the code of the reason that it waits for if it does not start. `fitting`: live, and
    fits what is free now; `preemptors`: live, and may preempt. `in_order`: clusters whose live rows may start one after
    the other in plain queue order, as long as no preemptor needs more; `by_shares`: those where tenants' shares or
    expected lengths rank them. `held`: how many wait for dependencies. `holding`: what runs, stopping or not.
    """

    owner: Rows
    free_now: Ints
    after: Ints
    reach: Ints
    reasons: Codes
    live: Flags
    fitting: Flags
    preemptors: Flags
    in_order: Flags
    by_shares: Flags
    held: Ints
    holding: Ints


def triage(snapshot: Snapshot) -> Triage:
    """Look at every row once."""
    heads, pending, running = snapshot.heads, snapshot.pending, snapshot.running
    count, counts = len(snapshot), np.diff(pending.offsets)
    owner, runs_on = owners(pending.offsets), owners(running.offsets)

    holding = sums(running.need, running.offsets)
    staying = holding - sums_of(running.need, np.flatnonzero(running.stopping), runs_on, count)
    free_now, after = np.maximum(heads.total - holding, 0), heads.total - staying

    blocked = heads.blocked != 0
    possible = all_fit(pending.need, heads.total, pending.offsets)
    able = possible & (pending.hold == 0)
    if blocked.any():
        able &= ~np.repeat(blocked, counts)
    reasons = _reasons(snapshot, able, possible, counts)
    free = able & ~pending.seated
    fitting = free & all_fit(pending.need, free_now, pending.offsets)

    preempts = [policy.preemptors for policy in heads.policies]
    preemptors = free & _among(pending.priority, counts, heads.policy, preempts)
    hopeful = np.flatnonzero(preemptors & ~fitting)
    reach = after
    if preemptors.any():
        victims = [policy.victims for policy in heads.policies]
        exhausted = np.array([left == 0 for left in heads.evictions_left], dtype=np.bool_)
        evictable = _among(running.priority, np.diff(running.offsets), heads.policy, victims)
        evictable &= ~(running.stopping | exhausted[runs_on])
        reach = after + sums_of(running.need, np.flatnonzero(evictable), runs_on, count)
        hopeless = hopeful[~fit(pending.need, reach, hopeful, owner)]
        preemptors[hopeless] = False

    live = fitting | preemptors
    alone = _keep_the_longest_waiting(snapshot, live, free, owner)
    seats = np.flatnonzero(pending.seated)
    live[seats] = True
    alone[owner[seats]] = True
    first_come = np.array([policy.is_first_come for policy in heads.policies], dtype=np.bool_)[heads.policy]

    held = np.zeros(len(pending.id), dtype=np.bool_)
    for reason in HELD_BY_DEPENDENCIES:
        held |= pending.hold == CODES[reason]
    return Triage(
        owner=owner,
        free_now=free_now,
        after=after,
        reach=reach,
        reasons=reasons,
        live=live,
        fitting=fitting,
        preemptors=preemptors,
        in_order=first_come & ~alone,
        by_shares=~first_come & ~alone,
        held=np.bincount(owner[np.flatnonzero(held)], minlength=count) + heads.unlisted_held,
        holding=holding,
    )


def _reasons(snapshot: Snapshot, able: Flags, possible: Flags, counts: Ints) -> Codes:
    reasons = np.where(able, CODES[Reason.INSUFFICIENT_CAPACITY], snapshot.pending.hold).astype(np.int8)
    rest = np.flatnonzero(reasons == 0)
    blocked = np.repeat(snapshot.heads.blocked, counts)[rest]
    reasons[rest] = np.where(blocked != 0, blocked, CODES[Reason.EXCEEDS_CLUSTER])
    return reasons


def _keep_the_longest_waiting(snapshot: Snapshot, live: Flags, free: Flags, owner: Rows) -> Flags:
    """Where room is reserved for whoever has waited too long, that one matters though it does not fit.

    Returns the clusters where there is such a one.
    """
    heads, pending = snapshot.heads, snapshot.pending
    reserving = np.zeros(len(snapshot), dtype=np.bool_)
    limits = [policy.reservation_after_seconds for policy in heads.policies]
    if all(limit is None for limit in limits):
        return reserving
    never = np.iinfo(np.int64).min // 2
    since = (
        np.array([never if limit is None else -limit * SECOND for limit in limits])[heads.policy] + heads.now
    )
    # A reservation keeps others from starting: where nobody could, it changes nothing.
    since[np.bincount(owner[live], minlength=len(since)) == 0] = never
    late = np.flatnonzero(free & (pending.queued_at <= since[owner]))
    reserving[owner[late]] = True
    quiet = late[~live[late]]
    longest = np.full(len(since), np.iinfo(np.int64).max)
    np.minimum.at(longest, owner[quiet], pending.queued_at[quiet])
    live[quiet[pending.queued_at[quiet] == longest[owner[quiet]]]] = True
    return reserving


def _among(priority: Ints, counts: Ints, policy: Rows, wanted: Sequence[Collection[int]]) -> Flags:
    """Say of each row whether its priority is among those wanted by its cluster's policy."""
    found = np.zeros(len(priority), dtype=np.bool_)
    for one in sorted({one for priorities in wanted for one in priorities}):
        by_policy = np.array([one in priorities for priorities in wanted], dtype=np.bool_)
        alike = priority == one
        found |= alike if by_policy.all() else alike & np.repeat(by_policy[policy], counts)
    return found
