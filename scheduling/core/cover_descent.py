"""Cheap sets out of thousands: the best of several greedy covers, then descent to where no exchange helps."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from scheduling.core.amounts import Amount
from scheduling.core.branch_and_bound import SCALE, cheapest_cover

Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]

CORE = 12
"""So many candidates on either side of where the greedy cover ends are decided by branch and bound."""
CORE_NODES = 1_500
BLOCK = 64


def near_cheapest_cover(*, lack: Sequence[int], needs: Sequence[Amount], costs: Sequence[int]) -> list[int]:
    """Find the positions of a near cheapest set whose `needs` add up to `lack` (all > 0) or more.

    `costs` are ≥ 0 and ascend. All together must suffice. The set is a local optimum: see `descend`.
    """
    missing = np.array(lack, dtype=np.int64)
    held = np.minimum(np.array(needs, dtype=np.int64), missing)
    shift = max(0, max(costs).bit_length() - 38)
    prices = np.array([cost >> shift for cost in costs], dtype=np.int64)
    greedy = _Greedy(lack=missing, held=held, shares=held * SCALE // missing, prices=prices)
    rank = ranks(costs)
    found = []
    for order, end in greedy.best_orders():
        for chosen in (
            greedy.prefix(order, end),
            _with_core(order, end, lack=missing, held=held, costs=costs),
        ):
            descend(chosen, lack=missing, held=held, rank=rank)
            positions = [int(position) for position in np.flatnonzero(chosen)]
            found.append((sum(costs[position] for position in positions), len(positions), positions))
    return min(found)[2]


def ranks(keys: Sequence[object]) -> Whole:
    """Number the distinct values of `keys`, which ascend, from 0."""
    steps = [0, *(int(before != after) for before, after in pairwise(keys))]
    return np.cumsum(np.array(steps, dtype=np.int64))


class _Greedy:
    """Covers that take the cheapest first for what they fill, each resource weighed by a whole number."""

    def __init__(self, *, lack: Whole, held: Whole, shares: Whole, prices: Whole) -> None:
        self.lack, self.held, self.shares, self.prices = lack, held, shares, prices

    def order(self, weights: Sequence[int]) -> Whole:
        useful = (self.shares * np.array(weights, dtype=np.int64)).sum(axis=1)
        return np.lexsort((-useful, (self.prices * SCALE) // np.maximum(useful, 1), useful == 0))

    def filled(self, order: Whole) -> tuple[int, Mask]:
        """Say after how many of `order` nothing lacks, and which of those filled something that lacked."""
        sums = np.cumsum(self.held[order], axis=0)
        end = 1 + max(
            int(np.searchsorted(sums[:, axis], missing)) for axis, missing in enumerate(self.lack.tolist())
        )
        held = self.held[order[:end]]
        lacked_before = sums[:end] - held < self.lack
        return end, np.asarray((lacked_before & (held > 0)).any(axis=1), dtype=np.bool_)

    def prefix(self, order: Whole, end: int) -> Mask:
        chosen = np.zeros(len(self.prices), dtype=np.bool_)
        chosen[order[:end]] = True
        return chosen

    def price(self, weights: Sequence[int]) -> tuple[int, int]:
        order = self.order(weights)
        end, useful = self.filled(order)
        return int(self.prices[order[:end]][useful].sum()), end

    def best_orders(self) -> list[tuple[Whole, int]]:
        """Search for the weights whose cover is cheapest, one weight at a time; return the best and the plain."""
        width = len(self.lack)
        plain = (SCALE.bit_length() // 2,) * width
        weights, least = plain, self.price(plain)
        for factor in (4, 2, 1):
            for axis in range(width if width > 1 else 0):
                for changed in _moves(weights[axis], factor):
                    moved = (*weights[:axis], changed, *weights[axis + 1 :])
                    price = self.price(moved) if any(moved) else least
                    if price < least:
                        weights, least = moved, price
        orders = [self.order(one) for one in dict.fromkeys((weights, plain))]
        return [(order, self.filled(order)[0]) for order in orders]


def _moves(weight: int, factor: int) -> tuple[int, ...]:
    if factor == 1:
        return 0, max(1, weight * 3 // 4), weight * 5 // 4 + 1
    return max(1, weight // factor), max(1, weight * factor)


def _with_core(order: Whole, end: int, *, lack: Whole, held: Whole, costs: Sequence[int]) -> Mask:
    """Take the clear ones of a greedy cover, and decide the doubtful ones around its end by branch and bound."""
    first = max(0, end - CORE)
    core = [int(position) for position in order[first : end + CORE]]
    chosen = np.zeros(len(costs), dtype=np.bool_)
    chosen[order[:first]] = True
    missing = (lack - held[chosen].sum(axis=0)).tolist()
    best, _ = cheapest_cover(
        lack=missing,
        needs=[tuple(held[position].tolist()) for position in core],
        costs=[costs[position] for position in core],
        most=len(core),
        nodes=CORE_NODES,
    )
    chosen[[core[position] for position in best or ()]] = True
    if best is None:
        chosen[order[:end]] = True
    return chosen


def descend(chosen: Mask, *, lack: Whole, held: Whole, rank: Whole) -> None:
    """Give back the needless, dearest first, and exchange single ones for cheaper ones, until neither is possible.

    `rank` ascends over the positions; `chosen` covers `lack`, and is changed in place.
    """
    spare = held[chosen].sum(axis=0) - lack
    moved = True
    while moved:
        inside = np.flatnonzero(chosen)[::-1]
        # The spare only shrinks as they stay: who does not fit it now never will.
        for position in inside[(held[inside] <= spare).all(axis=1)]:
            if (held[position] <= spare).all():
                spare -= held[position]
                chosen[position] = False
        moved = _exchange(chosen, spare=spare, held=held, rank=rank)


def _exchange(chosen: Mask, *, spare: Whole, held: Whole, rank: Whole) -> bool:
    moved = False
    outgoing = np.flatnonzero(chosen)[::-1]
    for start in range(0, len(outgoing), BLOCK):
        block = outgoing[start : start + BLOCK]
        for position in block[_replaceable(block, chosen, spare=spare, held=held, rank=rank)]:
            cheaper = np.flatnonzero(~chosen[: np.searchsorted(rank, rank[position])])
            able = cheaper[(held[cheaper] >= held[position] - spare).all(axis=1)]
            if len(able):
                chosen[position], chosen[able[0]] = False, True
                spare += held[able[0]] - held[position]
                moved = True
    return moved


def _replaceable(block: Whole, chosen: Mask, *, spare: Whole, held: Whole, rank: Whole) -> Mask:
    """Say of each in `block` whether a cheaper one outside could take its place."""
    outside = np.flatnonzero(~chosen[: np.searchsorted(rank, rank[block[0]])])
    able = rank[outside] < rank[block][:, None]
    for axis in range(held.shape[1]):
        able &= held[outside, axis] >= (held[block, axis] - spare[axis])[:, None]
    return np.asarray(able.any(axis=1), dtype=np.bool_)
