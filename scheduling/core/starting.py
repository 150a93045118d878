"""Starting what fits, in the policy's order and around the room that is kept for the longest waiting one."""

from collections.abc import Collection

from scheduling.core.draft import Draft
from scheduling.core.order import Standing, effective_priority
from scheduling.core.reservation import Reservation, holding, longest_waiting
from scheduling.core.state import Pending


def start_what_fits(draft: Draft, standing: Standing, passed_over: Collection[int] = ()) -> None:
    """Start, in order, each that waits and fits; those of `passed_over`, which had their turn, only if room is kept
    for them.
    """
    level = effective_priority(draft.cluster)
    rest = [one for one in draft.waiting if one.id not in passed_over]
    reservation = _reserve(draft, standing)
    for priority in sorted({level(one) for one in rest}, reverse=True):
        for one in standing.ranked(one for one in rest if level(one) == priority):
            if one.id in draft.starts or not draft.ledger.can_start(one.need):
                continue
            if reservation is not None and not reservation.admits(one):
                draft.kept_out.add(one.id)
                continue
            _start(draft, standing, one)


def _reserve(draft: Draft, standing: Standing) -> Reservation | None:
    """Start the longest waiting one, or keep room for it, if the policy says that it has waited too long."""
    cluster = draft.cluster
    unplaced = (one for one in draft.waiting if one.id not in draft.starts and one.id not in draft.seats)
    longest = longest_waiting(unplaced, policy=cluster.policy, now=cluster.now)
    if longest is None:
        return None
    if draft.ledger.can_start(longest.need):
        _start(draft, standing, longest)
        return None
    placed = [one for one in draft.waiting if one.id in draft.starts or one.id in draft.seats]
    return Reservation(
        for_=longest,
        after=draft.ledger.after,
        holding=holding(cluster.running, draft.evictions, [*draft.seated, *placed], cluster.now),
        now=cluster.now,
    )


def _start(draft: Draft, standing: Standing, one: Pending) -> None:
    draft.ledger.start(one.need)
    draft.starts[one.id] = None
    standing.charge(one.organization, one.user, one.need)
