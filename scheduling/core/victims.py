"""Who makes room for a preemptor: the choice, and what is given back of it."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence

from scheduling.core.ledger import add, fits, subtract
from scheduling.core.state import Amount, Pending, Running

Candidate = Running | Pending
"""A run that can be evicted, or a deployment that this cycle itself started and can withdraw."""


class _Rank:
    """The candidates of one priority in the order in which they are chosen, and the sum of what they hold."""

    __slots__ = ("candidates", "reach")

    def __init__(self, width: int) -> None:
        # Linked, so that taking from the front stays cheap: a plain dict walks over its deleted entries.
        self.candidates: OrderedDict[int, Candidate] = OrderedDict()
        self.reach = [0] * width

    def append(self, candidate: Candidate) -> None:
        self.candidates[candidate.id] = candidate
        add(self.reach, candidate.need)


class VictimPool:
    """All who could still make room in one cluster, ranked once for all preemptors of the cycle.

    Order of choice: lowest priority first; within it the cycle's own starts, last in the queue first, then
    runs, oldest start first, then lowest id.
    """

    def __init__(self, *, width: int, running: Sequence[Running], own_starts: Sequence[Pending]) -> None:
        """Rank those of `running` that are not stopping, and `own_starts`, which are in queue order."""
        self._width = width
        self._ranks: dict[int, _Rank] = {}
        for start in reversed(own_starts):
            self._rank(start.priority).append(start)
        for run in sorted(running, key=lambda run: (run.started_at, run.id)):
            if not run.stopping:
                self._rank(run.priority).append(run)

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
        short = [index for index, missing in enumerate(lack) if missing > 0]
        for candidate in _in_order(ranks):
            amount = candidate.need
            for index in short:
                if amount[index]:
                    break
            else:
                # It holds nothing of what is missing: the give-back would return it for certain.
                continue
            chosen.append(candidate)
            subtract(lack, amount)
            short = [index for index in short if lack[index] > 0]
            if not short:
                break
        return _give_back(chosen, [-missing for missing in lack])

    def take(self, victim: Candidate) -> None:
        """Remove a chosen victim, so that no later preemptor counts on it."""
        rank = self._ranks[victim.priority]
        del rank.candidates[victim.id]
        subtract(rank.reach, victim.need)


def _suffice(lack: Sequence[int], ranks: Sequence[_Rank]) -> bool:
    """Say whether all candidates together hold what is missing. It spares a hopeless one the long walk."""
    reach = [0] * len(lack)
    for rank in ranks:
        add(reach, tuple(rank.reach))
    return fits(lack, reach)


def _in_order(ranks: Sequence[_Rank]) -> Iterator[Candidate]:
    for rank in ranks:
        yield from rank.candidates.values()


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
