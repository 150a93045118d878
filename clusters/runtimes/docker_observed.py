"""From what a Docker engine tells of a container to what we say of it. Pure, but for one memory."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .base import Cause, Observed, Phase

_PHASES = {
    "created": Phase.CREATED,
    "running": Phase.RUNNING,
    "paused": Phase.RUNNING,
    "restarting": Phase.RUNNING,
    "removing": Phase.ENDED,
    "exited": Phase.ENDED,
    "dead": Phase.ENDED,
}
_REMEMBERED = 20_000
_JUST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Details:
    """What only an inspect tells. Times are UTC, corrected to our clock."""

    phase: Phase
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    cause: Cause | None = None
    detail: str = ""

    def observed(self, name: str, handle: str) -> Observed:
        """It as the protocol wants it."""
        return Observed(
            name=name,
            handle=handle,
            phase=self.phase,
            started_at=self.started_at,
            ended_at=self.ended_at,
            exit_code=self.exit_code,
            detail=self.detail,
            cause=self.cause,
        )


class Memory:
    """The details of containers, which never change within a phase: bounded, for all drivers of a process.

    The key holds the cluster too: one engine must not answer for another's container.
    """

    def __init__(self, most: int = _REMEMBERED) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str, Phase], Details] = OrderedDict()

    def get(self, cluster: str, container: str, phase: Phase) -> Details | None:
        """What is remembered."""
        with self._lock:
            found = self._kept.get((cluster, container, phase))
            if found is not None:
                self._kept.move_to_end((cluster, container, phase))
            return found

    def put(self, cluster: str, container: str, details: Details) -> None:
        """Remember it, and forget what nobody has asked for the longest."""
        with self._lock:
            self._kept[cluster, container, details.phase] = details
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def phase_of(state: str) -> Phase:
    """The phase of an engine's word. Raises ValueError for one that no engine knows."""
    if state not in _PHASES:
        raise ValueError("No state of a container.")
    return _PHASES[state]


def details_of(inspected: Mapping[str, Any], skew: timedelta) -> Details:
    """From an inspect of a container on an engine whose clock is ahead by `skew`."""
    state = inspected["State"]
    phase = phase_of(state["Status"])
    started_at = _moment(state.get("StartedAt"), skew)
    if phase is not Phase.ENDED:
        return Details(phase, started_at if phase is Phase.RUNNING else None)
    exit_code = int(state["ExitCode"])
    # A helper process may have been killed without any harm to the whole.
    out_of_memory = bool(state.get("OOMKilled")) and exit_code != 0
    return Details(
        phase,
        started_at,
        _moment(state.get("FinishedAt"), skew),
        exit_code,
        Cause.OUT_OF_MEMORY if out_of_memory else None,
        "It used more memory than it had asked for." if out_of_memory else "",
    )


def just_started(inspected: Mapping[str, Any], now: datetime) -> bool:
    """Whether its process began about a second ago or less; `now` is the engine's clock."""
    return now - moment_of(inspected["State"]["StartedAt"]) < _JUST


def moment_of(text: str) -> datetime:
    """An engine's moment, in UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _moment(text: str | None, skew: timedelta) -> datetime | None:
    if not text or text.startswith("0001-"):
        return None  # the engine's word for never
    return moment_of(text) - skew
