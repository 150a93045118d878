"""The cheapest set that covers a lack, proved: depth-first branch and bound over whole numbers."""

from collections.abc import Sequence

from scheduling.core.amounts import Amount, fits

SCALE = 1 << 20


def cheapest_cover(
    *,
    lack: Sequence[int],
    needs: Sequence[Amount],
    costs: Sequence[int],
    most: int,
    nodes: int,
    below: int | None = None,
) -> tuple[list[int] | None, bool]:
    """Find the positions of the cheapest set of at most `most` whose `needs` add up to `lack` or more everywhere.

    `costs` are ≥ 0. Returns None where nothing costs less than `below`, and whether the search ended within `nodes`
    visits, so that its answer is proved.
    """
    search = _Search(lack=lack, needs=needs, costs=costs, nodes=nodes, below=below)
    search.visit(0, list(lack), 0, most, 0)
    best = None if search.best is None else sorted(search.order[position] for position in search.best)
    return best, search.nodes >= 0


def usefulness(need: Sequence[int], lack: Sequence[int]) -> int:
    """How much of `lack` (only what is above zero counts) `need` fills: shares, SCALE each, added up."""
    return sum(
        min(held, missing) * SCALE // missing for held, missing in zip(need, lack, strict=True) if missing > 0
    )


class _Search:
    def __init__(
        self,
        *,
        lack: Sequence[int],
        needs: Sequence[Amount],
        costs: Sequence[int],
        nodes: int,
        below: int | None,
    ) -> None:
        useful = [usefulness(need, lack) for need in needs]
        self.order = sorted(
            (position for position in range(len(needs)) if useful[position]),
            key=lambda position: (costs[position] * SCALE // useful[position], position),
        )
        # What is beyond the whole lack helps nobody: without it the bounds are tighter.
        self.needs = [tuple(map(min, needs[position], lack)) for position in self.order]
        self.dominated = self._dominated([costs[position] for position in self.order])
        self.costs = [costs[position] for position in self.order]
        count = len(self.order)
        width = len(lack)
        self.reach = [[0] * width for _ in range(count + 1)]
        self.largest = [[0] * width for _ in range(count + 1)]
        for position in reversed(range(count)):
            for axis, held in enumerate(self.needs[position]):
                self.reach[position][axis] = self.reach[position + 1][axis] + held
                self.largest[position][axis] = max(self.largest[position + 1][axis], held)
        self.by_axis = [self._cheapest_first(axis, missing) for axis, missing in enumerate(lack)]
        self.nodes = nodes
        self.below = below
        self.best: tuple[int, ...] | None = None
        self.taken: list[int] = []

    def _dominated(self, costs: Sequence[int]) -> list[int]:
        """Return for each who may stay out wherever it does, as bits: later ones that cost no less and hold no more."""
        return [
            sum(
                1 << later
                for later in range(position + 1, len(costs))
                if costs[later] >= costs[position] and fits(self.needs[later], need)
            )
            for position, need in enumerate(self.needs)
        ]

    def _cheapest_first(self, axis: int, lacking: int) -> list[int]:
        # Two different fractions with denominators up to `lacking` stay apart at this scale: the order is exact.
        scale = max(1, lacking) ** 2 + 1
        return sorted(
            (position for position, need in enumerate(self.needs) if need[axis] > 0),
            key=lambda position: (self.costs[position] * scale // self.needs[position][axis], position),
        )

    def visit(self, position: int, missing: list[int], cost: int, most: int, out: int) -> None:
        """Try the candidate at `position` in and out, cheapest for its use first; those of the bits `out` stay out."""
        self.nodes -= 1
        if max(missing) <= 0:
            if self.below is None or cost < self.below:
                self.below, self.best = cost, tuple(self.taken)
            return
        if self.nodes < 0 or not most or position == len(self.order):
            return
        reach, largest = self.reach[position], self.largest[position]
        for axis, lacking in enumerate(missing):
            if lacking > reach[axis] or lacking > most * largest[axis]:
                return
        if self.below is not None:
            left = self.below - cost
            for axis, lacking in enumerate(missing):
                if lacking > 0 and self._at_least(position, axis, lacking, left) >= left:
                    return
        need = self.needs[position]
        helps = any(held > 0 and lacking > 0 for held, lacking in zip(need, missing, strict=True))
        if helps and not out >> position & 1:
            self.taken.append(position)
            rest = [lacking - held for held, lacking in zip(need, missing, strict=True)]
            self.visit(position + 1, rest, cost + self.costs[position], most - 1, out)
            self.taken.pop()
            out |= self.dominated[position]
        self.visit(position + 1, missing, cost, most, out)

    def _at_least(self, position: int, axis: int, lacking: int, enough: int) -> int:
        """Bound the cost of filling one resource: the last one taken may be taken in part."""
        bound = 0
        for one in self.by_axis[axis]:
            if one >= position:
                held = self.needs[one][axis]
                if held >= lacking:
                    return bound - (-self.costs[one] * lacking // held)
                bound += self.costs[one]
                lacking -= held
                if bound >= enough:
                    break
        return bound
