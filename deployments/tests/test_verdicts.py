"""How an end is judged, one row a case."""

import pytest

from deployments.models import Outcome, RestartPolicy, StopCause
from deployments.states import Status
from deployments.verdicts import MOST_LOSSES, STEADY_SECONDS, Ended, Failure, Verdict, judge

OWN = {"own": True}
OF_THE_STOP = {"own": False}
ON_FAILURE = {"restart_policy": RestartPolicy.ON_FAILURE, "max_retries": 3}
ALWAYS = {"restart_policy": RestartPolicy.ALWAYS, "max_retries": 3}
USER, PREEMPTION, TIME_LIMIT = StopCause.USER, StopCause.PREEMPTION, StopCause.TIME_LIMIT

completed = Verdict(Status.COMPLETED, Outcome.COMPLETED)
failed = Verdict(Status.FAILED, Outcome.FAILED, Failure.EXITED)
stopped = Verdict(Status.COMPLETED, Outcome.STOPPED)
preempted = Verdict(Status.PENDING, Outcome.PREEMPTED)


def lost(in_a_row: int) -> Verdict:
    return Verdict(Status.PENDING, Outcome.LOST, Failure.LOST, lost_count=in_a_row)


def retried(seconds: int) -> Verdict:
    return Verdict(Status.PENDING, Outcome.FAILED, Failure.EXITED, retry_after=seconds, uses_retry=True)


CASES = {
    "out of memory fails, and says so": (
        OWN | {"exit_code": 137, "cause": Failure.OUT_OF_MEMORY},
        Verdict(Status.FAILED, Outcome.FAILED, Failure.OUT_OF_MEMORY),
    ),
    "out of memory is retried like any bad end, and its run says why": (
        OWN | {"exit_code": 137, "cause": Failure.OUT_OF_MEMORY} | ON_FAILURE,
        Verdict(Status.PENDING, Outcome.FAILED, Failure.OUT_OF_MEMORY, retry_after=10, uses_retry=True),
    ),
    "stuck in starting fails for good": (
        OWN | {"never_ran": Failure.START_TIMEOUT} | ALWAYS,
        Verdict(Status.FAILED, Outcome.FAILED, Failure.START_TIMEOUT),
    ),
    "a good end completes": (OWN | {"exit_code": 0}, completed),
    "a bad end fails": (OWN | {"exit_code": 1}, failed),
    "an end without a code fails": (OWN | {"exit_code": None}, failed),
    "a stop by the user completes, whatever the code": (
        OF_THE_STOP | {"exit_code": 143, "stop_cause": USER},
        stopped,
    ),
    "a stop as failed fails, whatever the code": (
        OF_THE_STOP | {"exit_code": 0, "stop_cause": USER, "stop_as_failed": True},
        Verdict(Status.FAILED, Outcome.STOPPED, Failure.STOPPED),
    ),
    "a stop by the user never restarts": (
        OF_THE_STOP | {"exit_code": 1, "stop_cause": USER} | ALWAYS,
        stopped,
    ),
    "a preempted one comes back, whatever the code": (
        OF_THE_STOP | {"exit_code": 137, "stop_cause": PREEMPTION},
        preempted,
    ),
    "a preempted one that answers the signal with 0 comes back": (
        OF_THE_STOP | {"exit_code": 0, "stop_cause": PREEMPTION},
        preempted,
    ),
    "a preemption uses no retry": (
        OF_THE_STOP | {"exit_code": 137, "stop_cause": PREEMPTION, "retries_used": 3} | ON_FAILURE,
        preempted,
    ),
    "past its time limit it fails": (
        OF_THE_STOP | {"exit_code": 143, "stop_cause": TIME_LIMIT},
        Verdict(Status.FAILED, Outcome.STOPPED, Failure.TIME_LIMIT),
    ),
    "past its time limit it is not retried": (
        OF_THE_STOP | {"exit_code": 143, "stop_cause": TIME_LIMIT} | ON_FAILURE,
        Verdict(Status.FAILED, Outcome.STOPPED, Failure.TIME_LIMIT),
    ),
    "a good end before the signal of a preemption is its own": (
        OWN | {"exit_code": 0, "stop_cause": PREEMPTION},
        completed,
    ),
    "a bad end before the signal of a preemption is its own": (
        OWN | {"exit_code": 1, "stop_cause": PREEMPTION},
        failed,
    ),
    "a bad end before the signal of a preemption is retried": (
        OWN | {"exit_code": 1, "stop_cause": PREEMPTION} | ON_FAILURE,
        retried(10),
    ),
    "a bad end before the user's signal is its own": (OWN | {"exit_code": 1, "stop_cause": USER}, failed),
    "a bad end before the user's signal is not retried": (
        OWN | {"exit_code": 1, "stop_cause": USER} | ON_FAILURE,
        failed,
    ),
    "a good end before the user's signal does not restart": (
        OWN | {"exit_code": 0, "stop_cause": USER} | ALWAYS,
        completed,
    ),
    "a bad end just before the time limit is retried": (
        OWN | {"exit_code": 1, "stop_cause": TIME_LIMIT} | ON_FAILURE,
        retried(10),
    ),
    "the first retry waits 10 s": (OWN | {"exit_code": 1} | ON_FAILURE, retried(10)),
    "the second waits 20 s": (OWN | {"exit_code": 1, "retries_used": 1} | ON_FAILURE, retried(20)),
    "no retry waits longer than 300 s": (
        OWN | {"exit_code": 1, "retries_used": 900} | ON_FAILURE | {"max_retries": 1000},
        retried(300),
    ),
    "after the last retry it fails": (OWN | {"exit_code": 1, "retries_used": 3} | ON_FAILURE, failed),
    "`always` has the same retries after a bad end": (
        OWN | {"exit_code": 1, "retries_used": 3} | ALWAYS,
        failed,
    ),
    "`always` restarts after a good end and uses no retry": (
        OWN | {"exit_code": 0, "retries_used": 3} | ALWAYS,
        Verdict(Status.PENDING, Outcome.COMPLETED, retry_after=10),
    ),
    "`on failure` does not restart after a good end": (OWN | {"exit_code": 0} | ON_FAILURE, completed),
    "`never` ignores max_retries": (OWN | {"exit_code": 1, "max_retries": 3}, failed),
    "a lost one comes back and uses no retry": (OWN | {"lost": True} | ON_FAILURE, lost(1)),
    "one that is lost again and again fails": (
        OWN | {"lost": True, "lost_count": MOST_LOSSES},
        Verdict(Status.FAILED, Outcome.LOST, Failure.LOST, lost_count=MOST_LOSSES + 1),
    ),
    "the last loss that is forgiven": (
        OWN | {"lost": True, "lost_count": MOST_LOSSES - 1},
        lost(MOST_LOSSES),
    ),
    "one that is lost after a steady run begins to count anew": (
        OWN | {"lost": True, "lost_count": MOST_LOSSES, "ran_seconds": STEADY_SECONDS},
        lost(1),
    ),
    "any other end ends the row of losses": (
        OF_THE_STOP | {"stop_cause": PREEMPTION, "lost_count": MOST_LOSSES},
        preempted,
    ),
    "one that the engine refuses fails for good": (
        OWN | {"never_ran": Failure.START_REFUSED} | ALWAYS,
        Verdict(Status.FAILED, Outcome.FAILED, Failure.START_REFUSED),
    ),
    "gone while stopping belongs to the stop": (OF_THE_STOP | {"stop_cause": PREEMPTION}, preempted),
}


@pytest.mark.parametrize("case", CASES)
def test_an_end_is_judged_as_the_table_says(case):
    ended, verdict = CASES[case]
    assert judge(Ended(**ended)) == verdict
