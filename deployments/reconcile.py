"""What must be done so that books and engine agree: one pure function of what is recorded and what is observed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from clusters.runtimes.base import Cause, Observed, Phase
from deployments.states import Status

CUT_OFF = frozenset({137, 143, 255})
"""What a container answers that was killed, told to end, or found dead by an engine that came back."""
SHUTDOWN = timedelta(seconds=30)
"""An engine that shuts down answers for so long while it ends its containers."""
NO_IMAGE = frozenset({Cause.IMAGE_NOT_FOUND, Cause.IMAGE_PULL_DENIED})
NO_IMAGE_PATIENCE = timedelta(seconds=120)
"""An engine that pulls by itself tries again for ever; a registry that says no twice will go on saying it."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A live run as our books have it. `grace_seconds`: between the word to end and the kill.

    `starting_since`: since then the engine could have started it; None while its image is being fetched.
    `cause` and `detail`: what kept it from running when we looked last.
    """

    run_id: int
    name: str
    status: Status
    starting_since: datetime | None = None
    running_at: datetime | None = None
    time_limit_seconds: int | None = None
    grace_seconds: int = 0
    stop_signalled_at: datetime | None = None
    stop_delivered_at: datetime | None = None
    cause: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a run may take to start, and how long an ended container stays for its log to be read.

    `doubt`: so long the end of a container that was cut off may still turn out to be its engine's shutting down.
    """

    start: timedelta = timedelta(minutes=30)
    keep_ended: timedelta = timedelta(0)
    doubt: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Start:
    """Booked, and not at the engine or not told to run there: start it (again, after a crash)."""

    run_id: int


@dataclass(frozen=True, slots=True)
class Delay:
    """The engine is at it and says why it does not run yet."""

    run_id: int
    cause: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Stuck in starting: it fails with what kept it, and what the engine has of it is removed."""

    run_id: int
    handle: str | None
    cause: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class MarkRunning:
    """The engine runs it and our books do not say so yet."""

    run_id: int
    handle: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Signal:
    """It is to stop and the engine does not know: tell it. Not `first`: whoever was to tell it may have died."""

    run_id: int
    handle: str
    first: bool
    grace_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Kill:
    """It was told to stop, and its grace is over."""

    run_id: int
    handle: str


@dataclass(frozen=True, slots=True)
class Expire:
    """Past its time limit."""

    run_id: int


@dataclass(frozen=True, slots=True)
class End:
    """Over. `own`: the engine dates the end before our signal, so it is the run's own end and not the stop's.

    `lost`: the engine does not know it any more, or cut it off, though nobody stopped it. `started_at` is the engine's.
    """

    run_id: int
    handle: str | None
    exit_code: int | None
    started_at: datetime | None
    own: bool
    lost: bool = False
    cause: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Remove:
    """Ours by its labels, and no live run has this name. `ended`: nothing runs in it any more."""

    name: str
    handle: str
    ended: bool = False


Action = Start | Delay | GiveUp | MarkRunning | Signal | Kill | Expire | End | Remove
AT_ONCE = Patience()


def reconcile(
    recorded: Iterable[Recorded],
    observed: Iterable[Observed],
    now: datetime,
    patience: Patience = AT_ONCE,
    *,
    away_since: datetime | None = None,
) -> list[Action]:
    """The actions that bring books and engine together, runs first, then containers that no live run owns.

    The container of a run that ends here is none of a live run any more. `recorded` must have been read before
    `observed`: a run that is recorded as running and is not observed is lost. `away_since`: the engine did not answer
    from then until now; what was cut off meanwhile is lost, too.
    """
    containers = {container.name: container for container in observed}
    actions: list[Action] = []
    for run in recorded:
        container = containers.get(run.name)
        done = _for_run(run, container, now, patience, away_since)
        actions += done
        if container is not None and (container.phase is not Phase.ENDED or not done):
            del containers[run.name]
    return actions + [
        Remove(container.name, container.handle, ended=container.phase is Phase.ENDED)
        for container in containers.values()
        if not _is_kept(container, now, patience)
    ]


def _is_kept(container: Observed, now: datetime, patience: Patience) -> bool:
    ended = container.ended_at if container.phase is Phase.ENDED else None
    return ended is not None and now < ended + patience.keep_ended


def _for_run(
    run: Recorded,
    container: Observed | None,
    now: datetime,
    patience: Patience,
    away_since: datetime | None,
) -> list[Action]:
    if container is not None and container.phase is Phase.ENDED:
        return _ended(run, container, now, patience, away_since)
    if run.status is Status.STOPPING:
        return _stopping(run, container, now)
    if run.status is Status.STARTING:
        return _starting(run, container, now, patience)
    if container is None:
        return [End(run.run_id, None, None, None, own=True, lost=True)]
    if run.running_at is None or run.time_limit_seconds is None:
        return []
    over = now >= run.running_at + timedelta(seconds=run.time_limit_seconds)
    return [Expire(run.run_id)] if over else []


def _ended(
    run: Recorded, container: Observed, now: datetime, patience: Patience, away_since: datetime | None
) -> list[Action]:
    signalled, ended = run.stop_signalled_at, container.ended_at
    cut_off = signalled is None and container.exit_code in CUT_OFF and container.cause is None
    was_away = away_since is not None and ended is not None and ended >= away_since - SHUTDOWN
    if cut_off and not was_away and ended is not None and now < ended + patience.doubt:
        return []
    return [
        End(
            run.run_id,
            container.handle,
            container.exit_code,
            container.started_at,
            own=signalled is None or (ended is not None and ended < signalled),
            lost=cut_off and was_away,
            cause=container.cause,
            detail=container.detail,
        )
    ]


def _stopping(run: Recorded, container: Observed | None, now: datetime) -> list[Action]:
    if container is None:
        return [End(run.run_id, None, None, None, own=False)]
    if run.stop_signalled_at is None or run.stop_delivered_at is None:
        first = run.stop_signalled_at is None
        return [Signal(run.run_id, container.handle, first=first, grace_seconds=run.grace_seconds)]
    over = now >= run.stop_delivered_at + timedelta(seconds=run.grace_seconds)
    return [Kill(run.run_id, container.handle)] if over else []


def _starting(run: Recorded, container: Observed | None, now: datetime, patience: Patience) -> list[Action]:
    if container is not None and container.phase is Phase.RUNNING:
        return [MarkRunning(run.run_id, container.handle, container.started_at)]
    cause, detail = run.cause, run.detail
    told = container is not None and container.phase is Phase.STARTING
    if container is not None and told and (container.cause or container.detail):
        cause, detail = container.cause, container.detail
    waited = now - run.starting_since if run.starting_since else timedelta(0)
    limit = min(patience.start, NO_IMAGE_PATIENCE) if told and cause in NO_IMAGE else patience.start
    if waited >= limit:
        return [GiveUp(run.run_id, container.handle if container else None, cause, detail)]
    if container is None or container.phase is Phase.CREATED:
        return [Start(run.run_id)]
    return [Delay(run.run_id, cause, detail)] if (cause, detail) != (run.cause, run.detail) else []
