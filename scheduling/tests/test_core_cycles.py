"""Many cycles in a row on one cluster: what holds over time, with victims as slow as they like."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from scheduling.core.amounts import Amount
from scheduling.core.decide import decide
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterPlan, ClusterState, Pending, Running, Snapshot
from scheduling.tests.strategies import RESOURCES, amounts, fits, minus, priorities


@dataclass
class World:
    """One cluster and its deployments, moved on by plans, by the engine and by users."""

    total: Amount
    resized: bool = False
    now: int = 0
    asked: dict[int, tuple[Amount, int, int]] = field(default_factory=dict)
    """Deployment → need, priority, queued_at; never forgotten, so that a victim keeps its place."""
    waiting: set[int] = field(default_factory=set)
    seats: set[int] = field(default_factory=set)
    started_at: dict[int, int] = field(default_factory=dict)
    stopping: set[int] = field(default_factory=set)
    preemptors: list[int] = field(default_factory=list)
    """Who had somebody evicted in which cycle, once for each such cycle."""

    def submit(self, need: Amount, priority: int) -> None:
        id = len(self.asked) + 1
        self.asked[id] = (need, priority, self.now)
        self.waiting.add(id)

    def needs(self, ids: set[int]) -> list[Amount]:
        return [self.asked[id][0] for id in ids]

    def state(self) -> ClusterState:
        running = [
            Running(id, self.asked[id][0], self.asked[id][1], at, stopping=id in self.stopping)
            for id, at in self.started_at.items()
        ]
        pending = [Pending(id, *self.asked[id], seated=id in self.seats) for id in sorted(self.waiting)]
        blocked = Reason.CLUSTER_OVERCOMMITTED if self.is_overcommitted() else None
        names = RESOURCES[: len(self.total)]
        return ClusterState(1, names, (self.total,), tuple(running), tuple(pending), blocked)

    def resize(self, total: Amount) -> None:
        """The engine shrinks or grows, whatever is held and promised there."""
        self.total, self.resized = total, True

    def is_overcommitted(self) -> bool:
        return min(minus(self.total, *self.needs(set(self.started_at)))) < 0

    def cycle(self) -> ClusterPlan:
        """Plan, apply as the shell does, and check what must hold after every single cycle."""
        self.now += 1
        free_of_stopping = not self.stopping
        (plan,) = decide(Snapshot.of([self.state()])).clusters
        assert set(plan.starts) <= self.waiting
        assert self.resized or not plan.dropped_seats
        victims = {eviction.victim for eviction in plan.evictions}
        assert victims <= set(self.started_at) - self.stopping
        if free_of_stopping and not self.resized:
            assert self.seats <= set(plan.starts), "a seat still waits though all its victims are gone"
        for id in plan.starts:
            self.waiting.remove(id)
            self.started_at[id] = self.now
        self.seats = (self.seats | set(plan.seats)) - set(plan.starts) - set(plan.dropped_seats)
        self.stopping |= victims
        self.preemptors += {eviction.preemptor for eviction in plan.evictions}

        if self.is_overcommitted():
            assert self.resized
            assert not plan.starts
            assert not victims
        else:
            nothing = (0,) * len(self.total)
            staying = set(self.started_at) - self.stopping
            assert fits(nothing, minus(self.total, *self.needs(staying), *self.needs(self.seats)))
        return plan

    def complete(self, which: set[int]) -> None:
        """These runs end by themselves; one that was told to stop goes back to its place in the queue."""
        for id in which & set(self.started_at):
            del self.started_at[id]
            if id in self.stopping:
                self.stopping.remove(id)
                self.waiting.add(id)


def changes_nothing(plan: ClusterPlan) -> bool:
    return not (plan.starts or plan.seats or plan.dropped_seats or plan.evictions)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Amount, list[tuple[list[tuple[Amount, int]], set[int], bool]]]:
    """A total, and for each step who arrives, which runs end, and whether a slow victim may end too."""
    width = draw(st.integers(1, 3))
    total = draw(amounts(width, 3, 8))
    arrivals = st.lists(st.tuples(st.tuples(*[st.integers(0, t) for t in total]), priorities), max_size=3)
    step = st.tuples(arrivals, st.sets(st.integers(1, 12), max_size=4), st.booleans())
    return total, draw(st.lists(step, min_size=1, max_size=8))


@st.composite
def resized_histories(draw: st.DrawFn):
    """A history, and the totals that the engine has from some of its steps on."""
    history = draw(histories())
    sizes = amounts(len(history[0]), 1, 8)
    return history, draw(st.dictionaries(st.integers(0, len(history[1]) - 1), sizes, min_size=1, max_size=4))


def play(history, resizes: Mapping[int, Amount] | None = None) -> World:
    total, steps = history
    world = World(total)
    for step, (arrivals, ends, slow) in enumerate(steps):
        if resizes and step in resizes:
            world.resize(resizes[step])
        world.complete(ends - world.stopping if slow else ends)
        for need, priority in arrivals:
            world.submit(need, priority)
        world.cycle()
    return world


@given(histories())
def test_capacity_and_seats_hold_over_any_history_and_a_slow_victim_never_causes_a_second_eviction(history):
    # HIGH work is never a victim here, so each preemptor is seated at most once in its life.
    world = play(history)
    assert len(world.preemptors) == len(set(world.preemptors))


@given(histories())
def test_once_all_victims_are_gone_no_seat_is_left_waiting(history):
    world = play(history)
    owed = set(world.seats)
    world.complete(set(world.stopping))
    world.cycle()
    assert owed <= set(world.started_at)


@given(histories())
def test_a_cluster_left_alone_comes_to_rest_and_then_no_hint_is_given(history):
    # Evictions and returns to the queue must not chase each other for ever.
    world = play(history)
    for _ in range(2 * len(world.asked) + 2):
        world.complete(set(world.stopping))
        plan = world.cycle()
        if changes_nothing(plan):
            break
    assert changes_nothing(plan)
    assert not plan.leftover
    assert not world.stopping


@given(resized_histories())
def test_whatever_the_engine_shrinks_to_no_seat_waits_for_what_nothing_frees(case):
    world = play(*case)
    for _ in range(2 * len(world.asked) + 2):
        world.complete(set(world.stopping))
        plan = world.cycle()
        if changes_nothing(plan):
            break
    assert changes_nothing(plan)
    assert not plan.leftover
    assert world.is_overcommitted() or not world.seats


@given(st.one_of(resized_histories(), histories().map(lambda history: (history, {}))))
def test_a_hint_for_room_left_over_is_honest(case):
    # Otherwise a cluster would plan in a tight loop, each cycle hinting the next one.
    world = play(*case)
    plan = world.cycle()
    while plan.leftover:
        plan = world.cycle()
        assert plan.starts


@given(histories())
def test_everything_that_fits_the_cluster_runs_in_the_end(history):
    world = play(history)
    for _ in range(3 * len(world.asked) + 3):
        world.complete(set(world.started_at))
        world.cycle()
    assert not world.waiting
