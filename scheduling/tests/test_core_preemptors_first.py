"""Planning by least lost work, in single cases: who is placed, who makes room, what is never destroyed."""

from dataclasses import replace

from scheduling.core.order import SECOND
from scheduling.core.policy import LEAST_WASTE, Policy, VictimOrder
from scheduling.core.reasons import Reason
from scheduling.tests.core_cases import HIGH, LOW, MEDIUM, cluster, evicted, plan_of, runs, waits

NOW = 100 * SECOND
MIDDLE_TOO = replace(LEAST_WASTE, may_preempt={HIGH: frozenset({LOW, MEDIUM}), MEDIUM: frozenset({LOW})})


def plan(total, *, policy: Policy = LEAST_WASTE, left: int | None = None, **rows):
    return plan_of(replace(cluster(total, **rows), policy=policy, now=NOW, evictions_left=left))


def test_the_run_that_loses_the_least_work_goes_and_not_the_oldest():
    running = [runs(1, 4, since=0), runs(2, 4, since=90 * SECOND)]
    assert evicted(plan(8, running=running, pending=[waits(3, 4, HIGH)])) == [(2, 3)]


def test_work_is_lost_since_the_last_checkpoint():
    running = [replace(runs(1, 4, since=0), saved_at=99 * SECOND), runs(2, 4, since=90 * SECOND)]
    assert evicted(plan(8, running=running, pending=[waits(3, 4, HIGH)])) == [(1, 3)]


def test_a_lower_priority_goes_first_whatever_it_loses():
    running = [runs(1, 4, LOW, since=0), runs(2, 4, MEDIUM, since=99 * SECOND)]
    assert evicted(plan(8, running=running, pending=[waits(3, 4, HIGH)])) == [(1, 3)]


def test_where_lost_work_alone_counts_a_medium_goes_before_a_low_one_that_would_lose_more():
    running = [runs(1, 4, LOW, since=0), runs(2, 4, MEDIUM, since=99 * SECOND)]
    policy = replace(LEAST_WASTE, lower_priority_first=False)
    assert evicted(plan(8, policy=policy, running=running, pending=[waits(3, 4, HIGH)])) == [(2, 3)]


def test_free_room_is_spent_before_anybody_lower_may_start_in_it():
    plan_ = plan(8, running=[runs(1, 4)], pending=[waits(2, 4, MEDIUM), waits(3, 4, HIGH, since=5)])
    assert (plan_.starts, plan_.evictions) == ((3,), ())


def test_a_later_preemptor_never_takes_the_room_of_an_earlier_one_that_could_be_seated():
    plan_ = plan(8, running=[runs(1, 6)], pending=[waits(2, 8, HIGH), waits(3, 2, HIGH, since=5)])
    assert (plan_.starts, plan_.seats, evicted(plan_)) == ((), (2,), [(1, 2)])


def test_a_later_preemptor_starts_at_once_in_free_room_that_the_earlier_one_can_do_without():
    plan_ = plan(12, running=[runs(1, 8)], pending=[waits(2, 8, HIGH), waits(3, 4, HIGH, since=5)])
    assert (plan_.starts, plan_.seats, evicted(plan_)) == ((3,), (2,), [(1, 2)])


def test_one_large_victim_serves_two_preemptors_where_that_loses_less_than_two():
    running = [runs(1, 2, since=60 * SECOND), runs(2, 2, since=60 * SECOND), runs(3, 4, since=90 * SECOND)]
    plan_ = plan(8, running=running, pending=[waits(4, 2, HIGH), waits(5, 2, HIGH)])
    assert [victim for victim, _ in evicted(plan_)] == [3]
    assert plan_.seats == (4, 5)


def test_a_preemptor_that_nobodys_going_would_help_takes_nothing_and_evicts_nobody():
    plan_ = plan(8, running=[runs(1, 4, LOW), runs(2, 4, HIGH)], pending=[waits(3, 6, HIGH)])
    assert (plan_.seats, plan_.evictions) == ((), ())
    assert plan_.reasons == ((3, Reason.INSUFFICIENT_CAPACITY),)


def test_what_is_stopping_counts_before_anybody_is_evicted():
    plan_ = plan(8, running=[runs(1, 4, stopping=True), runs(2, 4)], pending=[waits(3, 4, HIGH)])
    assert (plan_.seats, plan_.evictions) == ((3,), ())


def test_who_waits_for_nobody_but_was_promised_the_room_is_not_passed():
    pending = [waits(3, 8, HIGH, seated=True), waits(4, 2, HIGH, since=9)]
    running = [runs(1, 6, HIGH, stopping=True)]
    plan_ = plan(8, running=running, pending=pending)
    assert plan_.starts == ()
    assert dict(plan_.reasons)[4] is Reason.RESERVED_FOR_OTHERS


def test_a_victim_of_a_higher_group_is_given_back_when_a_later_groups_victim_frees_enough():
    running = [runs(1, 4, since=60 * SECOND), runs(2, 5, since=0)]
    pending = [waits(3, 4, HIGH), waits(4, 1, MEDIUM)]
    plan_ = plan(9, policy=MIDDLE_TOO, running=running, pending=pending)
    assert sorted(victim for victim, _ in evicted(plan_)) == [2]
    assert plan_.seats == (3, 4)


def test_a_run_younger_than_the_minimum_is_no_victim():
    policy = replace(LEAST_WASTE, minimum_run_seconds=30)
    running = [runs(1, 4, since=0), runs(2, 4, since=90 * SECOND)]
    assert evicted(plan(8, policy=policy, running=running, pending=[waits(3, 4, HIGH)])) == [(1, 3)]


def test_a_deployment_that_was_preempted_often_enough_is_no_victim():
    policy = replace(LEAST_WASTE, most_evictions=2)
    running = [runs(1, 4, since=0), replace(runs(2, 4, since=90 * SECOND), evictions=2)]
    assert evicted(plan(8, policy=policy, running=running, pending=[waits(3, 4, HIGH)])) == [(1, 3)]


def test_no_more_are_evicted_than_the_policy_has_left():
    running = [runs(n, 1, since=n) for n in range(1, 5)]
    pending = [waits(5, 2, HIGH), waits(6, 1, HIGH, since=1), waits(7, 1, HIGH, since=2)]
    plan_ = plan(4, left=3, running=running, pending=pending)
    assert (plan_.seats, len(plan_.evictions)) == ((5, 6), 3)


def test_a_policy_that_lets_the_middle_preempt_but_not_the_highest_serves_the_highest_first():
    policy = Policy(victim_order=VictimOrder.LEAST_LOST_WORK, may_preempt={MEDIUM: frozenset({LOW})})
    pending = [waits(2, 2, HIGH), waits(3, 2, MEDIUM)]
    plan_ = plan(4, policy=policy, running=[runs(1, 2)], pending=pending)
    assert (plan_.starts, plan_.seats, evicted(plan_)) == ((2,), (3,), [(1, 3)])
