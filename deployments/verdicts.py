"""How an end is judged: pure, so that every case is a row of a test."""

from dataclasses import dataclass
from enum import StrEnum

from clusters.runtimes.base import Cause
from deployments.models import Outcome, RestartPolicy, StopCause
from deployments.states import Status

FIRST_BACKOFF_SECONDS = 10
LONGEST_BACKOFF_SECONDS = 300
RETRIES_ON_FAILURE = 3
"""How often one is tried again that asks for `on_failure` and does not say how often."""
MOST_LOSSES = 10
"""A deployment whose runs the engine keeps losing fails in the end, so that it cannot circle for ever."""
STEADY_SECONDS = 600
"""Losses after a run as long as this are apart: a service that lives for years must not fail by adding them up."""


class Failure(StrEnum):
    """Why a run failed; closed, and shown to its user. It has every `Cause` that an engine may name."""

    EXITED = "exited_with_error"
    TIME_LIMIT = "time_limit"
    STOPPED = "stopped_as_failed"
    START_TIMEOUT = "start_timeout"
    LOST = "lost"
    OUT_OF_MEMORY = Cause.OUT_OF_MEMORY.value
    IMAGE_NOT_FOUND = Cause.IMAGE_NOT_FOUND.value
    IMAGE_PULL_DENIED = Cause.IMAGE_PULL_DENIED.value
    IMAGE_PULL_FAILED = Cause.IMAGE_PULL_FAILED.value
    START_REFUSED = Cause.START_REFUSED.value
    ENGINE_FULL = Cause.ENGINE_FULL.value
    EVICTED = Cause.EVICTED.value


@dataclass(frozen=True, slots=True)
class Ended:
    """All that the judgement depends on. `lost_count`: losses in a row before it; `ran_seconds`: 0 if it never ran.

    `never_ran`: why the engine did not start it. `cause`: what the engine names as the reason of an end.
    """

    own: bool
    lost: bool = False
    never_ran: Failure | None = None
    cause: Failure | None = None
    exit_code: int | None = None
    stop_cause: StopCause | None = None
    stop_as_failed: bool = False
    restart_policy: RestartPolicy = RestartPolicy.NEVER
    max_retries: int = 0
    retries_used: int = 0
    lost_count: int = 0
    ran_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the end means. `retry_after`: seconds of waiting before it may start again; None: at once.

    `failure`: why the run ended badly, also where the deployment gets another one. `lost_count`: losses in a row, this
    one included.
    """

    status: Status
    outcome: Outcome
    failure: Failure | None = None
    retry_after: int | None = None
    uses_retry: bool = False
    lost_count: int = 0


def failure_of(cause: str | None, default: Failure | None = None) -> Failure | None:
    """A cause that an engine or an earlier look named, as our word for it."""
    return Failure(cause) if cause else default


def judge(end: Ended) -> Verdict:
    """The state that the deployment goes to, and the outcome of its run.

    An end that follows our stop signal belongs to the stop, whatever the exit code. Preemptions and lost
    containers never use up the user's retries.
    """
    if end.never_ran:
        return Verdict(Status.FAILED, Outcome.FAILED, end.never_ran)
    if end.lost:
        losses = 1 if end.ran_seconds >= STEADY_SECONDS else end.lost_count + 1
        if losses > MOST_LOSSES:
            return Verdict(Status.FAILED, Outcome.LOST, Failure.LOST, lost_count=losses)
        return Verdict(Status.PENDING, Outcome.LOST, Failure.LOST, lost_count=losses)
    if end.stop_cause and not end.own:
        return _stopped(end)
    return _by_itself(end)


def _stopped(end: Ended) -> Verdict:
    if end.stop_cause is StopCause.PREEMPTION:
        return Verdict(Status.PENDING, Outcome.PREEMPTED)
    if end.stop_cause is StopCause.TIME_LIMIT:
        return Verdict(Status.FAILED, Outcome.STOPPED, Failure.TIME_LIMIT)
    if end.stop_as_failed:
        return Verdict(Status.FAILED, Outcome.STOPPED, Failure.STOPPED)
    return Verdict(Status.COMPLETED, Outcome.STOPPED)


def _by_itself(end: Ended) -> Verdict:
    good = end.exit_code == 0
    outcome = Outcome.COMPLETED if good else Outcome.FAILED
    failure = end.cause or Failure.EXITED
    # A stop that the user asked for stands also when the run was quicker: it does not start again.
    may_restart = end.stop_cause is not StopCause.USER
    if may_restart and end.restart_policy == RestartPolicy.ALWAYS and good:
        return Verdict(Status.PENDING, outcome, retry_after=FIRST_BACKOFF_SECONDS)
    restarts = end.restart_policy in {RestartPolicy.ALWAYS, RestartPolicy.ON_FAILURE}
    if may_restart and restarts and not good and end.retries_used < end.max_retries:
        wait = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2**end.retries_used)
        return Verdict(Status.PENDING, outcome, failure, retry_after=wait, uses_retry=True)
    if good:
        return Verdict(Status.COMPLETED, outcome)
    return Verdict(Status.FAILED, outcome, failure)
