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
    assert plan.leftover, "the next cycle can start 9 at once"


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


def test_a_seat_that_a_shrunken_cluster_has_no_room_for_is_granted_anew_with_a_victim_of_its_own():
    # The engine shrank from 8 to 6 after the first victim had gone: nothing that stops could serve the seat.
    running = [runs(1, 4)]
    pending = [waits(8, 4, HIGH, seated=True), waits(2, 1)]
    plan = plan_of(cluster(6, running=running, pending=pending))
    assert evicted(plan) == [(1, 8)]
    assert (plan.starts, plan.seats, plan.dropped_seats) == ((2,), (), ())
    assert plan.reasons == ((8, Reason.WAITING_FOR_EVICTION),)
    assert (plan.scheduled, plan.unschedulable, plan.preempted) == (1, 1, 1)
    assert not plan.leftover


def test_a_seat_without_room_ends_where_nobody_can_be_evicted_and_the_idle_rest_goes_to_others():
    pending = [waits(8, 4, HIGH, seated=True), waits(2, 2)]
    plan = plan_of(cluster(6, running=[runs(1, 4, HIGH)], pending=pending))
    assert plan.starts == (2,)
    assert (plan.seats, plan.dropped_seats) == ((), (8,))
    assert plan.reasons == ((8, Reason.INSUFFICIENT_CAPACITY),)
    assert (plan.scheduled, plan.unschedulable) == (1, 1)


def test_a_slow_victim_still_counts_before_a_second_one_after_a_shrink():
    running = [runs(1, 4, stopping=True), runs(2, 2)]
    plan = plan_of(cluster(6, running=running, pending=[waits(8, 4, HIGH, seated=True)]))
    assert (plan.evictions, plan.dropped_seats) == ((), ())
    assert plan.reasons == ((8, Reason.WAITING_FOR_EVICTION),)


def test_of_two_seats_with_room_for_one_the_last_in_the_queue_ends():
    pending = [waits(7, 4, HIGH, since=2, seated=True), waits(8, 4, HIGH, since=1, seated=True)]
    plan = plan_of(cluster(6, running=[runs(1, 2, stopping=True)], pending=pending))
    assert plan.starts == (8,)
    assert plan.dropped_seats == (7,)
    assert plan.reasons == ((7, Reason.INSUFFICIENT_CAPACITY),)


def test_no_more_seats_end_than_must():
    running = [runs(1, 2, HIGH), runs(2, 4, stopping=True)]
    pending = [waits(id_, 2, HIGH, since=id_, seated=True) for id_ in (7, 8, 9)]
    plan = plan_of(cluster(6, running=running, pending=pending))
    assert plan.dropped_seats == (9,)
    assert dict(plan.reasons)[8] is Reason.WAITING_FOR_EVICTION


def test_a_seat_that_needs_nothing_of_what_lacks_stays_though_it_is_the_last_in_the_queue():
    running = [runs(1, (4, 0), HIGH), runs(2, (0, 6), stopping=True)]
    pending = [waits(8, (4, 1), HIGH, seated=True), waits(9, (0, 5), HIGH, since=1, seated=True)]
    plan = plan_of(cluster((6, 6), running=running, pending=pending))
    assert plan.dropped_seats == (8,)
    assert dict(plan.reasons)[9] is Reason.WAITING_FOR_EVICTION


def test_a_dropped_one_takes_its_turn_in_the_queue_and_its_start_is_not_counted_again():
    running = [runs(1, 3, HIGH)]
    seated = [waits(7, 4, HIGH, since=1, seated=True), waits(9, 1, HIGH, since=2, seated=True)]
    plan = plan_of(cluster(6, running=running, pending=seated))
    assert (plan.starts, plan.dropped_seats) == ((9,), (7,))
    assert (plan.scheduled, plan.unschedulable) == (0, 1)
    plan = plan_of(cluster(6, running=running, pending=[waits(6, 3, HIGH), *seated]))
    assert (plan.starts, plan.dropped_seats) == ((6,), (7, 9))
    assert (plan.scheduled, plan.unschedulable) == (1, 2)


def test_a_dropped_one_that_starts_may_be_withdrawn_for_a_higher_one_and_then_its_seat_has_ended():
    # 5 was moved down to LOW after its seat was granted.
    running = [runs(1, 2, LOW), runs(2, 2, HIGH)]
    pending = [waits(8, 4, HIGH, seated=True), waits(5, 1, LOW, seated=True)]
    plan = plan_of(cluster(6, running=running, pending=pending))
    assert evicted(plan) == [(1, 8)]
    assert (plan.starts, plan.seats, plan.dropped_seats) == ((), (), (5,))
    assert plan.reasons == ((8, Reason.WAITING_FOR_EVICTION), (5, Reason.RESERVED_FOR_OTHERS))
    assert (plan.scheduled, plan.unschedulable) == (0, 2)


def test_a_handshake_from_eviction_to_start():
    before = cluster(4, running=[runs(1, 4)], pending=[waits(9, 4, HIGH)])
    assert evicted(plan_of(before)) == [(1, 9)]
    stopping = cluster(4, running=[runs(1, 4, stopping=True)], pending=[waits(9, 4, HIGH, seated=True)])
    waiting = plan_of(stopping)
    assert (waiting.starts, waiting.seats, waiting.evictions) == ((), (), ())
    gone = cluster(4, pending=[waits(1, 4), waits(9, 4, HIGH, seated=True)])
    assert plan_of(gone).starts == (9,)
