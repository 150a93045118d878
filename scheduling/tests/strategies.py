"""Random cluster states for the planner, small in number and size, so that contention and ties are common."""

from random import Random

from hypothesis import strategies as st

from scheduling.core.amounts import Amount
from scheduling.core.policy import Policy, VictimOrder
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterState, Pending, Running

RESOURCES = ("gpu", "cpu", "ram")
BLOCKS = (Reason.CLUSTER_PAUSED, Reason.CLUSTER_UNREACHABLE, Reason.CLUSTER_OVERCOMMITTED)
HOLDS = (Reason.WAITING_FOR_DEPENDENCIES, Reason.DEPENDENCY_FAILED, Reason.WAITING_FOR_RETRY)

priorities = st.integers(1, 3)
times = st.integers(0, 3)
holds = st.sampled_from((None,) * 9 + HOLDS)
MIDDLE_PREEMPTS_TOO = Policy(may_preempt={2: frozenset({1}), 3: frozenset({1, 2})})
policies = st.sampled_from(
    [
        Policy(),
        Policy(),
        MIDDLE_PREEMPTS_TOO,
        Policy(may_preempt={3: frozenset({1})}),
        Policy(may_preempt={1: frozenset({1, 2}), 3: frozenset({2, 3})}),  # who is not lower is no victim
        Policy(may_preempt={}),
        Policy(victim_order=VictimOrder.YOUNGEST),
        Policy(victim_order=VictimOrder.YOUNGEST, minimum_run_seconds=1),
        Policy(minimum_run_seconds=1, most_evictions=2),
    ]
)


def amounts(width: int, low: int = 0, high: int = 5) -> st.SearchStrategy[Amount]:
    return st.tuples(*[st.integers(low, high)] * width)


def fits(need: Amount, room: Amount) -> bool:
    return all(n <= r for n, r in zip(need, room, strict=True))


def minus(room: Amount, *needs: Amount) -> Amount:
    return tuple(r - sum(column) for r, *column in zip(room, *needs, strict=True))


@st.composite
def clusters(
    draw: st.DrawFn,
    blocks: tuple[Reason, ...] = BLOCKS,
    shrunk: bool = False,
    overpromised: bool = False,
    width: int | None = None,
) -> ClusterState:
    """A cluster whose runs fit its total and whose seats can be satisfied.

    If its engine has `shrunk` neither need be so; if that left it `overpromised`, the seats only.
    """
    width = width or draw(st.integers(1, 3))
    total = draw(amounts(width, 2, 9))
    runs = draw(st.lists(st.tuples(amounts(width), priorities, times, st.integers(0, 3)), max_size=7))
    waits = draw(st.lists(st.tuples(amounts(width), priorities, times, holds, st.integers(0, 3)), max_size=8))
    ids = iter(draw(st.permutations(range(1, 1 + len(runs) + len(waits)))))

    free, later = total, total
    running, pending = [], []
    for need, priority, started_at, dice in runs:
        if fits(need, free) or shrunk:
            free = minus(free, need)
            later = later if dice == 0 else minus(later, need)
            running.append(
                Running(next(ids), need, priority, started_at, stopping=dice == 0, evictions=started_at)
            )
    for need, priority, queued_at, hold, dice in waits:
        seated = dice == 0 and (fits(need, later) or shrunk or overpromised)
        later = minus(later, need) if seated else later
        pending.append(Pending(next(ids), need, priority, queued_at, hold=hold, seated=seated))
    blocked = draw(st.sampled_from((None,) * 9 + blocks))
    first_pool = draw(st.sampled_from([total, (1,) * width]))
    pools = (total,) if first_pool == total else (first_pool, minus(total, first_pool))
    return ClusterState(
        1,
        RESOURCES[:width],
        pools,
        tuple(running),
        tuple(pending),
        blocked,
        now=draw(st.sampled_from((1_000_002, 0))),
        evictions_left=draw(st.sampled_from((None, None, 1, 2))),
    )


def contended_cluster(dice: Random) -> ClusterState:
    """A nearly full cluster with preemptors that want much and lower work that fits into the gaps.

    Drawn evenly and not by hypothesis, whose love of zeros and equal rows seldom reaches a withdrawal or an
    offer of the whole plan's victims.
    """

    def amount(low: int, high: int) -> Amount:
        return tuple(dice.randint(low, high) for _ in range(width))

    width = dice.randint(1, 2)
    runs, waits = dice.randint(1, 5), dice.randint(2, 7)
    ids = dice.sample(range(1, 1 + runs + waits), runs + waits)
    running = [
        Running(
            ids.pop(),
            amount(0, dice.choice((2, 6))),
            dice.randint(1, 2),
            dice.randint(0, 2),
            dice.random() < 0.12,
        )
        for _ in range(runs)
    ]
    slack = amount(0, 6)
    total = tuple(map(sum, zip(slack, *(run.need for run in running), strict=True)))
    later = minus(total, *(run.need for run in running if not run.stopping))
    overpromised = dice.random() < 0.3
    pending = []
    for _ in range(waits):
        priority = dice.choice((1, 1, 2, 3, 3))
        need = amount(1, 8) if priority == 3 else amount(0, 3)
        sound = priority == 3 and fits(need, later)
        seated = dice.random() < 0.4 if overpromised else sound and dice.random() < 0.15
        later = minus(later, need) if seated else later
        pending.append(Pending(ids.pop(), need, priority, dice.randint(0, 2), seated=seated))
    return ClusterState(1, RESOURCES[:width], (total,), tuple(running), tuple(pending))
