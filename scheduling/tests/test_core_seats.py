"""Seats over several cycles: room that is promised stays promised, and costs nobody a second time."""

import pytest

from scheduling.core.reasons import Reason
from scheduling.tests.core_cases import HIGH, LOW, MEDIUM, cluster, evicted, plan_of, runs, waits


def test_a_seat_starts_as_soon_as_it_fits_and_is_not_counted_again():
    plan = plan_of(cluster(4, running=[runs(1, 2)], pending=[waits(9, 2, HIGH, seated=True)]))
    assert plan.starts == (9,)
    assert plan.seats == ()
    assert (plan.scheduled, plan.unschedulable) == (0, 0)


def test_a_seat_waits_for_its_victim_and_counts_as_unschedulable():
    state = cluster(4, running=[runs(1, 4, stopping=True)], pending=[waits(9, 4, HIGH, seated=True)])
    plan = plan_of(state)
    assert plan.reasons == ((9, Reason.WAITING_FOR_EVICTION),)
    assert (plan.starts, plan.seats) == ((), ())
    assert (plan.scheduled, plan.unschedulable) == (0, 1)


def test_a_slow_victim_never_causes_a_second_eviction():
    running = [runs(1, 4, stopping=True), runs(2, 4)]
    plan = plan_of(cluster(8, running=running, pending=[waits(9, 4, HIGH, seated=True)]))
    assert plan.evictions == ()


def test_a_seat_is_kept_against_a_small_one_that_would_fit_now():
    state = cluster(
        4, running=[runs(1, 3, stopping=True)], pending=[waits(9, 4, HIGH, seated=True), waits(2, 1, LOW)]
    )
    plan = plan_of(state)
    assert plan.starts == ()
    assert dict(plan.reasons)[2] is Reason.RESERVED_FOR_OTHERS
    assert not plan.leftover


def test_a_seat_granted_in_this_cycle_is_kept_against_those_behind_it():
    running = [runs(1, 3, MEDIUM)]
    pending = [waits(9, 4, HIGH), waits(2, 1, MEDIUM)]
    plan = plan_of(cluster(4, running=running, pending=pending))
    assert plan.starts == ()
    assert plan.seats == (9,)
    assert evicted(plan) == [(1, 9)]
    assert dict(plan.reasons) == {9: Reason.WAITING_FOR_EVICTION, 2: Reason.RESERVED_FOR_OTHERS}


def test_a_small_one_may_start_beside_a_seat_when_it_takes_nothing_from_it():
    state = cluster(
        5, running=[runs(1, 3, stopping=True)], pending=[waits(9, 4, HIGH, seated=True), waits(2, 1, LOW)]
    )
    assert plan_of(state).starts == (2,)


def test_room_that_is_being_freed_counts_first_and_gives_a_seat_without_a_victim():
    running = [runs(1, 2, stopping=True), runs(2, 2)]
    plan = plan_of(cluster(4, running=running, pending=[waits(9, 2, HIGH)]))
    assert plan.seats == (9,)
    assert plan.evictions == ()
    assert plan.scheduled == 1


def test_one_that_has_somebody_evicted_is_seated_even_where_it_would_fit_now():
    # Five are free, and promised to 8: taking two of them costs the run 2 its place.
    running = [runs(1, 2, stopping=True), runs(2, 3)]
    pending = [waits(8, 7, HIGH, seated=True), waits(9, 2, HIGH)]
    plan = plan_of(cluster(10, running=running, pending=pending))
    assert plan.starts == ()
    assert plan.seats == (9,)
    assert evicted(plan) == [(2, 9)]


def test_room_that_is_being_freed_is_promised_once():
    running = [runs(1, 2, stopping=True), runs(2, 2)]
    pending = [waits(8, 2, HIGH, seated=True), waits(9, 2, HIGH)]
    assert evicted(plan_of(cluster(4, running=running, pending=pending))) == [(2, 9)]


def test_one_that_is_no_preemptor_gets_no_seat():
    plan = plan_of(cluster(4, running=[runs(1, 4, stopping=True)], pending=[waits(9, 4, MEDIUM)]))
    assert plan.seats == ()
    assert plan.reasons == ((9, Reason.INSUFFICIENT_CAPACITY),)


def test_a_small_seat_starts_while_a_large_one_ahead_of_it_still_waits():
    running = [runs(1, 4, stopping=True)]
    pending = [waits(8, 4, HIGH, seated=True), waits(9, 2, HIGH, since=1, seated=True)]
    plan = plan_of(cluster(6, running=running, pending=pending))
    assert plan.starts == (9,)
    assert plan.reasons == ((8, Reason.WAITING_FOR_EVICTION),)


def test_seats_start_in_queue_order():
    pending = [waits(3, 1, HIGH, since=2, seated=True), waits(4, 1, HIGH, since=1, seated=True)]
    assert plan_of(cluster(4, pending=pending)).starts == (4, 3)


def test_the_start_of_a_seat_is_never_withdrawn():
    # 2 was moved down to LOW after its seat was granted.
    plan = plan_of(cluster(2, pending=[waits(1, 1, HIGH), waits(2, 2, LOW, seated=True)]))
    assert plan.starts == (2,)
    assert dict(plan.reasons) == {1: Reason.INSUFFICIENT_CAPACITY}


@pytest.mark.parametrize("hold", list(Reason))
def test_a_held_one_loses_its_seat_and_the_room_goes_to_others(hold):
    running = [runs(1, 4, stopping=True)]
    pending = [waits(8, 4, HIGH, seated=True, hold=hold), waits(9, 4, HIGH)]
    plan = plan_of(cluster(4, running=running, pending=pending))
    assert plan.dropped_seats == (8,)
    assert plan.seats == (9,)
    assert dict(plan.reasons)[8] is hold


def test_a_seat_that_the_cluster_can_never_hold_ends():
    plan = plan_of(cluster(4, pending=[waits(8, 5, HIGH, seated=True), waits(9, 4)]))
    assert plan.dropped_seats == (8,)
    assert plan.starts == (9,)
    assert plan.reasons == ((8, Reason.EXCEEDS_CLUSTER),)


def test_a_handshake_from_eviction_to_start():
    before = cluster(4, running=[runs(1, 4)], pending=[waits(9, 4, HIGH)])
    assert evicted(plan_of(before)) == [(1, 9)]
    stopping = cluster(4, running=[runs(1, 4, stopping=True)], pending=[waits(9, 4, HIGH, seated=True)])
    waiting = plan_of(stopping)
    assert (waiting.starts, waiting.seats, waiting.evictions) == ((), (), ())
    gone = cluster(4, pending=[waits(1, 4), waits(9, 4, HIGH, seated=True)])
    assert plan_of(gone).starts == (9,)
