"""What a plan says of its evictions, in numbers that can be checked without the planner and without the snapshot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scheduling.core.amounts import Amount
from scheduling.core.policy import VictimOrder


def lost_work(need: Amount, *, work_resource: int, saved_at: int, now: int) -> int:
    """Work that an eviction destroys: thousandths of a device (or core) × milliseconds since the last checkpoint."""
    return need[work_resource] * (max(0, now - saved_at) // 1000) if need else 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A run that the policy would let go, or (`own_start`) a start of this very cycle that can be withdrawn.

    `started_at`, `saved_at`: microseconds; of an own start both are the cycle's moment, and `lost` is nothing.
    `rank`: lower ones go first; its priority, or 0 where the policy counts lost work alone.
    """

    id: int
    priority: int
    need: Amount
    started_at: int
    saved_at: int
    lost: int
    own_start: bool = False
    evictions: int = 0
    """How often it was preempted before."""
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One that phase 2 placed: `room` is what was left before it, after all that stops has gone and every promise is
    kept; `victims`, in the order of choice, are whose going lets it fit (none: it fitted).
    """

    preemptor: int
    priority: int
    need: Amount
    room: Amount
    victims: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """The evictions of one cluster's plan. `candidates`: all who could have gone, in the policy's order of choice.

    Each step's room is the one before it, less that step's need, plus what its victims hold. `given_back`: chosen, and
    needless at the end; `room`: what is left when all is done, and `free_now` of that what nobody holds any more. Where
    the policy's order is `least_lost_work`, the victims are the choice for all steps of one priority together, dealt
    out to them in order. `totals`: see `totals_of`. The limits are the policy's, `evictions_left` of this moment.
    """

    policy: str
    victim_order: VictimOrder
    may_preempt: Mapping[int, frozenset[int]]
    now: int
    work_resource: int
    candidates: tuple[Candidate, ...]
    steps: tuple[Step, ...]
    given_back: tuple[int, ...]
    room: Amount
    free_now: Amount = ()
    totals: tuple[int, ...] = ()
    minimum_run_seconds: int = 0
    most_evictions: int | None = None
    evictions_left: int | None = None
    lower_priority_first: bool = True


def totals_of(candidates: Iterable[Candidate]) -> tuple[int, ...]:
    """Add up the candidates' columns (started_at, saved_at, lost, evictions, needs): a changed figure shows in them."""
    rows = ((one.started_at, one.saved_at, one.lost, one.evictions, *one.need) for one in candidates)
    return tuple(map(sum, zip(*rows, strict=True)))
