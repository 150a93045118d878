"""The victims that lose the least work: chosen once for all that lacks, from the lowest rank upward."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from scheduling.core.amounts import Amount
from scheduling.core.branch_and_bound import cheapest_cover
from scheduling.core.certificates import Candidate
from scheduling.core.cover_descent import descend, near_cheapest_cover, ranks
from scheduling.core.every_set import cheapest_of_every_set

FEW = 20
"""Up to so many candidates the choice is the proved optimum, if need be of all sets."""
SOME, NODES = 60, 2_000
"""Branch and bound may visit so many sets; of more than SOME candidates it looks only at the doubtful ones."""
TOLLS = 10
"""How many times a limit on the number of victims may double the price of each."""


def choose(
    *, lack: Sequence[int], candidates: Sequence[Candidate], most: int | None = None
) -> list[Candidate] | None:
    """Choose whose going makes room for `lack` (one entry per resource, positive: missing) with the least work lost.

    A higher rank goes only where all lower ones together would not make room. Of what then suffices, the choice
    loses the least of the highest rank, with the fewest of it, then of the next lower: the optimum for up to
    FEW candidates that help, close to it for more. Nobody in it can be given back, and none be exchanged for one
    outside that loses less or has a lower rank. Returned lowest rank first, then least lost, then lowest id;
    None where even all candidates, or any `most` of them, would not make room.
    """
    axes = [axis for axis, missing in enumerate(lack) if missing > 0]
    if not axes:
        return []
    missing = tuple(lack[axis] for axis in axes)
    levels = _levels(missing, axes, candidates)
    if levels is None:
        return None
    limit = len(candidates) if most is None else most
    few = [_few_of_a_kind(level, missing) for level in levels]
    if sum(map(len, few)) <= FEW:
        best = _optimum(missing, few, limit)
        chosen = None if best is None else [row for level in best for row in level]
    else:
        chosen = _near_optimum(missing, levels, limit)
    return None if chosen is None else [candidate for candidate, _ in chosen]


Row = tuple[Candidate, Amount]
"""A candidate, and what it holds of what lacks."""


def _levels(missing: Amount, axes: Sequence[int], candidates: Sequence[Candidate]) -> list[list[Row]] | None:
    """Sort those who help by rank, up to the lowest at which all together suffice; None: they never do."""
    by_rank: dict[int, list[Row]] = defaultdict(list)
    for candidate in sorted(candidates, key=lambda one: (one.rank, one.lost, one.id)):
        held = tuple([candidate.need[axis] for axis in axes])
        if any(held):
            by_rank[candidate.rank].append((candidate, held))
    levels = []
    for _, level in sorted(by_rank.items()):
        levels.append(level)
        missing = _less(missing, level)
        if max(missing) <= 0:
            return levels
    return None


def _less(missing: Amount, rows: Sequence[Row]) -> Amount:
    held = map(sum, zip(*(held for _, held in rows), strict=True)) if rows else [0] * len(missing)
    return tuple(lacking - freed for lacking, freed in zip(missing, held, strict=True))


def _few_of_a_kind(level: Sequence[Row], missing: Amount) -> list[Row]:
    """Keep, of those who hold the same, the first few: as many as would fill all that they can fill."""
    left: dict[Amount, int] = {}
    kept = []
    for row in level:
        held = tuple(map(min, row[1], missing))
        if held not in left:
            shares = [
                -(-lacking // amount) for amount, lacking in zip(held, missing, strict=True) if amount > 0
            ]
            left[held] = max(shares, default=0)
        if left[held]:
            left[held] -= 1
            kept.append((row[0], held))
    return kept


def _optimum(missing: Amount, levels: Sequence[Sequence[Row]], most: int) -> list[list[Row]] | None:
    """Branch and bound over all levels at once: one number says lost work and count of each, highest first."""
    costs: list[int] = []
    unit = 1
    for level in levels:
        lost = unit * (len(level) + 1)
        costs += [candidate.lost * lost + unit for candidate, _ in level]
        unit = lost * (sum(candidate.lost for candidate, _ in level) + 1)
    rows = [row for level in levels for row in level]
    needs = [held for _, held in rows]
    best, proved = cheapest_cover(lack=missing, needs=needs, costs=costs, most=most, nodes=NODES)
    if not proved:
        columns = [
            [weigh(candidate) if candidate.rank == level[0][0].rank else 0 for candidate, _ in rows]
            for level in reversed([level for level in levels if level])
            for weigh in (lambda candidate: candidate.lost, lambda _: 1)
        ]
        best = cheapest_of_every_set(lack=missing, needs=needs, costs=columns, most=most)
    return None if best is None else [[rows[position] for position in best]]


def _near_optimum(missing: Amount, levels: Sequence[Sequence[Row]], most: int) -> list[Row] | None:
    """Solve level by level, the highest first; where too many would go, again with a toll on each that goes."""
    chosen = _by_levels(missing, levels, toll=0)
    if len(chosen) > most:
        dearest = max(candidate.lost for level in levels for candidate, _ in level) + 1
        for halvings in reversed(range(-TOLLS, TOLLS)):
            toll = dearest >> halvings if halvings >= 0 else dearest << -halvings
            chosen = _by_levels(missing, levels, toll=toll)
            if len(chosen) <= most:
                break
        else:
            return None
    return _descended(missing, levels, chosen)


def _by_levels(missing: Amount, levels: Sequence[Sequence[Row]], *, toll: int) -> list[Row]:
    chosen: list[Row] = []
    for depth in reversed(range(len(levels))):
        rest = missing
        for lower in levels[:depth]:
            rest = _less(rest, lower)
        if max(rest) > 0:
            picked = _cover(rest, levels[depth], toll=toll)
            missing = _less(missing, picked)
            chosen += picked
    return chosen


def _cover(missing: Amount, level: Sequence[Row], *, toll: int) -> list[Row]:
    axes = [axis for axis, lacking in enumerate(missing) if lacking > 0]
    lack = tuple(missing[axis] for axis in axes)
    rows = _few_of_a_kind([(one, tuple([held[axis] for axis in axes])) for one, held in level], lack)
    full = {one.id: (one, held) for one, held in level}
    needs = [held for _, held in rows]
    costs = [(candidate.lost + toll) * (len(rows) + 1) + 1 for candidate, _ in rows]
    best: list[int] | None = None
    if len(rows) > FEW:
        best = near_cheapest_cover(lack=lack, needs=needs, costs=costs)
    if len(rows) <= SOME:
        cheaper, proved = cheapest_cover(
            lack=lack,
            needs=needs,
            costs=costs,
            most=len(rows),
            nodes=NODES,
            below=None if best is None else sum(costs[position] for position in best),
        )
        best = cheaper or best
        if not proved and len(rows) <= FEW and sum(costs) < 1 << 62:
            best = cheapest_of_every_set(lack=lack, needs=needs, costs=[costs], most=len(rows))
    return [full[rows[position][0].id] for position in best or ()]


def _descended(missing: Amount, levels: Sequence[Sequence[Row]], chosen: Sequence[Row]) -> list[Row]:
    rows = [row for level in levels for row in level]
    ids = {candidate.id for candidate, _ in chosen}
    mask = np.array([candidate.id in ids for candidate, _ in rows], dtype=np.bool_)
    descend(
        mask,
        lack=np.array(missing, dtype=np.int64),
        held=np.array([held for _, held in rows], dtype=np.int64),
        rank=ranks([(candidate.rank, candidate.lost) for candidate, _ in rows]),
    )
    return [row for row, goes in zip(rows, mask.tolist(), strict=True) if goes]
