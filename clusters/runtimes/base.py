"""The one protocol of all drivers.

Every call is idempotent by the run's name, so a call repeated after a crash does no harm.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class RuntimeFailure(Exception):
    """An engine did not do what it was asked. `permanent`: asking again the same way cannot help."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class Phase(StrEnum):
    """Where a container is in its life, as its engine tells it."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What to run. Amounts: milli-CPU, MiB, milli-GPU.

    `name` is the run's, unique for ever in an installation.
    """

    name: str
    image: str
    cpu_milli: int
    ram_mib: int
    gpu_milli: int
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    device_ids: tuple[int, ...] = ()
    simulated_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """One container of ours, as its engine sees it now. Times are the engine's, in UTC."""

    name: str
    handle: str
    phase: Phase
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What `check` found. `capacity` is (milli-CPU, MiB, milli-GPU), or None where the engine cannot tell."""

    version: str
    capacity: tuple[int, int, int] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class Driver(Protocol):
    """A container engine. Every method raises `RuntimeFailure` and nothing else, within its time-out."""

    def check(self) -> EngineFacts:
        """Reach the engine and say what it is."""

    def start(self, spec: ContainerSpec) -> str:
        """Start the container, or find the one already started under this name; answer its handle.

        A container that has ended and was not removed is found too, and is not started again.
        """

    def stop(self, handle: str, grace_seconds: int) -> None:
        """Ask it to end, and kill it after the grace. Returns at once; `observe` tells when it is gone.

        An ended or unknown handle is fine. A second stop can only bring the end nearer.
        """

    def observe(self) -> tuple[Observed, ...]:
        """Everything of ours on this engine, in one call. Ended containers stay until removed."""

    def logs(self, handle: str, tail: int) -> str:
        """The last `tail` lines that the container wrote. An unknown handle is a permanent failure."""

    def remove(self, handle: str) -> None:
        """Forget the container, killing it first if it still runs. An unknown handle is fine."""

    def start_many(self, specs: Iterable[ContainerSpec]) -> dict[str, str | RuntimeFailure]:
        """`start` for each; answers name → handle, or the failure of that one. Itself never raises."""

    def stop_many(self, graces: Mapping[str, int]) -> dict[str, RuntimeFailure]:
        """`stop` for each handle → grace seconds; answers handle → failure of those that failed."""

    def remove_many(self, handles: Iterable[str]) -> dict[str, RuntimeFailure]:
        """`remove` for each; answers handle → failure of those that failed."""


class OneByOne:
    """The many-calls of a driver whose engine has none: one call after the other, none hiding the rest."""

    def start_many(self: Driver, specs: Iterable[ContainerSpec]) -> dict[str, str | RuntimeFailure]:
        """See `Driver.start_many`."""
        answers: dict[str, str | RuntimeFailure] = {}
        for spec in specs:
            try:
                answers[spec.name] = self.start(spec)
            except RuntimeFailure as failure:
                answers[spec.name] = failure
        return answers

    def stop_many(self: Driver, graces: Mapping[str, int]) -> dict[str, RuntimeFailure]:
        """See `Driver.stop_many`."""
        failures = {}
        for handle, grace_seconds in graces.items():
            try:
                self.stop(handle, grace_seconds)
            except RuntimeFailure as failure:
                failures[handle] = failure
        return failures

    def remove_many(self: Driver, handles: Iterable[str]) -> dict[str, RuntimeFailure]:
        """See `Driver.remove_many`."""
        failures = {}
        for handle in handles:
            try:
                self.remove(handle)
            except RuntimeFailure as failure:
                failures[handle] = failure
        return failures
