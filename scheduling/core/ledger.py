"""The room of one cluster while its plan is made: whole numbers, one vector per question."""

from collections.abc import Iterable, Sequence

from scheduling.core.amounts import Amount, add, fits, subtract
from scheduling.core.state import ClusterState


def total_of(cluster: ClusterState) -> list[int]:
    """Sum the cluster's capacity pools into one vector over its resources."""
    total = [0] * len(cluster.resources)
    for pool in cluster.pools:
        add(total, pool)
    return total


class Ledger:
    """What is free in one cluster: `free_now`, and `after` all that stops has gone and every seat is taken.

    `free_now` starts at zero or more; `after` goes below zero where more is held and promised than there is.
    """

    __slots__ = ("after", "free_now")

    def __init__(self, *, total: Sequence[int], cluster: ClusterState, seats: Iterable[Amount]) -> None:
        """Open the books: what `cluster.running` holds, what `seats` were promised before this cycle."""
        self.after = list(total)
        free_now = list(total)
        for run in cluster.running:
            subtract(free_now, run.need)
            if not run.stopping:
                subtract(self.after, run.need)
        self.free_now = [max(0, amount) for amount in free_now]
        for need in seats:
            subtract(self.after, need)

    def can_start(self, need: Amount) -> bool:
        """Say whether `need` fits what is free now without touching what is promised to others."""
        return fits(need, self.free_now) and fits(need, self.after)

    def start(self, need: Amount) -> None:
        """Book a start that had no seat."""
        subtract(self.free_now, need)
        subtract(self.after, need)

    def withdraw(self, need: Amount) -> None:
        """Undo a start that this cycle booked."""
        add(self.free_now, need)
        add(self.after, need)

    def is_short_of(self, need: Amount) -> bool:
        """Say whether `need` asks for anything of a resource that is promised more than once."""
        return any(wanted > 0 > there for wanted, there in zip(need, self.after, strict=True))

    def start_seated(self, need: Amount) -> None:
        """Book the start of a seat: `after` has counted it since the seat was granted."""
        subtract(self.free_now, need)

    def seat(self, need: Amount) -> None:
        """Promise room that is being freed."""
        subtract(self.after, need)

    def unseat(self, need: Amount) -> None:
        """Take back a promise of room."""
        add(self.after, need)

    def evict(self, need: Amount) -> None:
        """Count on the room of a run that is told to stop; it holds its capacity until it has gone."""
        add(self.after, need)

    def spare(self, need: Amount) -> None:
        """Undo an eviction that this cycle booked."""
        subtract(self.after, need)
