"""An adversary that looks for eviction loops: it feeds one cluster so that as much as possible is pushed aside.

Runs that are told to stop take their time, and end in any order. Each round changes a little of the settings that have
caused the most evictions so far.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from random import Random

from scheduling.core.amounts import Amount
from scheduling.core.decide import decide
from scheduling.core.policy import Policy
from scheduling.core.state import ClusterState, Pending, Running, Snapshot
from scheduling.core.verification import verify
from scheduling.tests.certificate_states import POLICIES, SECOND

STEP = 60 * SECOND
MOST_WAITING = 5
"""Of each priority."""


@dataclass(frozen=True)
class Settings:
    """What the adversary may turn. Chances are of a hundred and per step."""

    policy: Policy = field(default_factory=Policy)
    total: Amount = (16,)
    arrival: tuple[int, int, int] = (90, 50, 50)
    """Of a LOW, a MEDIUM and a HIGH one."""
    sizes: tuple[int, ...] = (1, 2, 4, 8)
    lengths: tuple[int, int, int] = (40, 10, 2)
    """A LOW, a MEDIUM and a HIGH run end by themselves with one chance in so many."""
    slowness: int = 3
    """A run that is told to stop ends within so many steps."""
    evictions_left: int | None = None

    def changed(self, dice: Random) -> "Settings":
        return replace(
            self,
            **dice.choice(
                (
                    {"total": (dice.choice((8, 16, 24)),) * dice.randint(1, 2)},
                    {"arrival": tuple(dice.choice((5, 20, 50, 90)) for _ in range(3))},
                    {"sizes": tuple(dice.choice((1, 2, 3, 4, 8)) for _ in range(4))},
                    {"lengths": tuple(dice.choice((2, 5, 15, 60)) for _ in range(3))},
                    {"slowness": dice.choice((1, 3, 10, 30))},
                    {"evictions_left": dice.choice((None, 1, 3))},
                )
            ),
        )


@dataclass
class World:
    """One cluster over time, and what is remembered of it."""

    settings: Settings
    dice: Random
    now: int = 1_000 * STEP
    pending: dict[int, Pending] = field(default_factory=dict)
    running: dict[int, Running] = field(default_factory=dict)
    ends_at: dict[int, int] = field(default_factory=dict)
    """When those that are told to stop have gone."""
    times_evicted: Counter[int] = field(default_factory=Counter)
    pushed_aside_by: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    owed: set[int] = field(default_factory=set)
    """Somebody was evicted for them, and they have not started yet."""
    priority_of: dict[int, int] = field(default_factory=dict)
    queued_at: dict[int, int] = field(default_factory=dict)
    evictions: int = 0
    cycles: int = 0

    def arrive(self) -> None:
        for priority, chance in enumerate(self.settings.arrival, 1):
            waiting = sum(1 for one in self.pending.values() if one.priority == priority)
            if waiting < MOST_WAITING and self.dice.randrange(100) < chance:
                id_ = len(self.priority_of) + 1
                self.priority_of[id_], self.queued_at[id_] = priority, self.now
                self._queue(id_, tuple(self.dice.choice(self.settings.sizes) for _ in self.settings.total))

    def _queue(self, id_: int, need: Amount) -> None:
        self.pending[id_] = Pending(
            id_, need, self.priority_of[id_], self.queued_at[id_], organization=id_ % 3, user=id_ % 5
        )

    def leave(self) -> None:
        """Some end by themselves; some of those that are told to stop have gone, and queue again."""
        for run in list(self.running.values()):
            if run.stopping:
                if self.ends_at[run.id] <= self.now:
                    del self.running[run.id]
                    self._queue(run.id, run.need)
            elif self.dice.randrange(self.settings.lengths[run.priority - 1]) == 0:
                del self.running[run.id]

    def cycle(self) -> None:
        """Plan as the service does, hold the plan against every check, and carry it out."""
        state = ClusterState(
            id=1,
            resources=("gpu", "cpu")[: len(self.settings.total)],
            pools=(self.settings.total,),
            running=tuple(self.running.values()),
            pending=tuple(self.pending.values()),
            policy=self.settings.policy,
            now=self.now,
            evictions_left=self.settings.evictions_left,
        )
        snapshot = Snapshot.of([state])
        plan = decide(snapshot)
        verify(snapshot, plan)
        (one,) = plan.clusters
        assert not one.dropped_seats
        for id_ in one.starts:
            row = self.pending.pop(id_)
            self.owed.discard(id_)
            self.running[id_] = Running(
                id_,
                row.need,
                row.priority,
                self.now,
                organization=row.organization,
                user=row.user,
                evictions=self.times_evicted[id_],
            )
        for id_ in one.seats:
            self.pending[id_] = replace(self.pending[id_], seated=True)
        for eviction in one.evictions:
            self._evict(eviction.victim, eviction.preemptor)
        self.cycles += 1
        self.nobody_waits_for_nothing()

    def _evict(self, victim: int, preemptor: int) -> None:
        could = self.settings.policy.may_preempt.get(self.priority_of[victim], frozenset())
        back = self.priority_of[preemptor] < self.priority_of[victim] and self.priority_of[preemptor] in could
        assert not back, f"{victim} is evicted by {preemptor}, which it could evict itself"
        assert preemptor in self.pending, f"{victim} is evicted for {preemptor}, which does not wait"
        self.running[victim] = replace(self.running[victim], stopping=True)
        self.ends_at[victim] = self.now + self.dice.randint(0, self.settings.slowness) * STEP
        self.times_evicted[victim] += 1
        self.pushed_aside_by[victim].add(preemptor)
        self.owed.add(preemptor)
        self.evictions += 1

    def nobody_waits_for_nothing(self) -> None:
        """A seat waits for what is stopping; where nothing is, there is none."""
        stopping = any(run.stopping for run in self.running.values())
        seated = [one.id for one in self.pending.values() if one.seated]
        assert stopping or not seated, f"{seated} have seats, and nothing is stopping"

    def settle(self) -> None:
        """Let all that is stopping go, and nobody come: then everybody whom room was made for has to start."""
        self.settings = replace(self.settings, arrival=(0, 0, 0), evictions_left=0)
        for _ in range(self.settings.slowness + 3):
            self.now += STEP
            self.leave()
            self.cycle()
        assert not self.owed, f"somebody was evicted for {sorted(self.owed)}, which never started"

    def nobody_goes_round(self) -> None:
        """Follow who was pushed aside by whom: nobody comes back to themselves."""
        for first in self.pushed_aside_by:
            seen: set[int] = set()
            todo = [first]
            while todo:
                for by in self.pushed_aside_by.get(todo.pop(), ()):
                    assert by != first, f"{first} was pushed aside, over others, by itself"
                    if by not in seen:
                        seen.add(by)
                        todo.append(by)


@dataclass
class Found:
    cycles: int = 0
    evictions: int = 0
    most_of_one: int = 0


def search(*, steps: int, seed: int, rounds: int = 2 * len(POLICIES)) -> Found:
    """Play `steps` steps in all; raise AssertionError where a loop, or an eviction for nothing, was found."""
    dice = Random(seed)
    best, most = Settings(), -1
    found = Found()
    for number in range(rounds):
        tried = replace(best.changed(dice).changed(dice), policy=POLICIES[number % len(POLICIES)])
        world = World(tried, dice)
        for _ in range(steps // rounds):
            world.now += STEP
            world.leave()
            world.arrive()
            world.cycle()
        world.settle()
        world.nobody_goes_round()
        found.cycles += world.cycles
        found.evictions += world.evictions
        found.most_of_one = max(found.most_of_one, *world.times_evicted.values(), 0)
        if world.evictions > most:
            best, most = tried, world.evictions
    return found
