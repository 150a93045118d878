"""Phase 1 and phase 2 in single cases: who starts, who makes room, who is given back."""

import pytest

from scheduling.core.decide import decide
from scheduling.core.policy import Policy
from scheduling.core.state import Snapshot
from scheduling.tests.core_cases import CHAIN, HIGH, LOW, MEDIUM, cluster, evicted, plan_of, runs, waits


def test_what_fits_starts_in_queue_order_by_priority_then_time_then_id():
    pending = [waits(1, 1, LOW), waits(2, 1, MEDIUM, since=9), waits(4, 1, MEDIUM), waits(3, 1, MEDIUM)]
    assert plan_of(cluster(3, pending=pending)).starts == (3, 4, 2)


def test_a_small_one_starts_past_a_large_one_that_does_not_fit():
    plan = plan_of(cluster(4, running=[runs(9, 2)], pending=[waits(1, 3), waits(2, 2, since=5)]))
    assert plan.starts == (2,)


def test_every_resource_must_fit():
    pending = [waits(1, (1, 9, 1)), waits(2, (1, 1, 9)), waits(3, (1, 4, 4))]
    plan = plan_of(cluster((8, 10, 10), running=[runs(9, (1, 5, 5))], pending=pending))
    assert plan.starts == (3,)


def test_a_need_of_nothing_starts_in_a_full_cluster_and_evicts_nobody():
    plan = plan_of(
        cluster((4, 4), running=[runs(9, (4, 4))], pending=[waits(1, (0, 0)), waits(2, (0, 0), HIGH)])
    )
    assert plan.starts == (2, 1)
    assert plan.evictions == ()


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_amounts_may_have_any_number_of_resources(width):
    full = runs(9, (4,) * width)
    plan = plan_of(cluster((4,) * width, running=[full], pending=[waits(1, (2,) * width, HIGH)]))
    assert evicted(plan) == [(9, 1)]


def test_preemption_takes_the_oldest_lowest_one_only():
    running = [
        runs(1, 2, MEDIUM, since=0),
        runs(2, 2, LOW, since=5),
        runs(3, 2, LOW, since=3),
        runs(4, 2, HIGH, since=1),
    ]
    plan = plan_of(cluster(8, running=running, pending=[waits(9, 2, HIGH)]))
    assert evicted(plan) == [(3, 9)]
    assert plan.seats == (9,)
    assert plan.starts == ()


def test_runs_that_started_together_are_chosen_by_id():
    plan = plan_of(cluster(4, running=[runs(2, 2), runs(1, 2)], pending=[waits(9, 2, HIGH)]))
    assert evicted(plan) == [(1, 9)]


@pytest.mark.parametrize("priority", [LOW, MEDIUM])
def test_only_those_whom_the_policy_names_preempt(priority):
    plan = plan_of(cluster(4, running=[runs(1, 4)], pending=[waits(9, 4, priority)]))
    assert plan.evictions == ()
    assert plan.seats == ()


def test_another_policy_lets_the_middle_preempt_the_lowest():
    state = cluster(4, running=[runs(1, 2, MEDIUM), runs(2, 2, LOW, since=5)], pending=[waits(9, 2, MEDIUM)])
    assert evicted(plan_of(state, CHAIN)) == [(2, 9)]


def test_equal_priority_is_never_evicted_even_if_the_policy_names_it():
    state = cluster(4, running=[runs(1, 4, HIGH)], pending=[waits(9, 4, HIGH)])
    assert plan_of(state, Policy(may_preempt={HIGH: frozenset({HIGH})})).evictions == ()


def test_nobody_is_evicted_if_even_all_together_would_not_make_room():
    plan = plan_of(cluster(8, running=[runs(1, 3), runs(2, 5, HIGH)], pending=[waits(9, 4, HIGH)]))
    assert plan.evictions == ()
    assert plan.seats == ()


def test_victims_whose_going_is_not_needed_are_given_back_in_reverse_order():
    # 1 and 2 are chosen before 3; with 3 gone, 2 and then 1 can stay.
    running = [runs(1, 1, since=1), runs(2, 1, since=2), runs(3, 6, since=3)]
    plan = plan_of(cluster(8, running=running, pending=[waits(9, 6, HIGH)]))
    assert evicted(plan) == [(3, 9)]


def test_the_give_back_keeps_what_was_chosen_first():
    running = [runs(1, 2, since=1), runs(2, 3, since=2)]
    plan = plan_of(cluster(6, running=running, pending=[waits(9, 3, HIGH)]))
    # One is free: 1 alone makes three, 2 was never needed.
    assert evicted(plan) == [(1, 9)]


def test_what_one_preemptor_gives_back_the_next_one_may_choose():
    running = [runs(1, 1, since=1), runs(2, 1, since=2), runs(3, 6, since=3)]
    plan = plan_of(cluster(8, running=running, pending=[waits(8, 6, HIGH), waits(9, 1, HIGH, since=1)]))
    assert evicted(plan) == [(3, 8), (1, 9)]


def test_one_that_holds_nothing_of_what_is_missing_is_left_alone():
    running = [runs(1, (0, 4), since=1), runs(2, (4, 0), since=2)]
    plan = plan_of(cluster((4, 8), running=running, pending=[waits(9, (4, 1), HIGH)]))
    assert evicted(plan) == [(2, 9)]


def test_a_start_of_this_cycle_is_withdrawn_and_not_counted_as_preempted():
    pending = [waits(1, (0, 1), LOW), waits(2, (0, 3), HIGH, since=2)]
    plan = plan_of(cluster((4, 3), running=[runs(9, (4, 1), MEDIUM)], pending=pending))
    assert plan.starts == ()
    assert plan.seats == (2,)
    assert evicted(plan) == [(9, 2)]
    assert (plan.scheduled, plan.preempted, plan.unschedulable) == (1, 1, 1)


def test_of_one_priority_the_last_start_in_the_queue_goes_first_and_then_the_runs():
    # 3, 2 and 8 are chosen in this order; of them 2 is given back.
    pending = [waits(1, 4, HIGH), waits(2, 1, LOW), waits(3, 1, LOW, since=5)]
    plan = plan_of(cluster(5, running=[runs(8, 3, LOW)], pending=pending))
    assert plan.starts == (2,)
    assert evicted(plan) == [(8, 1)]


def test_a_preemptor_that_needs_withdrawals_alone_starts_at_once():
    # 1 has 7 evicted and leaves one unit of that; with the unit of 3, which had started, 2 has its two.
    running = [runs(6, 2, HIGH, stopping=True), runs(7, 5, LOW)]
    pending = [
        waits(5, 5, HIGH, seated=True),
        waits(1, 4, HIGH),
        waits(2, 2, HIGH, since=1),
        waits(3, 1, LOW),
    ]
    plan = plan_of(cluster(11, running=running, pending=pending))
    assert plan.starts == (2,)
    assert plan.seats == (1,)
    assert evicted(plan) == [(7, 1)]


def test_a_larger_victim_of_a_later_preemptor_gives_the_earlier_ones_back():
    running = [runs(11, 2, since=1), runs(12, 2, since=2), runs(13, 6, since=3)]
    pending = [waits(1, 3, HIGH), waits(2, 3, HIGH, since=1)]
    plan = plan_of(cluster(10, running=running, pending=pending))
    assert evicted(plan) == [(13, 2)]
    assert plan.seats == (1, 2)


def test_a_withdrawn_start_is_given_back_when_a_later_victim_makes_it_needless():
    running = [runs(18, (1, 4), MEDIUM, since=4), runs(19, (3, 0), MEDIUM, since=3)]
    pending = [
        waits(1, (0, 3), HIGH, since=3),
        waits(2, (3, 1), HIGH, since=2),
        waits(3, (1, 1), LOW, since=1),
    ]
    without_1 = plan_of(cluster((5, 5), running=running, pending=pending[1:]))
    assert without_1.starts == ()
    plan = plan_of(cluster((5, 5), running=running, pending=pending))
    assert plan.starts == (3,)
    assert plan.seats == (2, 1)
    assert evicted(plan) == [(19, 2), (18, 1)]


def test_one_withdrawn_for_a_higher_one_may_be_placed_again_in_its_own_right_and_only_once():
    # 1 withdraws 2; 3 then has 19 evicted, whose room lets 2 start after all, after 5 in order of decision.
    running = [runs(18, (1, 0), MEDIUM, stopping=True), runs(19, (6, 0), MEDIUM)]
    pending = [
        waits(1, (3, 0), HIGH),
        waits(3, (3, 0), HIGH, since=1),
        waits(2, (1, 0), MEDIUM),
        waits(5, (0, 1), LOW),
    ]
    plan = plan_of(cluster((9, 1), running=running, pending=pending), CHAIN)
    assert plan.starts == (5, 2)
    assert plan.seats == (1, 3)
    assert evicted(plan) == [(19, 3)]


def test_a_victim_makes_room_for_one_preemptor_only():
    pending = [waits(8, 2, HIGH), waits(9, 2, HIGH, since=1)]
    plan = plan_of(cluster(3, running=[runs(1, 2), runs(2, 1)], pending=pending))
    assert plan.seats == (8,)
    assert evicted(plan) == [(1, 8)]


def test_a_withdrawn_start_does_not_come_back_into_room_that_is_only_being_freed():
    # 3 starts in the room from which 4 was withdrawn; what 2 leaves of its victim is not free before it ends.
    running = [
        runs(21, 4, stopping=True),
        runs(22, 12, since=1),
        runs(23, 12, since=2),
    ]
    pending = [
        waits(1, 8, HIGH, seated=True),
        waits(2, 8, HIGH, since=1),
        waits(3, 5, HIGH, since=2),
        waits(5, 8, HIGH, since=3),
        waits(4, 1, LOW),
    ]
    plan = plan_of(cluster(33, running=running, pending=pending))
    assert plan.starts == (3,)
    assert plan.seats == (2, 5)
    assert evicted(plan) == [(22, 2), (23, 5)]


def test_clusters_are_planned_side_by_side_and_do_not_lend_each_other_room():
    states = (
        cluster(2, pending=[waits(1, 3), waits(2, 2)], id_=7),
        cluster(9, id_=3),
        cluster(4, running=[runs(3, 4)], pending=[waits(4, 4, HIGH)], id_=5),
    )
    plans = decide(Snapshot.of(states)).clusters
    assert [plan.cluster_id for plan in plans] == [7, 3, 5]
    assert plans == tuple(plan_of(state) for state in states)
    assert [plan.starts for plan in plans] == [(2,), (), ()]
    assert evicted(plans[2]) == [(3, 4)]


def test_the_order_of_rows_does_not_matter():
    running = [runs(11, 2, since=1), runs(12, 2, since=1), runs(13, 2, MEDIUM, since=0)]
    pending = [waits(1, 3, HIGH), waits(2, 2), waits(3, 2), waits(4, 1, HIGH)]
    one_way = cluster(7, running=running, pending=pending)
    other_way = cluster(7, running=running[::-1], pending=pending[::-1])
    assert plan_of(one_way) == plan_of(other_way)
