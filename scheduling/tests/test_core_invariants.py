"""Each fault that a planner could have is refused, with figures, before the plan reaches the database."""

from dataclasses import replace

import pytest

from scheduling.core.decide import decide
from scheduling.core.invariants import InvariantBroken, check
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterPlan, ClusterState, Eviction, Plan, Snapshot
from scheduling.tests.core_cases import CHAIN, HIGH, LOW, MEDIUM, cluster, plan_of, runs, waits


def state() -> ClusterState:
    """1 evicts 11 and waits; 2 starts; 3 is held; 4 has a seat and starts; 5 does not fit."""
    return cluster(
        (8, 8),
        running=[runs(11, (4, 1), LOW), runs(12, (2, 1), HIGH), runs(13, (1, 1), LOW, since=9)],
        pending=[
            waits(1, (4, 1), HIGH),
            waits(2, (0, 1), LOW),
            waits(3, (0, 1), LOW, hold=Reason.WAITING_FOR_DEPENDENCIES, seated=True),
            waits(4, (0, 1), HIGH, seated=True),
            waits(5, (8, 8), LOW),
        ],
    )


def plan() -> ClusterPlan:
    return plan_of(state())


def refusal(broken: ClusterPlan, of: ClusterState | None = None) -> str:
    snapshot = Snapshot.of([of or state()])
    with pytest.raises(InvariantBroken) as caught:
        check(snapshot, Plan.of(snapshot, [broken]))
    return str(caught.value)


def test_the_sound_plan_that_the_faults_start_from_is_accepted():
    assert plan().starts == (4, 2)
    assert plan().evictions == (Eviction(11, 1),)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"starts": (4, 2, 2)}, "twice: [2]"),
        ({"starts": (4, 2, 99)}, "99 is started or seated and was not pending"),
        ({"starts": (4, 2, 3)}, "3 is started or seated, and held"),
        ({"starts": (4, 2, 5)}, "gpu: 7 held and 8 started, of 8"),
        ({"seats": (1, 5)}, "5 is given a seat and may preempt nobody"),
        ({"starts": (2,), "seats": (1, 4)}, "4 had a seat and is given another"),
        ({"dropped_seats": ()}, "drops the seats of [], should of [3]"),
        ({"dropped_seats": (3, 4)}, "drops the seats of [3, 4], should of [3]"),
        ({"evictions": (Eviction(11, 1), Eviction(11, 1))}, "evicted twice: [11]"),
        ({"evictions": (Eviction(99, 1),)}, "99 is evicted and was not running"),
        ({"evictions": (Eviction(11, 2),)}, "11 is evicted for 2, without a seat"),
        ({"evictions": (Eviction(12, 1),)}, "12 is evicted for 1, which may preempt [1, 2]"),
        ({"evictions": (Eviction(11, 1), Eviction(13, 1))}, "is evicted needlessly"),
        ({"evictions": (Eviction(13, 1),)}, "gpu: promised 2 more than the 8 there are"),
        ({"evictions": ()}, "gpu: promised 3 more than the 8 there are"),
        ({"reasons": ()}, "0 reasons for 3 still pending"),
        ({"scheduled": 3}, "counted (3, 1, 2, 1), should be (2, 1, 2, 1)"),
        ({"held": 0}, "counted (2, 1, 2, 0), should be (2, 1, 2, 1)"),
    ],
)
def test_a_fault_is_refused_with_its_figures(fault, words):
    message = refusal(replace(plan(), **fault))
    assert words in message
    assert message.startswith("cluster 1: ")


@pytest.mark.parametrize(
    ("id_", "reason"),
    [(1, Reason.INSUFFICIENT_CAPACITY), (3, Reason.DEPENDENCY_FAILED), (5, Reason.EXCEEDS_CLUSTER)],
)
def test_a_wrong_reason_is_refused(id_, reason):
    reasons = tuple((one, reason if one == id_ else given) for one, given in plan().reasons)
    assert f"{id_} waits with reason {reason}" in refusal(replace(plan(), reasons=reasons))


def test_an_action_in_a_blocked_cluster_is_refused():
    blocked = replace(state(), blocked=Reason.CLUSTER_PAUSED)
    assert "is blocked (cluster_paused) and its plan has 4 actions" in refusal(plan(), blocked)


def test_a_victim_that_is_already_stopping_is_refused():
    stopping = replace(state(), running=tuple(replace(run, stopping=True) for run in state().running))
    assert "11 is evicted and was not running" in refusal(plan(), stopping)


def test_a_victim_that_the_policy_spares_is_refused():
    state = cluster(2, running=[runs(9, 2, LOW)], pending=[waits(1, 2, MEDIUM)])
    snapshot = Snapshot.of([replace(state, policy=CHAIN)])
    chained = decide(snapshot)
    check(snapshot, chained)
    with pytest.raises(InvariantBroken, match="1 is given a seat and may preempt nobody"):
        check(Snapshot.of([state]), chained)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"pending": [waits(1, 1), waits(1, 1)]}, "2 rows in the snapshot, 1 distinct ids"),
        ({"pending": [waits(1, 1)], "running": [runs(1, 1)]}, "2 rows in the snapshot, 1 distinct ids"),
        ({"pending": [waits(1, (1, 1))]}, "deployment 1 needs (1, 1), of 1 resources"),
        ({"running": [runs(1, -1)]}, "deployment 1 needs (-1,), of 1 resources"),
    ],
)
def test_a_snapshot_that_is_no_state_at_all_is_refused(rows, words):
    assert words in refusal(plan(), cluster(9, **rows))


def test_a_plan_for_other_clusters_is_refused():
    snapshot = Snapshot.of([cluster(1, id_=2)])
    with pytest.raises(InvariantBroken, match=r"the plan is for clusters \[1\], the snapshot has \[2\]"):
        check(snapshot, Plan.of(snapshot, [plan()]))


def test_promises_that_an_engine_broke_before_this_cycle_do_not_stop_a_plan_that_grants_nothing():
    shrunk = cluster(
        3,
        running=[runs(9, 4, HIGH)],
        pending=[waits(1, 2, HIGH, seated=True), waits(2, 0, HIGH, seated=True)],
    )
    assert plan_of(shrunk).starts == (2,)


def overpromised() -> ClusterState:
    """The cluster shrank to 6: the seat of 3 goes, and is granted anew for 11; the seats of 1 and 2 stay."""
    return cluster(
        (6, 6),
        running=[runs(11, (4, 0)), runs(12, (1, 6), stopping=True)],
        pending=[
            waits(1, (1, 1), HIGH, seated=True),
            waits(2, (0, 1), HIGH, since=9, seated=True),
            waits(3, (4, 1), HIGH, since=1, seated=True),
        ],
    )


def test_the_sound_plan_that_grants_a_seat_anew_is_accepted():
    plan = plan_of(overpromised())
    assert (plan.seats, plan.dropped_seats) == ((), ())
    assert plan.evictions == (Eviction(11, 3),)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"evictions": ()}, "gpu: promised 3 more than the 6 there are"),
        ({"evictions": (Eviction(11, 1),)}, "11 is evicted for 1, without a seat"),
        ({"dropped_seats": (3,)}, "11 is evicted for 3, without a seat"),
        ({"dropped_seats": (2, 3)}, "drops the seats of [2, 3], should of [] and may of [3]"),
        ({"dropped_seats": (1,)}, "drops the seats of [1], should of [] and may of [3]"),
        ({"dropped_seats": (3, 3)}, "drops the seats of [3, 3], should of [] and may of [3]"),
        ({"seats": (3,)}, "3 had a seat and is given another"),
        ({"scheduled": 1}, "counted (1, 1, 3, 0), should be (0, 1, 3, 0)"),
    ],
)
def test_a_fault_in_granting_a_seat_anew_is_refused(fault, words):
    broken = replace(plan_of(overpromised()), **fault)
    assert words in refusal(broken, overpromised())


def test_a_seat_granted_anew_to_one_that_may_preempt_nobody_is_refused():
    low = replace(overpromised(), pending=tuple(replace(one, priority=LOW) for one in overpromised().pending))
    assert "3 is given a seat and may preempt nobody" in refusal(plan_of(overpromised()), low)


def test_a_seat_without_room_in_a_cluster_whose_runs_fill_it_must_be_given_up():
    state = cluster(6, running=[runs(9, 4, HIGH)], pending=[waits(1, 4, HIGH, seated=True)])
    kept = replace(plan_of(state), dropped_seats=(), reasons=((1, Reason.WAITING_FOR_EVICTION),))
    assert "gpu: promised 2 more than the 6 there are" in refusal(kept, state)
