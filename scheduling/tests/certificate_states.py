"""Small contended clusters under every kind of policy, drawn fast: where certificates are proved by the thousand."""

from dataclasses import replace
from random import Random

from scheduling.core.amounts import Amount
from scheduling.core.policy import BALANCED, LEAST_WASTE, TWO_PHASE, Policy, VictimOrder
from scheduling.core.state import ClusterState, Pending, Running

SECOND = 1_000_000
NOW = 1_000 * SECOND
MIDDLE_TOO = {2: frozenset({1}), 3: frozenset({1, 2})}
YOUNGEST = replace(TWO_PHASE, name="youngest", victim_order=VictimOrder.YOUNGEST)
PRESETS = (TWO_PHASE, YOUNGEST, LEAST_WASTE, BALANCED)
POLICIES = (
    *PRESETS,
    *(replace(preset, may_preempt=MIDDLE_TOO) for preset in PRESETS),
    *(replace(preset, minimum_run_seconds=300, most_evictions=2) for preset in (TWO_PHASE, BALANCED)),
    replace(LEAST_WASTE, may_preempt={3: frozenset({2})}, ageing_seconds=200),
)
RESOURCES = ("gpu", "cpu", "ram")
SIZES = (1, 1, 1, 2, 2, 4, 8)


def drawn_state(dice: Random) -> ClusterState:
    """A nearly full cluster whose runs lose different work, and preemptors of which most must push somebody aside."""
    policy = dice.choice(POLICIES)
    width = dice.choice((1, 1, 2, 3))
    running = [_run(dice, id_, width) for id_ in range(1, dice.randint(3, 9))]
    slack = dice.choice((0, 0, 1, 3))
    total = [slack] * width
    later = [slack] * width
    for run in running:
        for axis, held in enumerate(run.need):
            total[axis] += held
            later[axis] += held if run.stopping else 0
    pending = []
    for id_ in range(20, 20 + dice.randint(1, 6)):
        one = _waiting(dice, id_, width, policy)
        if one.priority > 1 and dice.random() < 0.15 and all(map(int.__le__, one.need, later)):
            later = [there - need for there, need in zip(later, one.need, strict=True)]
            one = replace(one, seated=True)
        pending.append(one)
    return ClusterState(
        id=1,
        resources=RESOURCES[:width],
        pools=(tuple(total),),
        running=tuple(running),
        pending=tuple(pending),
        policy=policy,
        now=NOW,
        work_resource=dice.randrange(width),
        evictions_left=dice.choice((None, None, None, 1, 2)),
    )


def _need(dice: Random, width: int) -> Amount:
    size = dice.choice(SIZES)
    return tuple([size] + [dice.choice((0, 1, size, size)) for _ in range(width - 1)])


def _run(dice: Random, id_: int, width: int) -> Running:
    started_at = NOW - dice.choice((0, 1, 10, 100, 400, 900)) * SECOND - dice.randrange(3) * 500
    return Running(
        id_,
        _need(dice, width),
        dice.choice((1, 1, 1, 2, 2, 3)),
        started_at,
        stopping=dice.random() < 0.1,
        organization=dice.randrange(3),
        user=dice.randrange(4),
        saved_at=dice.choice((None, None, (started_at + NOW) // 2)),
        evictions=dice.randrange(3),
        expected=dice.choice((None, 500 * SECOND, 2_000 * SECOND)),
    )


def _waiting(dice: Random, id_: int, width: int, policy: Policy) -> Pending:
    long_ago = policy.reservation_after_seconds is not None and dice.random() < 0.1
    return Pending(
        id_,
        _need(dice, width),
        dice.choice((1, 2, 3, 3)),
        NOW - dice.randrange(500) * SECOND - (500 * 3600 * SECOND if long_ago else 0),
        organization=dice.randrange(3),
        user=dice.randrange(4),
        expected=dice.choice((None, 100 * SECOND, 1_000 * SECOND)),
    )
