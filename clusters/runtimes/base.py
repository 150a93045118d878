"""The one protocol of all drivers. Every call is idempotent by the run's name, so a call repeated after a crash does no harm."""

from collections.abc import Mapping
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
    """What to run. Amounts: milli-CPU, MiB, milli-GPU. `name` is the run's, unique for ever in an installation."""

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
        """Start the container, or find the one already started under this name; answer its handle."""

    def stop(self, handle: str, grace_seconds: int) -> None:
        """Ask it to end, and kill it after the grace. Returns at once; `observe` tells when it is gone."""

    def observe(self) -> tuple[Observed, ...]:
        """Everything of ours on this engine, in one call. Ended containers stay until removed."""

    def logs(self, handle: str, tail: int) -> str:
        """The last `tail` lines that the container wrote."""

    def remove(self, handle: str) -> None:
        """Forget the container, killing it first if it still runs. An unknown handle is fine."""
