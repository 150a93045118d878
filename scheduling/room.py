"""What a deployment may need at most to be of any concern to the next cycle of its cluster."""

from collections.abc import Sequence
from typing import NamedTuple

from scheduling.core.amounts import Amount
from scheduling.core.policy import Policy

PRIORITIES = (1, 2, 3)


class Held(NamedTuple):
    """What the runs of one priority hold together, those that are stopping apart from the others."""

    priority: int
    stopping: bool
    amount: Amount


def limits(total: Amount, held: Sequence[Held], policy: Policy) -> dict[int, Amount]:
    """Priority → the most that one may need, of each resource, to be started or seated whatever else is planned.

    That is what is free now; for a preemptor also what would be free if all that is stopping and all that it might
    ever evict had gone. Promises to others are not taken off: a seat may be dropped.
    """
    free = _less(total, held)
    found = {}
    for priority in PRIORITIES:
        lower = policy.preemptible_by(priority)
        found[priority] = free
        if lower:
            stay = [part for part in held if not part.stopping and part.priority not in lower]
            found[priority] = tuple(map(max, free, _less(total, stay)))
    return found


def _less(total: Amount, held: Sequence[Held]) -> Amount:
    columns = zip(*(part.amount for part in held), strict=True) if held else ((),) * len(total)
    return tuple(max(0, have - sum(column)) for have, column in zip(total, columns, strict=True))
