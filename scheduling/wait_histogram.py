"""How long those that started had waited, in fixed buckets, so that counts add up over clusters and over time. Pure.

A histogram is a flat list: for each priority, the lowest first, a count a bucket; empty: nobody started.
"""

from collections.abc import Iterable, Sequence

BOUNDS = (
    1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0, 86_400.0, 259_200.0,
    604_800.0,
)  # fmt: skip
"""Where buckets meet, in seconds: the first holds what is below 1 s, the last whatever is a week or more."""
BUCKETS = len(BOUNDS) + 1
PRIORITIES = (1, 2, 3)
PLACES = BUCKETS * len(PRIORITIES)


def added(histograms: Iterable[Sequence[int]]) -> list[int]:
    """The sum of some, as long as one that is not empty."""
    total = [0] * PLACES
    for one in histograms:
        for place, count in enumerate(one):
            total[place] += count
    return total


def of_priority(histogram: Sequence[int], priority: int) -> Sequence[int]:
    """The counts of one priority, a bucket each; none where nobody started at all."""
    first = BUCKETS * PRIORITIES.index(priority)
    return histogram[first : first + BUCKETS]


def percentile(counts: Sequence[int], share: float) -> float | None:
    """Seconds within which `share` (0 to 1) of these had started; None: nobody started.

    Within its bucket a wait may have been anything, so all lengths there count as alike likely. In the last bucket it
    is the bound itself: "at least so long".
    """
    whole = sum(counts)
    if not whole:
        return None
    wanted, before = share * whole, 0
    for bucket, count in enumerate(counts):
        if count and before + count >= wanted:
            if bucket == len(BOUNDS):
                return BOUNDS[-1]
            low = BOUNDS[bucket - 1] if bucket else 0.0
            return low + (BOUNDS[bucket] - low) * max(0.0, wanted - before) / count
        before += count
    return BOUNDS[-1]
