"""What must be done so that books and engine agree: one pure function of what is recorded and what is observed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from clusters.runtimes.base import Observed, Phase
from deployments.states import Status


@dataclass(frozen=True, slots=True)
class Recorded:
    """A live run as our books have it."""

    run_id: int
    name: str
    status: Status
    running_at: datetime | None = None
    time_limit_seconds: int | None = None
    stop_signalled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """Booked and not at the engine: start it (again, after a crash)."""

    run_id: int


@dataclass(frozen=True, slots=True)
class MarkRunning:
    """The engine runs it and our books do not say so yet."""

    run_id: int
    handle: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Signal:
    """It is to stop and does not: tell the engine (again, after a crash; a second signal does no harm)."""

    run_id: int
    handle: str
    first: bool


@dataclass(frozen=True, slots=True)
class Expire:
    """Past its time limit."""

    run_id: int


@dataclass(frozen=True, slots=True)
class End:
    """Over. `own`: the engine dates the end before our signal, so it is the run's own end and not the stop's.

    `lost`: the engine does not know it any more, though nobody stopped it. `started_at` is the engine's.
    """

    run_id: int
    handle: str | None
    exit_code: int | None
    started_at: datetime | None
    own: bool
    lost: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Remove:
    """Ours by its labels, and no live run has this name."""

    name: str
    handle: str


Action = Start | MarkRunning | Signal | Expire | End | Remove


def reconcile(recorded: Iterable[Recorded], observed: Iterable[Observed], now: datetime) -> list[Action]:
    """The actions that bring books and engine together, runs first, then containers that no live run owns.

    `recorded` must have been read before `observed`: a run that is recorded as running and is not observed is lost.
    """
    containers = {container.name: container for container in observed}
    actions = [action for run in recorded for action in _for_run(run, containers.pop(run.name, None), now)]
    return actions + [Remove(container.name, container.handle) for container in containers.values()]


def _for_run(run: Recorded, container: Observed | None, now: datetime) -> list[Action]:
    if container is None:
        if run.status is Status.STARTING:
            return [Start(run.run_id)]
        lost = run.status is Status.RUNNING
        return [End(run.run_id, None, None, None, own=lost, lost=lost)]
    if container.phase is Phase.ENDED:
        signalled = run.stop_signalled_at
        own = signalled is None or (container.ended_at is not None and container.ended_at < signalled)
        return [
            End(
                run.run_id,
                container.handle,
                container.exit_code,
                container.started_at,
                own=own,
                detail=container.detail,
            )
        ]
    if run.status is Status.STOPPING:
        first = run.stop_signalled_at is None
        heard = container.phase is Phase.STOPPING and not first
        return [] if heard else [Signal(run.run_id, container.handle, first=first)]
    if run.status is Status.STARTING and container.phase is Phase.RUNNING:
        return [MarkRunning(run.run_id, container.handle, container.started_at)]
    if run.running_at is None or run.time_limit_seconds is None:
        return []
    over = now >= run.running_at + timedelta(seconds=run.time_limit_seconds)
    return [Expire(run.run_id)] if over else []
