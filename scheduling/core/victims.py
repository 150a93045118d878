"""Who makes room for a preemptor: the choice, and what is given back of it."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heapreplace

from scheduling.core.amounts import Amount, add, fits, subtract
from scheduling.core.state import Pending, Running

Candidate = Running | Pending
"""A run that can be evicted, or a deployment that this cycle itself started and can withdraw."""


class _Rank:
    """The candidates of one priority, each with its place in the order of choice, and what they hold in all.

    They are kept apart by the set of resources that they hold anything of. So a preemptor that lacks only
    GPUs never walks over the thousands that hold none.
    """

    __slots__ = ("by_holding", "places", "reach")

    def __init__(self, width: int) -> None:
        # Linked, so that taking from the front stays cheap: a plain dict walks over its deleted entries.
        self.by_holding: dict[int, OrderedDict[int, tuple[int, Candidate]]] = {}
        self.places = 0
        self.reach = [0] * width

    def append(self, candidate: Candidate) -> None:
        alike = self.by_holding.setdefault(_positive(candidate.need), OrderedDict())
        alike[candidate.id] = (self.places, candidate)
        self.places += 1
        add(self.reach, candidate.need)

    def take(self, candidate: Candidate) -> None:
        del self.by_holding[_positive(candidate.need)][candidate.id]
        subtract(self.reach, candidate.need)

    def choose(self, lack: list[int], chosen: list[Candidate]) -> None:
        """Append to `chosen`, in order, counting each off `lack`, until nothing is missing or nobody helps.

        Who holds nothing of what is missing at their turn is passed over: the give-back would return them for
        certain, because those before them had already freed enough of all that they hold.
        """
        short = _positive(lack)
        heads = []
        for holding, alike in self.by_holding.items():
            if alike and holding & short:
                rest = iter(alike.values())
                heads.append((*next(rest), holding, rest))
        heapify(heads)
        while heads and short:
            _, candidate, holding, rest = heads[0]
            following = None
            if holding & short:
                chosen.append(candidate)
                subtract(lack, candidate.need)
                short = _positive(lack)
                following = next(rest, None)
            if following is None:
                heappop(heads)
            else:
                heapreplace(heads, (*following, holding, rest))


def _positive(amounts: Sequence[int]) -> int:
    """Return the set of the resources whose amount is above zero, as the bits of a whole number."""
    found, bit = 0, 1
    for amount in amounts:
        if amount > 0:
            found |= bit
        bit <<= 1
    return found


class VictimPool:
    """All who could still make room in one cluster, ranked once for all preemptors of the cycle.

    Order of choice: lowest priority first; within it the cycle's own starts, last in the queue first, then
    runs, oldest start first (or youngest), then lowest id.
    """

    def __init__(
        self,
        *,
        width: int,
        running: Iterable[Running],
        own_starts: Sequence[Pending],
        youngest_first: bool = False,
    ) -> None:
        """Rank `running`, whom the policy lets go, and `own_starts`, which are in queue order."""
        self._width = width
        self._ranks: dict[int, _Rank] = {}
        sign = -1 if youngest_first else 1
        runs = sorted(running, key=lambda run: (sign * run.started_at, run.id))
        self.rows: list[Candidate] = sorted((*reversed(own_starts), *runs), key=lambda row: row.priority)
        """All of them, in the order of choice, whoever was taken since."""
        for row in self.rows:
            self._rank(row.priority).append(row)

    def _rank(self, priority: int) -> _Rank:
        rank = self._ranks.get(priority)
        if rank is None:
            rank = self._ranks[priority] = _Rank(self._width)
        return rank

    def choose(self, *, need: Amount, after: Sequence[int], priorities: Sequence[int]) -> list[Candidate]:
        """Choose the victims, in order of choice, without which `need` would not fit `after`.

        `priorities` are those that may be chosen, lowest first. Returns an empty list when even all of them
        together would not make room. Changes nothing: `take` does.
        """
        lack = [wanted - there for wanted, there in zip(need, after, strict=True)]
        ranks = [self._ranks[priority] for priority in priorities if priority in self._ranks]
        if not _suffice(lack, ranks):
            return []
        chosen: list[Candidate] = []
        for rank in ranks:
            rank.choose(lack, chosen)
        return _give_back(chosen, [-missing for missing in lack])

    def take(self, victim: Candidate) -> None:
        """Remove a chosen victim, so that no later preemptor counts on it."""
        self._ranks[victim.priority].take(victim)


def _suffice(lack: Sequence[int], ranks: Sequence[_Rank]) -> bool:
    """Say whether all candidates together hold what is missing. It spares a hopeless one the long walk."""
    reach = [0] * len(lack)
    for rank in ranks:
        add(reach, tuple(rank.reach))
    return fits(lack, reach)


def _give_back(chosen: list[Candidate], spare: list[int]) -> list[Candidate]:
    """Drop, in the reverse order of choice, each one who fits `spare`, what they free beyond the need."""
    kept: list[Candidate] = []
    for candidate in reversed(chosen):
        if fits(candidate.need, spare):
            subtract(spare, candidate.need)
        else:
            kept.append(candidate)
    kept.reverse()
    return kept
