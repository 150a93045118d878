"""What a cycle counts, and the reason that each one left pending is given."""

import pytest

from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterState
from scheduling.tests.core_cases import HIGH, LOW, MEDIUM, cluster, plan_of, runs, waits

DEPENDENCIES = (Reason.WAITING_FOR_DEPENDENCIES, Reason.DEPENDENCY_FAILED)


def busy() -> ClusterState:
    """One of each kind: a seat that starts, one that waits, starts, preemption, holds, one too large."""
    return cluster(
        12,
        running=[runs(21, 4, stopping=True), runs(22, 3, LOW, since=1), runs(23, 1, MEDIUM)],
        pending=[
            waits(1, 1, HIGH, seated=True),
            waits(2, 6, HIGH, since=1, seated=True),
            waits(3, 3, HIGH, since=2),
            waits(4, 1, MEDIUM),
            waits(5, 2, LOW),
            waits(6, 1, HIGH, hold=Reason.WAITING_FOR_DEPENDENCIES),
            waits(7, 1, HIGH, hold=Reason.DEPENDENCY_FAILED),
            waits(8, 1, HIGH, hold=Reason.WAITING_FOR_RETRY),
            waits(9, 13, HIGH),
        ],
    )


def test_everyone_pending_at_the_start_is_counted_once():
    state = busy()
    plan = plan_of(state)
    assert plan.starts == (1, 4)
    assert plan.seats == (3,)
    assert [eviction.victim for eviction in plan.evictions] == [22]
    redeemed = 1
    assert (plan.scheduled, plan.unschedulable, plan.preempted, plan.held) == (2, 6, 1, 2)
    assert plan.scheduled + plan.unschedulable + redeemed == len(state.pending)


def test_each_one_left_pending_has_one_reason_in_queue_order():
    assert plan_of(busy()).reasons == (
        (6, Reason.WAITING_FOR_DEPENDENCIES),
        (7, Reason.DEPENDENCY_FAILED),
        (8, Reason.WAITING_FOR_RETRY),
        (9, Reason.EXCEEDS_CLUSTER),
        (2, Reason.WAITING_FOR_EVICTION),
        (3, Reason.WAITING_FOR_EVICTION),
        (5, Reason.RESERVED_FOR_OTHERS),
    )


@pytest.mark.parametrize("hold", list(Reason))
def test_a_held_one_keeps_the_reason_of_its_hold_and_is_not_considered(hold):
    plan = plan_of(cluster(4, running=[runs(1, 2)], pending=[waits(9, 1, HIGH, hold=hold)]))
    assert (plan.starts, plan.seats, plan.evictions) == ((), (), ())
    assert plan.reasons == ((9, hold),)
    assert plan.unschedulable == 1
    assert plan.held == (1 if hold in DEPENDENCIES else 0)


def test_one_that_exceeds_the_cluster_in_one_resource_evicts_nobody():
    plan = plan_of(cluster((4, 4), running=[runs(1, (4, 4))], pending=[waits(9, (1, 5), HIGH)]))
    assert plan.evictions == ()
    assert plan.reasons == ((9, Reason.EXCEEDS_CLUSTER),)
    assert plan.held == 0


@pytest.mark.parametrize("blocked", [Reason.CLUSTER_PAUSED, Reason.CLUSTER_UNREACHABLE])
def test_a_blocked_cluster_starts_and_evicts_nothing_and_drops_all_seats(blocked):
    pending = [
        waits(1, 1, HIGH),
        waits(2, 1, LOW, seated=True),
        waits(3, 9, LOW),
        waits(4, 1, LOW, since=1, hold=Reason.DEPENDENCY_FAILED, seated=True),
    ]
    plan = plan_of(cluster(4, running=[runs(8, 1)], pending=pending, blocked=blocked))
    assert (plan.starts, plan.seats, plan.evictions, plan.leftover) == ((), (), (), False)
    assert plan.dropped_seats == (2, 4)
    assert dict(plan.reasons) == {1: blocked, 2: blocked, 3: blocked, 4: Reason.DEPENDENCY_FAILED}
    assert (plan.scheduled, plan.unschedulable, plan.preempted, plan.held) == (0, 4, 0, 1)


def test_an_overcommitted_cluster_keeps_its_seats_except_of_those_held():
    pending = [
        waits(1, 1, HIGH, seated=True),
        waits(2, 1, HIGH, seated=True, hold=Reason.WAITING_FOR_RETRY),
    ]
    blocked = Reason.CLUSTER_OVERCOMMITTED
    plan = plan_of(cluster(4, running=[runs(8, 6)], pending=pending, blocked=blocked))
    assert plan.starts == ()
    assert plan.dropped_seats == (2,)
    assert plan.reasons == ((1, blocked), (2, Reason.WAITING_FOR_RETRY))


def test_room_left_over_by_a_withdrawal_is_reported_for_the_next_cycle():
    # 2 starts, and is withdrawn when 1 is seated on the room of 9; the cpu it leaves would do for 3.
    pending = [waits(1, (4, 2), HIGH), waits(2, (4, 1), LOW), waits(3, (0, 1), LOW, since=1)]
    plan = plan_of(cluster((5, 5), running=[runs(9, (0, 4), LOW)], pending=pending))
    assert plan.seats == (1,)
    assert dict(plan.reasons) == {
        1: Reason.WAITING_FOR_EVICTION,
        2: Reason.RESERVED_FOR_OTHERS,
        3: Reason.INSUFFICIENT_CAPACITY,
    }
    assert plan.leftover


def test_nothing_is_left_over_when_all_that_fits_has_started():
    plan = plan_of(cluster(4, pending=[waits(1, 3), waits(2, 2, since=1)]))
    assert plan.starts == (1,)
    assert not plan.leftover


def test_an_empty_cluster_has_an_empty_plan():
    plan = plan_of(cluster(4))
    assert (plan.starts, plan.reasons, plan.unschedulable, plan.leftover) == ((), (), 0, False)


def test_a_cluster_without_any_capacity_takes_those_that_need_none():
    plan = plan_of(cluster((0, 0), pending=[waits(1, (0, 0)), waits(2, (0, 1))]))
    assert plan.starts == (1,)
    assert plan.reasons == ((2, Reason.EXCEEDS_CLUSTER),)
