"""What holds for every plan, whatever the cluster looks like; and agreement with the reference model."""

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.core.amounts import Amount
from scheduling.core.decide import decide
from scheduling.core.invariants import check
from scheduling.core.policy import Policy, VictimOrder
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterPlan, ClusterState, Pending, Snapshot
from scheduling.tests import reference
from scheduling.tests.strategies import (
    BLOCKS,
    MIDDLE_PREEMPTS_TOO,
    clusters,
    contended_cluster,
    fits,
    minus,
    policies,
)

YOUNGEST = Policy(victim_order=VictimOrder.YOUNGEST)

overpromised = clusters(blocks=(), overpromised=True)
sound_cluster = st.one_of(clusters(), overpromised)
any_cluster = st.one_of(sound_cluster, clusters(shrunk=True))


def plan_of(cluster: ClusterState, policy: Policy | None = None) -> ClusterPlan:
    (plan,) = decide(Snapshot.of([replace(cluster, policy=policy or cluster.policy)])).clusters
    return plan


class Outcome:
    """A cluster, its plan, and what the plan leaves: free now, and after all that stops is gone."""

    def __init__(self, cluster: ClusterState, policy: Policy | None = None) -> None:
        self.plan = plan_of(cluster, policy)
        self.total = tuple(sum(amounts) for amounts in zip(*cluster.pools, strict=True))
        self.pending = {p.id: p for p in cluster.pending}
        self.running = {r.id: r for r in cluster.running}
        self.started = [self.pending[id] for id in self.plan.starts]
        self.evicted = [self.running[eviction.victim] for eviction in self.plan.evictions]
        kept = {p.id for p in cluster.pending if p.seated} - set(self.plan.dropped_seats)
        self.seats = [self.pending[id] for id in (kept | set(self.plan.seats)) - set(self.plan.starts)]
        self.left = [p for p in cluster.pending if p.id not in set(self.plan.starts)]

    @property
    def free_now(self) -> Amount:
        return minus(self.total, *(row.need for row in [*self.running.values(), *self.started]))

    @property
    def free_after(self) -> Amount:
        staying = [r for r in self.running.values() if not r.stopping and r not in self.evicted]
        return minus(self.total, *(row.need for row in [*staying, *self.started, *self.seats]))


@settings(max_examples=2 * settings.default.max_examples)
@given(any_cluster, policies)
def test_the_planner_agrees_with_the_reference_model_in_every_field(cluster, policy):
    assert without_certificate(plan_of(cluster, policy)) == reference.plan_cluster(cluster, policy)


def without_certificate(plan: ClusterPlan) -> ClusterPlan:
    """The reference says what is decided; `test_core_certificates.py` holds the proof of it against the plan."""
    return replace(plan, certificate=None)


def test_the_planner_agrees_with_the_reference_model_where_everybody_contends():
    for seed in range(30 * settings.default.max_examples):
        dice = Random(seed)
        cluster, policy = contended_cluster(dice), dice.choice((Policy(), MIDDLE_PREEMPTS_TOO, YOUNGEST))
        cluster = replace(cluster, evictions_left=dice.choice((None, None, 1, 2)))
        plan = without_certificate(plan_of(cluster, policy))
        assert plan == reference.plan_cluster(cluster, policy), f"seed {seed}"


@given(any_cluster, policies)
def test_the_check_before_a_plan_is_applied_accepts_every_plan_of_the_planner(cluster, policy):
    # A planner and a check that disagreed would leave the cluster without any cycle at all.
    snapshot = Snapshot.of([replace(cluster, policy=policy)])
    check(snapshot, decide(snapshot))


@given(sound_cluster, policies)
def test_starts_fit_what_is_free_and_seats_fit_what_will_be_left(cluster, policy):
    outcome = Outcome(cluster, policy)
    nothing = (0,) * len(outcome.total)
    assert fits(nothing, outcome.free_now)
    assert fits(nothing, outcome.free_after)


@given(sound_cluster, policies)
def test_nobody_is_evicted_for_a_preemptor_that_gets_no_seat(cluster, policy):
    outcome = Outcome(cluster, policy)
    assert {eviction.preemptor for eviction in outcome.plan.evictions} <= {p.id for p in outcome.seats}


@given(sound_cluster, policies)
def test_a_victim_is_running_strictly_lower_and_told_to_stop_once(cluster, policy):
    outcome = Outcome(cluster, policy)
    for eviction in outcome.plan.evictions:
        victim, preemptor = outcome.running[eviction.victim], outcome.pending[eviction.preemptor]
        assert not victim.stopping
        assert victim.priority < preemptor.priority
        assert victim.priority in policy.may_preempt[preemptor.priority]
    assert len({eviction.victim for eviction in outcome.plan.evictions}) == len(outcome.plan.evictions)


@given(sound_cluster, policies)
def test_taking_any_one_victim_back_would_not_leave_room_for_all_seats(cluster, policy):
    outcome = Outcome(cluster, policy)
    for victim in outcome.evicted:
        assert not fits(victim.need, outcome.free_after)


@given(sound_cluster, policies)
def test_no_preemptor_waits_while_evicting_lower_work_would_make_room(cluster, policy):
    cluster = replace(cluster, evictions_left=None)
    policy = replace(policy, minimum_run_seconds=0, most_evictions=None)
    outcome = Outcome(cluster, policy)
    staying = [r for r in outcome.running.values() if not r.stopping and r not in outcome.evicted]
    for p in outcome.left:
        if p.hold or cluster.blocked or p in outcome.seats:
            continue
        victims = [v for v in policy.may_preempt.get(p.priority, ()) if v < p.priority]
        if victims:
            own = [row for row in outcome.started if not row.seated]
            lower = [row.need for row in [*staying, *own] if row.priority in victims]
            most = minus(outcome.free_after, *(minus((0,) * len(need), need) for need in lower))
            assert not fits(p.need, most)


@given(sound_cluster, policies, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter_and_the_same_input_gives_the_same_plan(cluster, policy, dice):
    plan = plan_of(cluster, policy)
    running, pending = list(cluster.running), list(cluster.pending)
    dice.shuffle(running)
    dice.shuffle(pending)
    assert plan_of(replace(cluster, running=tuple(running), pending=tuple(pending)), policy) == plan
    assert plan_of(cluster, policy) == plan


@given(st.integers(1, 3).flatmap(lambda width: st.lists(clusters(width=width), max_size=4)), policies)
def test_clusters_planned_together_are_planned_as_if_each_were_alone(states, policy):
    # Ids are unique over the whole system, so each cluster's are moved to a range of its own.
    states = [replace(renumbered(state, 100 * n), policy=policy) for n, state in enumerate(states)]
    assert decide(Snapshot.of(states)).clusters == tuple(plan_of(state) for state in states)


def renumbered(state: ClusterState, offset: int) -> ClusterState:
    return replace(
        state,
        id=offset,
        running=tuple(replace(r, id=r.id + offset) for r in state.running),
        pending=tuple(replace(p, id=p.id + offset) for p in state.pending),
    )


@given(overpromised, policies)
def test_a_seat_that_is_still_promised_waits_only_for_what_is_stopping(cluster, policy):
    outcome = Outcome(cluster, policy)
    stopping = any(r.stopping for r in cluster.running) or outcome.evicted
    assert stopping or outcome.plan.leftover or not outcome.seats


@given(any_cluster, policies)
def test_the_books_of_a_cycle_add_up(cluster, policy):
    outcome = Outcome(cluster, policy)
    plan = outcome.plan
    from_a_seat = [p for p in outcome.started if p.seated]
    assert plan.scheduled == len(plan.starts) - len(from_a_seat) + len(plan.seats)
    assert plan.scheduled + plan.unschedulable + len(from_a_seat) == len(cluster.pending)
    assert plan.preempted == len(plan.evictions)
    assert plan.held <= plan.unschedulable
    assert [id for id, _ in plan.reasons] == [p.id for p in in_queue_order(outcome.left)]
    assert not set(plan.starts) & set(plan.seats)
    assert set(plan.dropped_seats) <= {p.id for p in outcome.left if p.seated}


def in_queue_order(rows: list[Pending]) -> list[Pending]:
    return sorted(rows, key=lambda p: (-p.priority, p.queued_at, p.id))


@given(sound_cluster, policies, st.sampled_from(BLOCKS))
def test_a_blocked_cluster_starts_and_evicts_nothing(cluster, policy, block):
    plan = plan_of(replace(cluster, blocked=block), policy)
    assert (plan.starts, plan.seats, plan.evictions, plan.leftover) == ((), (), (), False)
    assert plan.unschedulable == len(cluster.pending)
    for id, reason in plan.reasons:
        (row,) = (p for p in cluster.pending if p.id == id)
        assert reason is (row.hold or block)
    if block is not Reason.CLUSTER_OVERCOMMITTED:
        assert set(plan.dropped_seats) == {p.id for p in cluster.pending if p.seated}
