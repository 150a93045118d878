"""Which runs make room, where the policy counts lost work."""

from collections.abc import Sequence

from scheduling.core.amounts import fits, subtract
from scheduling.core.certificates import Candidate


def choose(
    *, lack: Sequence[int], candidates: Sequence[Candidate], most: int | None = None
) -> list[Candidate] | None:
    """Choose the victims, lowest priority first, without which `lack` would stay; None if nobody can make room."""
    short = list(lack)
    chosen: list[Candidate] = []
    for one in sorted(candidates, key=lambda c: (c.priority, c.lost, c.id)):
        if max(short) <= 0:
            break
        if any(need and missing > 0 for need, missing in zip(one.need, short, strict=True)):
            chosen.append(one)
            subtract(short, one.need)
    if max(short) > 0:
        return None
    spare = [-missing for missing in short]
    kept: list[Candidate] = []
    for one in reversed(chosen):
        if fits(one.need, spare):
            subtract(spare, one.need)
        else:
            kept.append(one)
    kept.reverse()
    return kept if most is None or len(kept) <= most else None
