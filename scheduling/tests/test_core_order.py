"""The order of a queue by its policy: shares, lengths, ageing, and the room kept for the longest waiting one."""

from dataclasses import replace

from scheduling.core.order import SECOND, queue_order
from scheduling.core.policy import LEAST_WASTE, TWO_PHASE, Policy
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterState, Pending, Running
from scheduling.tests.core_cases import HIGH, LOW, MEDIUM, cluster, plan_of, runs, waits

HOUR = 3600 * SECOND
NOW = 1000 * HOUR
LAB, SHOP = 1, 2
ALICE, BOB = 11, 12
BY_ORGANIZATION = replace(LEAST_WASTE, organization_shares=True)
BY_USER = replace(LEAST_WASTE, user_shares=True)
SHORTEST = replace(LEAST_WASTE, shortest_first=True)
RESERVING = replace(LEAST_WASTE, reservation_after_seconds=3600)


def of(row: Pending, organization: int = LAB, user: int = ALICE, hours: float | None = None) -> Pending:
    expected = None if hours is None else int(hours * HOUR)
    return replace(row, organization=organization, user=user, expected=expected)


def running(row: Running, organization: int = LAB, user: int = ALICE, hours: float | None = None) -> Running:
    expected = None if hours is None else int(hours * HOUR)
    return replace(row, organization=organization, user=user, expected=expected)


def state(total, policy: Policy, **rows) -> ClusterState:
    return replace(cluster(total, **rows), policy=policy, now=NOW)


def test_the_organization_that_holds_less_goes_first_and_each_start_counts():
    pending = [of(waits(n, 1, since=n), LAB) for n in (1, 2, 3)] + [of(waits(4, 1, since=9), SHOP)]
    assert plan_of(state(2, BY_ORGANIZATION, pending=pending)).starts == (1, 4)


def test_a_share_is_the_largest_part_of_any_resource():
    held = [running(runs(8, (1, 6)), LAB), running(runs(9, (3, 1)), SHOP)]
    pending = [of(waits(1, (1, 1)), LAB), of(waits(2, (1, 1), since=5), SHOP)]
    assert plan_of(state((10, 10), BY_ORGANIZATION, running=held, pending=pending)).starts == (2, 1)


def test_a_weight_of_two_makes_a_share_count_half():
    held = [running(runs(8, 4), LAB), running(runs(9, 3), SHOP)]
    pending = [of(waits(1, 1, since=5), LAB), of(waits(2, 1), SHOP)]
    weighted = replace(state(10, BY_ORGANIZATION, running=held, pending=pending), weights={LAB: 2})
    assert plan_of(weighted).starts == (1, 2)


def test_within_an_organization_the_user_who_holds_less_goes_first():
    pending = [of(waits(n, 1, since=n), user=ALICE) for n in (1, 2)] + [of(waits(3, 1, since=9), user=BOB)]
    assert plan_of(state(2, BY_USER, pending=pending)).starts == (1, 3)


def test_a_priority_goes_before_any_share():
    held = [running(runs(9, 5), LAB)]
    pending = [of(waits(1, 1, MEDIUM), LAB), of(waits(2, 1, LOW), SHOP)]
    assert plan_of(state(6, BY_ORGANIZATION, running=held, pending=pending)).starts == (1,)


def test_what_is_stopping_counts_in_nobodys_share():
    held = [running(runs(9, 5, stopping=True), LAB), running(runs(8, 1), SHOP)]
    pending = [of(waits(1, 1, since=5), LAB), of(waits(2, 1), SHOP)]
    assert plan_of(state(7, BY_ORGANIZATION, running=held, pending=pending)).starts == (1,)


def test_the_shortest_goes_first_and_one_of_unknown_length_last():
    pending = [of(waits(1, 1), hours=None), of(waits(2, 1), hours=5), of(waits(3, 1), hours=1)]
    assert plan_of(state(2, SHORTEST, pending=pending)).starts == (3, 2)


def test_ageing_moves_one_up_and_does_not_let_it_preempt():
    ageing = replace(TWO_PHASE, ageing_seconds=3600)
    pending = [waits(1, 2, LOW, since=NOW - 3 * HOUR), waits(2, 2, MEDIUM, since=NOW)]
    assert plan_of(state(2, ageing, pending=pending)).starts == (1,)
    assert plan_of(state(2, ageing, running=[runs(9, 2)], pending=pending[:1])).evictions == ()


def test_the_queue_is_listed_as_the_policy_ranks_it():
    pending = [of(waits(1, 1), LAB), of(waits(2, 1, since=5), SHOP), of(waits(3, 1, HIGH, since=9), LAB)]
    held = [running(runs(9, 5), LAB)]
    assert [one.id for one in queue_order(state(5, BY_ORGANIZATION, running=held, pending=pending))] == [
        3,
        2,
        1,
    ]
    assert [one.id for one in queue_order(state(5, TWO_PHASE, running=held, pending=pending))] == [3, 1, 2]


def late(id_: int, need: int, **fields) -> Pending:
    return of(waits(id_, need, since=NOW - 2 * HOUR), **fields)


def test_room_is_kept_for_one_that_has_waited_too_long():
    held = [running(runs(9, 6, since=NOW - HOUR), hours=2)]
    pending = [late(1, 8), of(waits(2, 2, since=NOW), hours=5)]
    plan = plan_of(state(8, RESERVING, running=held, pending=pending))
    assert plan.starts == ()
    assert dict(plan.reasons) == {1: Reason.INSUFFICIENT_CAPACITY, 2: Reason.RESERVED_FOR_OTHERS}
    assert not plan.leftover


def test_one_that_ends_before_the_reserved_one_can_start_passes_it():
    held = [running(runs(9, 6, since=NOW - HOUR), hours=2)]
    pending = [late(1, 8), of(waits(2, 2, since=NOW), hours=1)]
    assert plan_of(state(8, RESERVING, running=held, pending=pending)).starts == (2,)


def test_one_that_needs_only_what_is_left_beside_the_reserved_one_passes_it():
    held = [running(runs(9, 6, since=NOW - HOUR), hours=2)]
    pending = [late(1, 7), of(waits(2, 1, since=NOW), hours=50), of(waits(3, 1, since=NOW), hours=50)]
    assert plan_of(state(8, RESERVING, running=held, pending=pending)).starts == (2,)


def test_the_one_that_has_waited_too_long_starts_before_all_others_once_it_fits():
    pending = [late(1, 2), of(waits(2, 2, MEDIUM, since=NOW))]
    assert plan_of(state(2, RESERVING, pending=pending)).starts == (1,)


def test_a_run_past_its_expectation_counts_as_twice_its_age():
    held = [running(runs(9, 6, since=NOW - 3 * HOUR), hours=1)]
    pending = [late(1, 8), of(waits(2, 2, since=NOW), hours=3), of(waits(3, 2, since=NOW), hours=4)]
    assert plan_of(state(8, RESERVING, running=held, pending=pending)).starts == (2,)


def test_a_reservation_keeps_no_preemptor_from_its_room():
    held = [running(runs(9, 6, since=NOW - HOUR), hours=2)]
    pending = [late(1, 8), of(waits(2, 2, HIGH, since=NOW))]
    assert plan_of(state(8, RESERVING, running=held, pending=pending)).starts == (2,)


def test_ageing_never_lifts_one_among_those_who_may_preempt():
    ageing = replace(LEAST_WASTE, ageing_seconds=3600)
    pending = [waits(1, 2, LOW, since=NOW - 30 * HOUR), waits(2, 2, HIGH, since=NOW), waits(3, 2, MEDIUM)]
    assert plan_of(state(4, ageing, pending=pending)).starts == (2, 3)


def test_shares_within_one_band_stand_equal():
    banded = replace(BY_ORGANIZATION, share_band_percent=50)
    held = [running(runs(8, 4), LAB), running(runs(9, 1), SHOP)]
    pending = [of(waits(1, 1), LAB), of(waits(2, 1, since=5), SHOP)]
    assert plan_of(state(10, banded, running=held, pending=pending)).starts == (1, 2)
    assert plan_of(state(10, BY_ORGANIZATION, running=held, pending=pending)).starts == (2, 1)
