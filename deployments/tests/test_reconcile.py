"""What a reconcile pass decides, one row a case."""

from datetime import UTC, datetime, timedelta

import pytest

from clusters.runtimes.base import Cause, Observed, Phase
from deployments.reconcile import (
    NO_IMAGE_PATIENCE,
    Delay,
    End,
    Expire,
    GiveUp,
    Kill,
    MarkRunning,
    Patience,
    Recorded,
    Remove,
    Signal,
    Start,
    reconcile,
)
from deployments.states import Status

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)
BEFORE, EARLIER = NOW - timedelta(seconds=5), NOW - timedelta(seconds=60)


def recorded(status: Status, **fields) -> Recorded:
    return Recorded(1, "run-1", status, **fields)


def seen(phase: Phase, **fields) -> Observed:
    return Observed("run-1", "handle", phase, **fields)


def ended(code: int = 0, at: datetime | None = BEFORE) -> Observed:
    return seen(Phase.ENDED, exit_code=code, ended_at=at, started_at=EARLIER)


def end(code: int = 0, *, own: bool) -> End:
    return End(1, "handle", code, EARLIER, own=own)


gone = {"exit_code": None, "started_at": None, "handle": None}
starting, running, stopping = (
    recorded(Status.STARTING),
    recorded(Status.RUNNING, running_at=EARLIER),
    recorded(Status.STOPPING),
)
signalled = recorded(Status.STOPPING, running_at=EARLIER, stop_signalled_at=BEFORE)
told = recorded(Status.STOPPING, stop_signalled_at=BEFORE, stop_delivered_at=BEFORE, grace_seconds=6)
late = recorded(Status.STOPPING, stop_signalled_at=BEFORE, stop_delivered_at=BEFORE, grace_seconds=5)
no_room = {"cause": Cause.ENGINE_FULL, "detail": "no room"}
no_image = {"cause": Cause.IMAGE_NOT_FOUND, "detail": "no image"}
PATIENT = Patience(start=timedelta(seconds=300), keep_ended=timedelta(seconds=10))
limited = recorded(Status.RUNNING, running_at=EARLIER, time_limit_seconds=60)

CASES = {
    "booked and unknown to the engine: start it": (starting, None, [Start(1)]),
    "booked, and the engine is at it: wait": (starting, seen(Phase.STARTING), []),
    "crashed between start and record: it runs, so say so": (
        starting,
        seen(Phase.RUNNING, started_at=BEFORE),
        [MarkRunning(1, "handle", BEFORE)],
    ),
    "so quick that we never saw it run": (starting, ended(), [end(own=True)]),
    "running on both sides: nothing": (running, seen(Phase.RUNNING), []),
    "a natural end": (running, ended(), [end(own=True)]),
    "a natural bad end": (running, ended(3), [end(3, own=True)]),
    "vanished while it ran: lost": (running, None, [End(1, own=True, lost=True, **gone)]),
    "gone while stopping: the stop's": (signalled, None, [End(1, own=False, **gone)]),
    "stopped before it was started: the stop's": (stopping, None, [End(1, own=False, **gone)]),
    "to stop, and never told": (stopping, seen(Phase.RUNNING), [Signal(1, "handle", first=True)]),
    "crashed between record and signal: tell it again": (
        signalled,
        seen(Phase.RUNNING),
        [Signal(1, "handle", first=False)],
    ),
    "told, and its grace is not over: wait": (told, seen(Phase.RUNNING), []),
    "told, and on its way out: wait": (told, seen(Phase.STOPPING), []),
    "told, and its grace is over: kill it": (late, seen(Phase.RUNNING), [Kill(1, "handle")]),
    "made, and never told to run: its maker may be dead, so start it": (
        starting,
        seen(Phase.CREATED),
        [Start(1)],
    ),
    "made, never run, and to stop: the stop takes it away": (
        stopping,
        seen(Phase.CREATED),
        [Signal(1, "handle", first=True)],
    ),
    "its image is being fetched: the time to start has not begun": (
        recorded(Status.STARTING, starting_since=None),
        None,
        [Start(1)],
    ),
    "a moment before its time to start is over": (
        recorded(Status.STARTING, starting_since=NOW - PATIENT.start + A_MOMENT),
        None,
        [Start(1)],
    ),
    "stuck in starting, and the engine has nothing of it": (
        recorded(Status.STARTING, starting_since=NOW - PATIENT.start, **no_room),
        None,
        [GiveUp(1, None, **no_room)],
    ),
    "stuck in starting at the engine": (
        recorded(Status.STARTING, starting_since=NOW - PATIENT.start),
        seen(Phase.STARTING),
        [GiveUp(1, "handle", None, "")],
    ),
    "late, and it runs after all": (
        recorded(Status.STARTING, starting_since=NOW - PATIENT.start),
        seen(Phase.RUNNING),
        [MarkRunning(1, "handle", None)],
    ),
    "the engine says why it does not run yet": (
        recorded(Status.STARTING, starting_since=BEFORE),
        seen(Phase.STARTING, **no_room),
        [Delay(1, **no_room)],
    ),
    "and says the same again": (
        recorded(Status.STARTING, starting_since=BEFORE, **no_room),
        seen(Phase.STARTING, **no_room),
        [],
    ),
    "an engine that pulls by itself may ask for a missing image twice, not for ever": (
        recorded(Status.STARTING, starting_since=NOW - NO_IMAGE_PATIENCE),
        seen(Phase.STARTING, **no_image),
        [GiveUp(1, "handle", **no_image)],
    ),
    "on its way out without us: our signal is still to be noted": (
        stopping,
        seen(Phase.STOPPING),
        [Signal(1, "handle", first=True)],
    ),
    "ended before we told it: its own": (stopping, ended(1), [end(1, own=True)]),
    "dated before the signal: its own": (signalled, ended(1, BEFORE - A_MOMENT), [end(1, own=True)]),
    "dated at the signal: the stop's": (signalled, ended(1, BEFORE), [end(1, own=False)]),
    "dated after the signal: the stop's": (signalled, ended(0, NOW), [end(0, own=False)]),
    "not dated: the stop's": (
        signalled,
        ended(0, None),
        [end(0, own=False), Remove("run-1", "handle", ended=True)],
    ),
    "past its time limit": (limited, seen(Phase.RUNNING), [Expire(1)]),
    "a moment before its time limit": (
        recorded(Status.RUNNING, running_at=EARLIER + A_MOMENT, time_limit_seconds=60),
        seen(Phase.RUNNING),
        [],
    ),
    "past its time limit, and ended: its own": (limited, ended(), [end(own=True)]),
    "past its time limit, and stopping already": (
        recorded(
            Status.STOPPING,
            running_at=EARLIER,
            time_limit_seconds=1,
            stop_signalled_at=BEFORE,
            stop_delivered_at=BEFORE,
            grace_seconds=60,
        ),
        seen(Phase.STOPPING),
        [],
    ),
    "a time limit counts from running, not from booking": (
        recorded(Status.STARTING, time_limit_seconds=1),
        seen(Phase.STARTING),
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_pass_decides_as_the_table_says(case):
    run, container, actions = CASES[case]
    assert reconcile([run], [container] if container else [], NOW, PATIENT) == actions


def test_a_container_that_no_live_run_owns_is_removed():
    orphan = Observed("run-2", "other", Phase.RUNNING)
    assert reconcile([running], [seen(Phase.RUNNING), orphan], NOW) == [Remove("run-2", "other")]


def test_an_ended_container_stays_for_its_log_and_goes_when_the_time_is_over():
    kept = Observed("run-2", "other", Phase.ENDED, ended_at=NOW - PATIENT.keep_ended + A_MOMENT)
    assert reconcile([], [kept], NOW, PATIENT) == []
    assert reconcile([], [kept], NOW + A_MOMENT, PATIENT) == [Remove("run-2", "other", ended=True)]


def test_an_end_that_nobody_dates_is_not_waited_for():
    undated = Observed("run-2", "other", Phase.ENDED)
    assert reconcile([], [undated], NOW, PATIENT) == [Remove("run-2", "other", ended=True)]


def test_where_nothing_is_kept_a_container_goes_with_the_end_of_its_run():
    assert reconcile([running], [ended()], NOW) == [end(own=True), Remove("run-1", "handle", ended=True)]


def test_ends_and_starts_of_many_runs_keep_the_order_of_the_books():
    runs = [Recorded(n, f"run-{n}", Status.STARTING) for n in (3, 1, 2)]
    assert reconcile(runs, [], NOW) == [Start(3), Start(1), Start(2)]


@pytest.mark.parametrize(
    ("exit_code", "cause", "at", "lost"),
    [
        (137, None, BEFORE, True),
        (143, None, BEFORE - timedelta(seconds=20), True),
        (255, None, BEFORE, True),
        (1, None, BEFORE, False),
        (0, None, BEFORE, False),
        (137, Cause.OUT_OF_MEMORY, BEFORE, False),
        (137, None, BEFORE - timedelta(seconds=40), False),
        (137, None, None, False),
    ],
)
def test_what_an_engine_cut_off_while_it_was_away_is_lost_and_not_failed(exit_code, cause, at, lost):
    container = seen(Phase.ENDED, exit_code=exit_code, ended_at=at, cause=cause)
    (found, *_) = reconcile([running], [container], NOW, PATIENT, away_since=BEFORE)
    assert (found.lost, found.own) == (lost, True)


def test_a_stop_that_an_engine_was_away_for_is_still_a_stop():
    container = seen(Phase.ENDED, exit_code=137, ended_at=NOW)
    (found, *_) = reconcile([signalled], [container], NOW, PATIENT, away_since=BEFORE)
    assert (found.lost, found.own) == (False, False)


def test_an_end_by_a_signal_is_judged_when_its_engine_has_not_gone_away_meanwhile():
    patience = Patience(keep_ended=timedelta(seconds=10), doubt=timedelta(seconds=10))
    container = seen(Phase.ENDED, exit_code=143, ended_at=BEFORE)
    assert reconcile([running], [container], NOW, patience) == []
    (found,) = reconcile([running], [container], NOW + timedelta(seconds=5), patience)[:1]
    assert (found.lost, found.own) == (False, True)
    (found,) = reconcile([running], [container], NOW, patience, away_since=NOW)[:1]
    assert found.lost


@pytest.mark.parametrize(
    ("run", "fields"),
    [
        (running, {"exit_code": 1}),
        (running, {"exit_code": 0}),
        (running, {"exit_code": 137, "cause": Cause.OUT_OF_MEMORY}),
        (signalled, {"exit_code": 143}),
    ],
)
def test_no_other_end_waits(run, fields):
    container = seen(Phase.ENDED, ended_at=NOW, **fields)
    assert isinstance(reconcile([run], [container], NOW, Patience(doubt=timedelta(seconds=10)))[0], End)
