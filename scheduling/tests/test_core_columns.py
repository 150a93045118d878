"""All clusters at once, from columns, give what each gives alone, row by row."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.core import first_phase, numbering, shared_phase
from scheduling.core.decide import decide, decide_cluster
from scheduling.core.invariants import InvariantBroken, check
from scheduling.core.policy import PRESETS, TWO_PHASE, Policy
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterPlan, ClusterState, Pending, Plan, Running, Snapshot
from scheduling.tests.core_cases import HIGH, LOW, MEDIUM, cluster, plan_of, runs, waits
from scheduling.tests.strategies import MIDDLE_PREEMPTS_TOO, clusters, contended_cluster, policies

HOUR = 3_600_000_000
any_policy = st.one_of(policies, st.sampled_from(list(PRESETS.values())))
fleets = st.integers(1, 3).flatmap(
    lambda width: st.lists(
        st.one_of(
            clusters(width=width),
            clusters(width=width, shrunk=True),
            clusters(blocks=(), overpromised=True, width=width),
        ),
        max_size=5,
    )
)


def alone(state: ClusterState) -> ClusterPlan:
    """What the planner of rows says, with those counted that are not listed."""
    plan = decide_cluster(state)
    return replace(
        plan, unschedulable=plan.unschedulable + state.unlisted, held=plan.held + state.unlisted_held
    )


def agrees(states: list[ClusterState]) -> Plan:
    snapshot = Snapshot.of(states)
    plan = decide(snapshot)
    assert plan.clusters == tuple(map(alone, states))
    check(snapshot, plan)
    return plan


def apart(states: list[ClusterState], policy: list[Policy]) -> list[ClusterState]:
    return [replace(state, id=n, policy=policy[n % len(policy)]) for n, state in enumerate(states)]


@settings(max_examples=2 * settings.default.max_examples)
@given(fleets, st.lists(any_policy, min_size=1, max_size=3))
def test_many_clusters_at_once_are_planned_as_each_alone_by_its_rows(states, chosen):
    # Ids repeat from cluster to cluster: they need be unique only within one.
    agrees(apart(states, chosen))


def test_they_agree_where_everybody_contends_under_every_preset():
    for seed in range(4 * settings.default.max_examples):
        dice = Random(seed)
        states = [contended_cluster(dice) for _ in range(6)]
        states = [state for state in states if state.resources == states[0].resources]
        agrees(apart(states, [dice.choice([MIDDLE_PREEMPTS_TOO, *PRESETS.values()]) for _ in states]))


def crowded_cluster(dice: Random, oldest: int = 900) -> ClusterState:
    """Many who wait, of all ages (at most `oldest` hours) and owners, and little room; seldom anybody to evict."""
    width, runs_there = dice.randint(1, 3), dice.randint(0, 8)

    def amount(high: int) -> tuple[int, ...]:
        return tuple(dice.randint(0, high) for _ in range(width))

    highest = dice.choice((LOW, MEDIUM, HIGH))
    lowest = dice.choice((LOW, HIGH, HIGH))
    now = 1000 * HOUR
    running = tuple(
        Running(
            1000 + n, amount(4), dice.randint(lowest, HIGH), now - dice.randint(0, 9) * HOUR, dice.random() < 0.1,
            dice.randint(1, 3), dice.randint(1, 3),
        )
        for n in range(runs_there)
    )  # fmt: skip
    pending = tuple(
        Pending(
            n, amount(dice.choice((2, 9))), dice.randint(LOW, highest), now - dice.randint(0, oldest) * HOUR,
            Reason.WAITING_FOR_DEPENDENCIES if dice.random() < 0.1 else None, False,
            dice.randint(1, 3), dice.randint(1, 3), None, dice.choice((None, HOUR, 9 * HOUR)),
        )
        for n in range(1, dice.randint(2, 40))
    )  # fmt: skip
    total = tuple(dice.randint(0, 25) + sum(run.need[at] for run in running) for at in range(width))
    names = ("gpu", "cpu", "ram")[:width]
    return ClusterState(
        1, names, (total,), running, pending, now=now, unlisted=dice.randint(0, 5), unlisted_held=0,
        weights={1: 2}, user_weights={2: 3}, evictions_left=dice.choice((None, None, 0, 1)),
    )  # fmt: skip


@pytest.mark.parametrize("preset", PRESETS)
def test_they_agree_where_many_wait_and_most_cannot_matter(preset):
    for seed in range(4 * settings.default.max_examples):
        dice = Random(seed)
        states = [crowded_cluster(dice) for _ in range(5)]
        states = [state for state in states if state.resources == states[0].resources]
        agrees(apart(states, [PRESETS[preset]]))


RANKED = (
    PRESETS["balanced"],
    replace(PRESETS["balanced"], user_shares=False, shortest_first=False),
    replace(PRESETS["balanced"], organization_shares=False, user_shares=False),
    replace(PRESETS["balanced"], organization_shares=False),
    Policy(organization_shares=True, user_shares=True, shortest_first=True),
    Policy(organization_shares=True, ageing_seconds=100 * 3600),
    replace(MIDDLE_PREEMPTS_TOO, organization_shares=True),
    replace(PRESETS["balanced"], may_preempt={MEDIUM: frozenset({LOW})}),
)


@pytest.mark.parametrize(("each", "widest"), [(1, 1 << 20), (10**9, 1 << 20), (10**9, 0)])
def test_they_agree_where_shares_and_lengths_rank_the_queue(monkeypatch, each, widest):
    monkeypatch.setattr(shared_phase, "EACH", each)
    monkeypatch.setattr(numbering, "WIDEST", widest)
    for seed in range(4 * settings.default.max_examples):
        dice = Random(seed)
        states = [crowded_cluster(dice, oldest=dice.choice((300, 900))) for _ in range(6)]
        states = [state for state in states if state.resources == states[0].resources]
        agrees(apart(states, [dice.choice((*RANKED, TWO_PHASE)) for _ in states]))


def test_they_agree_however_few_rows_a_round_over_all_clusters_takes(monkeypatch):
    for few, rounds in ((0, 1), (0, 1000), (10**9, 1)):
        monkeypatch.setattr(first_phase, "FEW", few)
        monkeypatch.setattr(first_phase, "ROUNDS", rounds)
        for seed in range(2 * settings.default.max_examples):
            dice = Random(seed)
            states = [crowded_cluster(dice) for _ in range(6)]
            states = [state for state in states if state.resources == states[0].resources]
            agrees(apart(states, [TWO_PHASE]))


@given(fleets, any_policy, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter_and_the_same_input_gives_the_same_plan(states, policy, dice):
    states = apart(states, [policy])
    first = decide(Snapshot.of(states)).clusters
    for state in states:
        assert decide(Snapshot.of(states)).clusters == first
        running, pending = list(state.running), list(state.pending)
        dice.shuffle(running)
        dice.shuffle(pending)
        states[state.id] = replace(state, running=tuple(running), pending=tuple(pending))
    assert decide(Snapshot.of(states)).clusters == first


@given(fleets)
def test_columns_can_be_read_back_as_the_rows_that_they_were_made_of(states):
    states = [
        replace(
            state,
            id=n,
            pools=(tuple(map(sum, zip(*state.pools, strict=True))),),
            pending=tuple(
                replace(one, reason=Reason.RESERVED_FOR_OTHERS, expected=7) for one in state.pending
            ),
            running=tuple(replace(one, saved_at=5, evictions=2) for one in state.running),
            unlisted=3,
        )
        for n, state in enumerate(states)
    ]
    snapshot = Snapshot.of(states)
    again = Snapshot(snapshot.resources, snapshot.heads, snapshot.pending, snapshot.running)
    assert again.clusters == snapshot.clusters == tuple(states)


def test_clusters_of_other_resources_make_no_snapshot():
    with pytest.raises(ValueError, match="share their resources"):
        Snapshot.of([cluster(1), cluster((1, 1), id_=2)])


def test_those_not_listed_are_counted_and_nothing_else():
    state = replace(cluster(1, pending=[waits(1, 1), waits(2, 1, since=1)]), unlisted=5, unlisted_held=2)
    plan = plan_of(state)
    assert (plan.starts, plan.scheduled, plan.unschedulable, plan.held, plan.pending) == ((1,), 1, 6, 2, 7)
    assert plan.reasons == ((2, Reason.INSUFFICIENT_CAPACITY),)


def test_only_reasons_that_differ_from_the_stored_ones_are_changes():
    full, held = Reason.INSUFFICIENT_CAPACITY, Reason.WAITING_FOR_RETRY
    state = cluster(
        1,
        pending=[
            replace(waits(1, 1), reason=full),
            replace(waits(2, 1, since=1), reason=full),
            replace(waits(3, 1, since=2), reason=held),
            replace(waits(4, 1, hold=held), reason=held),
            waits(5, 9),
        ],
    )
    snapshot = Snapshot.of([state])
    plan = decide(snapshot)
    assert snapshot.pending.id[plan.changed(snapshot)].tolist() == [3, 5]
    assert plan.reasons.dtype == np.int8


def test_a_queue_where_every_second_one_no_longer_fits_is_planned_in_order():
    # Each small start puts the next large one just out of reach: a round could start no more than one.
    pending = []
    for n in range(300):
        pending += [waits(2 * n + 1, 1, since=2 * n), waits(2 * n + 2, 1000 - n, since=2 * n + 1)]
    plan = plan_of(cluster(1000, pending=pending))
    assert plan.starts == tuple(range(1, 601, 2))


def test_ids_far_apart_and_alike_in_other_clusters_are_told_apart_by_the_check():
    far = 2**60
    states = [
        cluster(2, id_=1, running=[runs(far, 1)], pending=[waits(1, 1), waits(2, 9)]),
        cluster(2, id_=2, running=[runs(1, 2)], pending=[waits(far, 2, HIGH), waits(2, 1)]),
    ]
    snapshot = Snapshot.of(states)
    plan = decide(snapshot)
    check(snapshot, plan)
    assert [one.starts for one in plan.clusters] == [(1,), ()]
    stranger = replace(plan.clusters[0], starts=(far,))
    with pytest.raises(InvariantBroken, match=f"cluster 1: {far} is started or seated and was not pending"):
        check(snapshot, Plan.of(snapshot, [stranger, plan.clusters[1]]))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"policy": Policy(minimum_run_seconds=60)}, "9 is evicted before it ran 60 s"),
        ({"policy": Policy(most_evictions=2)}, "9 is evicted and was 2 times, at most 2"),
        ({"evictions_left": 0}, "1 evictions, its policy allows 0 at this moment"),
    ],
)
def test_an_eviction_that_the_policy_limits_is_refused(limits, words):
    state = cluster(1, running=[replace(runs(9, 1), evictions=2)], pending=[waits(1, 1, HIGH)])
    state = replace(state, now=59_999_999)
    plan = decide(Snapshot.of([state]))
    snapshot = Snapshot.of([replace(state, **limits)])
    with pytest.raises(InvariantBroken, match=words):
        check(snapshot, plan)
