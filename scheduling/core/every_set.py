"""The cheapest set that covers a lack, by looking at all sets at once: for the few cases where bounds do not help."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scheduling.core.amounts import Amount


def cheapest_of_every_set(
    *, lack: Sequence[int], needs: Sequence[Amount], costs: Sequence[Sequence[int]], most: int
) -> list[int] | None:
    """Find the positions of the set of at most `most` that covers `lack` at the least cost; None: there is none.

    `costs`: what each position costs, in columns, the first counts most. Time and memory double with each position (20:
    a million sets). Sums must stay below 2^63.
    """
    enough = _sums([1] * len(needs)) <= most
    for axis, missing in enumerate(lack):
        enough &= _sums([need[axis] for need in needs]) >= missing
    best = np.flatnonzero(enough)
    for column in costs:
        if not len(best):
            return None
        sums = _sums(column)[best]
        best = best[sums == sums.min()]
    chosen = int(best[0])
    return [position for position in range(len(needs)) if chosen >> position & 1]


def _sums(values: Sequence[int]) -> NDArray[np.int64]:
    """Add up each set: the bits of its place say who is in it."""
    sums = np.zeros(1, dtype=np.int64)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums
