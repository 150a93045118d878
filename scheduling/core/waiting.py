"""All that keeps one deployment from starting, told from its cluster's figures alone: cheap, and without a plan."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from scheduling.core.amounts import Amount, add, fits, subtract
from scheduling.core.ledger import total_of
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterState

OF_ROOM = frozenset({Reason.INSUFFICIENT_CAPACITY, Reason.RESERVED_FOR_OTHERS, Reason.WAITING_FOR_EVICTION})
ORDER = (
    Reason.DEPENDENCY_FAILED,
    Reason.WAITING_FOR_DEPENDENCIES,
    Reason.WAITING_FOR_RETRY,
    Reason.CLUSTER_UNREACHABLE,
    Reason.CLUSTER_PAUSED,
    Reason.CLUSTER_OVERCOMMITTED,
    Reason.EXCEEDS_CLUSTER,
    Reason.WAITING_FOR_EVICTION,
    Reason.INSUFFICIENT_CAPACITY,
    Reason.RESERVED_FOR_OTHERS,
)
"""The order in which reasons are told: the first is the one that the planner stores."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a cluster has in all, what of it is free now (never below zero), and what is left after all that stops has
    gone and everybody else's promise is kept (below zero where more is promised than there is).
    """

    total: Amount
    free_now: Amount
    after: Amount

    @classmethod
    def of(cls, cluster: ClusterState, *, besides: int) -> "Room":
        """Add it up from the cluster's rows. The seat of the deployment `besides` is not counted."""
        total = total_of(cluster)
        free_now, after = list(total), list(total)
        for run in cluster.running:
            subtract(free_now, run.need)
            if not run.stopping:
                subtract(after, run.need)
        for one in cluster.pending:
            if one.seated and one.id != besides and one.hold is None and fits(one.need, total):
                subtract(after, one.need)
        return cls(tuple(total), tuple(max(0, amount) for amount in free_now), tuple(after))

    def with_more(self, *, now: Sequence[int], later: Sequence[int]) -> "Room":
        """The same with so much more (or less) free now, and later."""
        free_now, after = list(self.free_now), list(self.after)
        add(free_now, tuple(now))
        add(after, tuple(later))
        return Room(self.total, tuple(free_now), tuple(after))

    def lack(self, need: Amount) -> Amount:
        """What of `need` fits neither what is free now nor what is left of it for others' promises."""
        return _beyond(need, tuple(map(min, self.free_now, self.after)))


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why it waits. `deficits`: what is missing of each resource; all zero where that is not the matter."""

    reason: Reason
    deficits: Amount


def causes(
    *,
    need: Amount,
    room: Room,
    holds: Collection[Reason] = (),
    blocked: Collection[Reason] = (),
    seated: bool = False,
    stored: Reason | None = None,
) -> tuple[Cause, ...]:
    """All reasons that hold now, in `ORDER`; several may.

    `holds`: those of its own (dependencies, a retry); `blocked`: those of the whole cluster. `stored`: what the last
    cycle said; where nothing else explains the wait (room that a policy keeps, a place behind others), it still counts.
    """
    nothing = (0,) * len(need)
    found = dict.fromkeys((*holds, *blocked), nothing)
    if not fits(need, room.total):
        found[Reason.EXCEEDS_CLUSTER] = _beyond(need, room.total)
    elif seated:
        if not found:
            found[Reason.WAITING_FOR_EVICTION] = _beyond(need, room.free_now)
    elif not fits(need, room.free_now):
        found[Reason.INSUFFICIENT_CAPACITY] = room.lack(need)
    elif not fits(need, room.after):
        found[Reason.RESERVED_FOR_OTHERS] = room.lack(need)
    if not found and stored in OF_ROOM and stored is not Reason.WAITING_FOR_EVICTION:
        found[stored] = nothing
    return tuple(Cause(reason, found[reason]) for reason in ORDER if reason in found)


def _beyond(need: Amount, room: Sequence[int]) -> Amount:
    return tuple(max(0, wanted - there) for wanted, there in zip(need, room, strict=True))
