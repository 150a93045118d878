"""Explain in small cases: what is told of reasons, holders, releases, single changes and the start to come."""

from dataclasses import replace

import pytest

from scheduling.core.changes import MOST, Kind
from scheduling.core.explain import MOST_PLANS, Known, explain
from scheduling.core.forecast import MOST_CYCLES, Forecast, Unknown
from scheduling.core.forks import Effect
from scheduling.core.lengths import Basis, Ends, Length, ends_of, span_of
from scheduling.core.policy import BALANCED
from scheduling.core.reasons import Reason
from scheduling.core.smaller import Askable, largest
from scheduling.core.waiting import Room, causes
from scheduling.tests.core_cases import HIGH, LOW, MEDIUM, cluster, runs, waits


def kinds(explanation):
    return [change.kind for change in explanation.changes]


def one(explanation, kind):
    (found,) = (change for change in explanation.changes if change.kind is kind)
    return found


def test_what_lacks_is_counted_against_what_is_free_and_not_promised():
    state = cluster(
        (8, 16), running=[runs(1, (4, 4)), runs(2, (3, 4), stopping=True)],
        pending=[waits(3, (3, 1), HIGH, seated=True), waits(4, (2, 2))],
    )  # fmt: skip
    room = Room.of(state, besides=4)
    assert (room.free_now, room.after) == ((1, 8), (1, 11))
    (cause,) = explain(state, 4).causes
    assert (cause.reason, cause.deficits) == (Reason.INSUFFICIENT_CAPACITY, (1, 0))


def test_a_seat_of_its_own_takes_nothing_from_it():
    state = cluster(8, running=[runs(1, 8, stopping=True)], pending=[waits(2, 8, HIGH, seated=True)])
    (cause,) = explain(state, 2).causes
    assert (cause.reason, cause.deficits) == (Reason.WAITING_FOR_EVICTION, (8,))


def test_what_fits_and_is_promised_to_another_is_reserved():
    state = cluster(
        8, running=[runs(1, 4, stopping=True)], pending=[waits(2, 8, HIGH, seated=True), waits(3, 2)]
    )
    explanation = explain(state, 3)
    (cause,) = explanation.causes
    assert (cause.reason, cause.deficits) == (Reason.RESERVED_FOR_OTHERS, (2,))
    assert [(holder.id, holder.promised) for holder in explanation.holders] == [(2, True), (1, False)]


def after(id_, need, **options):
    return waits(id_, need, hold=Reason.WAITING_FOR_DEPENDENCIES, **options)


def test_the_end_of_its_only_dependency_frees_it_and_the_room_at_once():
    state = cluster(4, running=[runs(1, 4)], pending=[after(2, 4)])
    explanation = explain(state, 2, Known(lengths={1: Length(expected=100)}, waits_on={2: {1}}))
    (change,) = explanation.changes
    assert (change.kind, change.effect, change.run, change.at) == (
        Kind.DEPENDENCIES_MET, Effect.STARTS, 1, 100,
    )  # fmt: skip
    assert explanation.forecast == Forecast(None, 100, None)


def test_one_end_is_not_enough_where_something_else_has_not_completed_either():
    state = cluster(4, running=[runs(1, 4)], pending=[after(2, 4)])
    explanation = explain(state, 2, Known(lengths={1: Length(expected=100)}, waits_on={2: {1, 99}}))
    (change,) = explanation.changes
    assert (change.kind, change.run, change.at) == (Kind.DEPENDENCIES_MET, None, None)
    assert explanation.forecast.unknown is Unknown.HELD


def test_an_end_helps_nobody_whose_retry_is_not_due_either():
    state = cluster(4, running=[runs(1, 4)], pending=[after(2, 4)])
    holds = (Reason.WAITING_FOR_DEPENDENCIES, Reason.WAITING_FOR_RETRY)
    explanation = explain(state, 2, Known(lengths={1: Length(expected=100)}, waits_on={2: {1}}, holds=holds))
    assert explanation.changes == ()
    assert explanation.forecast.unknown is Unknown.HELD


def test_who_waits_for_the_same_run_and_stands_ahead_goes_first():
    state = cluster(4, running=[runs(1, 4)], pending=[after(2, 4), after(3, 4, since=1)])
    known = Known(lengths={1: Length(expected=100), 2: Length(expected=50)}, waits_on={2: {1}, 3: {1}})
    assert kinds(explain(state, 2, known)) == [Kind.DEPENDENCIES_MET]
    behind = explain(state, 3, known)
    assert (behind.changes, behind.forecast.likely) == ((), 150)


def test_an_end_that_frees_one_ahead_does_not_start_who_is_behind():
    state = cluster(4, running=[runs(1, 4)], pending=[after(2, 4), waits(3, 4, since=1)])
    assert Kind.RUN_ENDS in kinds(explain(state, 3))
    assert Kind.RUN_ENDS not in kinds(explain(state, 3, Known(waits_on={2: {1}})))


def test_the_last_of_a_chain_starts_when_all_before_it_have_completed():
    state = cluster(4, running=[runs(1, 4)], pending=[after(2, 4), after(3, 4, since=1)])
    known = Known(lengths={1: Length(expected=100), 2: Length(expected=50)}, waits_on={2: {1}, 3: {2}})
    explanation = explain(state, 3, known)
    (change,) = explanation.changes
    assert (change.kind, change.run) == (Kind.DEPENDENCIES_MET, None)
    assert explanation.forecast.likely == 150


def test_a_preempted_dependency_frees_nobody_when_it_has_stopped():
    state = cluster(4, running=[runs(1, 4, stopping=True)], pending=[after(2, 4, since=1)])
    gone = Length(gone_by=30, comes_back=True, queued_at=0, expected=100)
    explanation = explain(state, 2, Known(lengths={1: gone}, waits_on={2: {1}}))
    (change,) = explanation.changes
    assert (change.run, change.at) == (1, None)
    assert explanation.forecast.likely == 30 + 100


def test_a_dependency_whose_end_does_not_complete_it_frees_nobody():
    state = cluster(4, running=[runs(1, 4)], pending=[after(2, 4), waits(3, 4, since=1)])
    known = Known(lengths={1: Length(expected=100, completes=False)}, waits_on={2: {1}})
    explanation = explain(state, 2, known)
    (change,) = explanation.changes
    assert (change.run, change.at) == (1, None)
    assert explanation.forecast.unknown is not None
    behind = explain(state, 3, known)
    assert (one(behind, Kind.RUN_ENDS).run, behind.forecast.likely) == (1, 100)


def test_a_dependency_elsewhere_and_too_little_room_are_both_told_and_no_single_change_helps():
    state = cluster(4, running=[runs(1, 4)], pending=[waits(2, 2, hold=Reason.WAITING_FOR_DEPENDENCIES)])
    explanation = explain(state, 2)
    assert [cause.reason for cause in explanation.causes] == [
        Reason.WAITING_FOR_DEPENDENCIES,
        Reason.INSUFFICIENT_CAPACITY,
    ]
    assert explanation.changes == ()


def test_one_that_exceeds_its_cluster_is_told_by_how_much():
    state = cluster((4, 8), pending=[waits(1, (6, 8))])
    explanation = explain(state, 1)
    assert [(cause.reason, cause.deficits) for cause in explanation.causes] == [
        (Reason.EXCEEDS_CLUSTER, (2, 0))
    ]
    assert one(explanation, Kind.ASK_FOR_LESS).amount == 4


def test_one_behind_others_that_start_now_is_told_what_they_leave():
    state = cluster(4, pending=[waits(1, 3, HIGH), waits(2, 2)])
    explanation = explain(state, 2)
    (cause,) = explanation.causes
    assert (cause.reason, cause.deficits) == (Reason.INSUFFICIENT_CAPACITY, (1,))
    assert (explanation.position, explanation.waiting) == (2, 2)


def test_the_last_cycles_word_counts_where_the_figures_explain_nothing():
    room = Room((8,), (4,), (4,))
    told = causes(need=(2,), room=room, stored=Reason.RESERVED_FOR_OTHERS)
    assert [(cause.reason, cause.deficits) for cause in told] == [(Reason.RESERVED_FOR_OTHERS, (0,))]
    assert causes(need=(2,), room=room, stored=Reason.CLUSTER_PAUSED) == ()


def test_the_place_in_the_queue_is_the_policys():
    rows = [replace(waits(1, 1, since=1), expected=9), replace(waits(2, 1, since=2), expected=5)]
    state = cluster(1, running=[runs(3, 1, HIGH)], pending=rows)
    assert explain(state, 1).position == 1
    assert explain(replace(state, policy=BALANCED), 1).position == 2


def test_of_several_runs_the_end_that_is_likely_soonest_is_told():
    state = cluster(8, running=[runs(1, 4), runs(2, 4), runs(3, 0)], pending=[waits(4, 4)])
    known = Known(lengths={1: Length(expected=900), 2: Length(expected=500), 3: Length(expected=1)})
    change = one(explain(state, 4, known), Kind.RUN_ENDS)
    assert (change.run, change.at, change.effect) == (2, 500, Effect.STARTS)


def test_a_higher_priority_names_whom_it_would_stop():
    state = cluster(8, running=[runs(1, 4), runs(2, 4, MEDIUM)], pending=[waits(3, 4)])
    change = one(explain(state, 3), Kind.ANOTHER_PRIORITY)
    assert (change.priority, change.effect, change.evicts) == (HIGH, Effect.SEAT, (1,))
    only_medium = explain(state, 3, Known(priorities=(LOW, MEDIUM)))
    assert Kind.ANOTHER_PRIORITY not in kinds(only_medium)


def test_who_would_be_evicted_anyway_is_not_put_down_to_the_change():
    state = cluster(4, running=[runs(1, 2), runs(2, 2)], pending=[waits(3, 2, HIGH), waits(4, 2, since=1)])
    change = one(explain(state, 4), Kind.ANOTHER_PRIORITY)
    assert change.evicts == (2,)


def test_a_cluster_that_would_be_overcommitted_is_not_told_to_resume():
    state = cluster(4, running=[runs(1, 6)], pending=[waits(2, 0)], blocked=Reason.CLUSTER_PAUSED)
    assert kinds(explain(state, 2)) == []
    fits = cluster(4, running=[runs(1, 4)], pending=[waits(2, 0)], blocked=Reason.CLUSTER_PAUSED)
    assert kinds(explain(fits, 2)) == [Kind.CLUSTER_READY]


def test_on_an_overcommitted_cluster_an_end_can_help():
    state = cluster(
        4, running=[runs(1, 3), runs(2, 3)], pending=[waits(3, 1)], blocked=Reason.CLUSTER_OVERCOMMITTED
    )
    assert one(explain(state, 3), Kind.RUN_ENDS).run == 1


def test_every_kind_has_its_place_among_the_five():
    state = cluster((8, 8, 8), running=[runs(1, (7, 7, 7))], pending=[waits(2, (2, 1, 1))])
    explanation = explain(state, 2, Known(others=[cluster((8, 8, 8), id_=n) for n in range(2, 9)]))
    assert len(explanation.changes) == MOST
    assert set(kinds(explanation)) == {
        Kind.RUN_ENDS, Kind.ASK_FOR_LESS, Kind.ANOTHER_CLUSTER, Kind.ANOTHER_PRIORITY,
    }  # fmt: skip


def test_the_cheapest_change_comes_first():
    state = cluster(8, running=[runs(1, 7)], pending=[waits(2, 2)])
    known = Known(lengths={1: Length(expected=100)}, others=[cluster(8, id_=2)])
    assert kinds(explain(state, 2, known)) == [
        Kind.RUN_ENDS, Kind.ASK_FOR_LESS, Kind.ANOTHER_CLUSTER, Kind.ANOTHER_PRIORITY,
    ]  # fmt: skip
    assert kinds(explain(state, 2))[-1] is Kind.RUN_ENDS


def test_the_work_is_bounded_by_counts():
    state = cluster(
        (10**6, 10**6, 10**6),
        running=[runs(n, (n, n, n)) for n in range(1, 400)],
        pending=[waits(1000, (10**6, 10**6, 10**6), MEDIUM), *(waits(n, (10**6, 1, 1)) for n in range(1001, 1100))],
    )  # fmt: skip
    assert explain(state, 1000).plans <= 1 + MOST_PLANS + 3 * MOST_CYCLES


@pytest.mark.parametrize(
    ("works", "found"),
    [
        (lambda amount: amount <= 37, 37),
        (lambda amount: amount == 0, 0),
        (lambda amount: False, None),
        (lambda amount: amount <= 10 or 70 <= amount <= 80, 80),
    ],
)
def test_the_largest_amount_that_works_is_found_also_where_less_is_not_always_better(works, found):
    assert largest(works, below=100, askable=Askable(), probes=[25, 50, 75]) == found


def test_only_what_may_be_asked_for_is_tried():
    tens = Askable(least=20, floor=lambda amount: amount // 10 * 10)
    assert largest(lambda amount: amount <= 37, below=100, askable=tens) == 30
    assert largest(lambda amount: amount <= 17, below=100, askable=tens) is None
    assert largest(lambda amount: True, below=20, askable=tens) is None


def test_an_end_is_told_from_what_was_declared_and_twice_its_age_when_it_is_past_that():
    run = runs(1, 1, since=100)
    assert ends_of(run, Length(expected=50), 120) == Ends(None, 150, None, Basis.EXPECTED)
    assert ends_of(run, Length(expected=50), 180).likely == 260
    limited = Length(expected=50, limit=100, running_since=100, grace=7)
    assert (ends_of(run, limited, 180).likely, ends_of(run, limited, 180).latest) == (207, 207)
    assert ends_of(run, Length(limit=100), 120) == Ends(basis=Basis.TIME_LIMIT)
    assert ends_of(run, Length(), 120) == Ends()


def test_a_measured_length_counts_only_those_that_took_longer_than_it_has():
    past = (10, 20, 30, 40, 50)
    assert span_of(Length(past=past)) == Ends(10, 30, 50, Basis.HISTORY)
    assert span_of(Length(past=past), age=25) == Ends(30, 40, 50, Basis.HISTORY)
    assert span_of(Length(past=past), age=60) == Ends(None, 120, None, Basis.HISTORY)
    assert span_of(Length(past=past[:4])) == Ends()


def test_what_is_stopping_is_gone_when_its_grace_ends():
    run = runs(1, 1, stopping=True)
    assert ends_of(run, Length(gone_by=130), 100) == Ends(100, 130, 130, Basis.STOPPING)
    assert ends_of(run, Length(gone_by=90), 100) == Ends(100, 100, None, Basis.STOPPING)


def foretold(state, id_, **lengths):
    return explain(
        state, id_, Known(lengths={int(key[1:]): value for key, value in lengths.items()})
    ).forecast


def test_the_start_counts_those_ahead_in_the_queue():
    state = cluster(4, running=[runs(1, 4)], pending=[waits(2, 4, since=1), waits(3, 4, since=2)])
    told = foretold(state, 3, _1=Length(expected=100), _2=Length(expected=50))
    assert told == Forecast(None, 150, None)
    assert foretold(state, 3, _1=Length(expected=100)).unknown is Unknown.ENDS


def test_a_bound_is_told_where_only_limits_are_known():
    state = cluster(4, running=[runs(1, 4)], pending=[waits(2, 4)])
    assert foretold(state, 2, _1=Length(limit=90, running_since=10)) == Forecast(None, None, 100)


def test_a_range_is_told_where_the_like_was_measured():
    state = cluster(4, running=[runs(1, 4)], pending=[waits(2, 4)])
    assert foretold(state, 2, _1=Length(past=(10, 20, 30, 40, 50))) == Forecast(10, 30, 50)


def test_a_preemptor_starts_when_its_victims_grace_is_over_and_a_victim_when_its_place_comes_again():
    state = cluster(4, running=[runs(1, 4)], pending=[waits(2, 4, HIGH, since=9)])
    assert foretold(state, 2, _1=Length(grace=30)) == Forecast(0, 30, 30)
    behind = cluster(4, running=[runs(1, 4)], pending=[waits(2, 4, HIGH), waits(3, 4, since=9)])
    told = foretold(
        behind,
        3,
        _1=Length(expected=40, grace=30, queued_at=1),
        _2=Length(expected=100),
        _3=Length(expected=1),
    )
    assert told.likely == 30 + 100 + 40


def test_what_starts_in_the_next_cycle_starts_now():
    state = replace(cluster(4, pending=[waits(1, 4)]), now=77)
    explanation = explain(state, 1)
    assert (explanation.next_cycle, explanation.changes) == (Effect.STARTS, ())
    assert explanation.forecast == Forecast(77, 77, 77)


@pytest.mark.parametrize(
    ("state", "unknown"),
    [
        (cluster(4, pending=[waits(1, 1, hold=Reason.WAITING_FOR_RETRY)]), Unknown.HELD),
        (cluster(4, pending=[waits(1, 1)], blocked=Reason.CLUSTER_PAUSED), Unknown.CLUSTER),
        (cluster(4, pending=[waits(1, 5)]), Unknown.NEVER),
    ],
)
def test_why_no_start_is_known_is_told(state, unknown):
    assert explain(state, 1).forecast == Forecast(unknown=unknown)


def test_to_one_that_gets_a_seat_anyway_only_a_start_is_worth_telling():
    state = cluster(8, running=[runs(1, 4), runs(2, 3, HIGH)], pending=[waits(3, 4, HIGH)])
    explanation = explain(state, 3)
    assert explanation.next_cycle is Effect.SEAT
    assert {change.effect for change in explanation.changes} == {Effect.STARTS}
    assert one(explanation, Kind.ASK_FOR_LESS).amount == 1
