"""The largest amount of one resource with which something works, found with few trials."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Askable:
    """Which amounts of a resource may be asked for: `floor` answers the largest one that is at most its argument."""

    least: int = 0
    floor: Callable[[int], int] = lambda amount: amount


def largest(
    works: Callable[[int], bool], *, below: int, askable: Askable, probes: Iterable[int] = ()
) -> int | None:
    """An askable amount under `below` that works, where the next larger one does not; None if none was found.

    First as if less were always better, by halving. But a smaller one may let others in who then push it out again, so
    the `probes` above what was found are tried too, the largest first, and where one works, what is above it.
    """
    tried: dict[int, bool] = {}

    def try_(amount: int) -> bool:
        asked = askable.floor(amount)
        if asked < askable.least:
            return False
        if asked not in tried:
            tried[asked] = works(asked)
        return tried[asked]

    top, best = below - 1, None
    if top < askable.least or askable.floor(top) < askable.least:
        return None
    if try_(askable.least):
        best = _between(askable.least, below, try_)
    known = askable.least if best is None else best
    for probe in sorted({probe for probe in (*probes, top) if known < probe <= top}, reverse=True):
        if try_(probe):
            best = _between(probe, below, try_)
            break
        below = probe
    return None if best is None else askable.floor(best)


def _between(works: int, fails: int, try_: Callable[[int], bool]) -> int:
    while fails - works > 1:
        middle = (works + fails) // 2
        if try_(middle):
            works = middle
        else:
            fails = middle
    return works
