"""The one protocol of all drivers.

Every call is idempotent by the run's name, so a call repeated after a crash does no harm.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Protocol, TypeVar

Item = TypeVar("Item", covariant=True)
Done = TypeVar("Done")
AT_ONCE = 4
"""Calls to one engine at the same time."""

LABEL_PREFIX = "mlops-hypervisor"
"""Our labels begin with it, on every engine; a user's may not."""


class Cause(StrEnum):
    """Why an engine did not start a container, or ended it: closed, and shown to its user."""

    OUT_OF_MEMORY = "out_of_memory"
    IMAGE_NOT_FOUND = "image_not_found"
    IMAGE_PULL_DENIED = "image_pull_denied"
    IMAGE_PULL_FAILED = "image_pull_failed"
    START_REFUSED = "start_refused"
    ENGINE_FULL = "engine_full"
    EVICTED = "evicted"


class RuntimeFailure(Exception):
    """An engine did not do what it was asked. `permanent`: asking again the same way cannot help.

    The message is shown to users: it is in our words, and quotes nothing that the engine sent.
    """

    def __init__(self, message: str, *, permanent: bool, cause: Cause | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.cause = cause


class Phase(StrEnum):
    """Where a container is in its life, as its engine tells it."""

    CREATED = "created"
    """Made and not told to run yet: whoever made it may have died in between."""
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose containers a driver makes and sees: hexadecimal ids of the installation and of the cluster in it."""

    installation: str
    cluster: str


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """What an engine needs to pull a private image from `server`."""

    server: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What to run. Amounts: milli-CPU, MiB, milli-GPU.

    `name` is the run's, unique for ever in an installation. `organization` is its tenant's id: containers of two
    tenants share no network and no namespace. `device_ids`: the GPUs that were booked for it. `pull`: always,
    if_not_present or never. `labels` are the user's. `grace_seconds`: the longest that a stop will wait.
    """

    name: str
    image: str
    cpu_milli: int
    ram_mib: int
    gpu_milli: int
    organization: int = 0
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    working_dir: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    device_ids: tuple[int, ...] = ()
    pull: str = "if_not_present"
    login: RegistryLogin | None = None
    grace_seconds: int = 30
    simulated_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """One container of ours, as its engine sees it now. Times are UTC, by the engine's clock.

    A driver whose engine's clock is far from ours corrects them, so that they can be compared with our books.
    `cause` and `detail` say why it ended, or why it still does not run.
    """

    name: str
    handle: str
    phase: Phase
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    detail: str = ""
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What `check` found. `capacity` is (milli-CPU, MiB, milli-GPU), or None where the engine cannot tell."""

    version: str
    capacity: tuple[int, int, int] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class Stream(Protocol[Item]):
    """Something that comes piece by piece. Iterating raises `RuntimeFailure` and nothing else."""

    def __iter__(self) -> Iterator[Item]:
        """The pieces, until there will be no more or somebody closed it."""

    def close(self) -> None:
        """End it, also from another thread while that one waits for the next piece. Twice is fine."""


class Driver(Protocol):
    """A container engine. Every method raises `RuntimeFailure` and nothing else, within its time-out."""

    def check(self) -> EngineFacts:
        """Reach the engine and say what it is."""

    def needs_pull(self, spec: ContainerSpec) -> bool:
        """Whether the image must be fetched by `pull` before `start`. Quick; False where the engine fetches itself."""

    def pull(self, spec: ContainerSpec, progress: Callable[[str], None]) -> None:
        """Fetch the image, which may take minutes; `progress` gets a short sentence now and then."""

    def start(self, spec: ContainerSpec) -> str:
        """Start the container, or find the one already started under this name; answer its handle.

        A container that has ended and was not removed is found too, and is not started again. One that was made
        and never told to run (Phase.CREATED) is started, unless whoever made it may still be at it.
        """

    def stop(self, handle: str, grace_seconds: int) -> None:
        """Ask it to end. Returns at once; `observe` tells when it is gone. With a grace of 0: kill it.

        An engine that keeps the grace by itself kills it after the grace; of another one it is asked again, with a
        grace of 0, when the grace is over. An ended or unknown handle is fine. One that never ran is removed.
        """

    def observe(self) -> tuple[Observed, ...]:
        """Everything of ours on this engine, in one call. Ended containers stay until removed."""

    def logs(self, handle: str, tail: int, *, follow: bool = False) -> Stream[bytes]:
        """The last `tail` lines that the container wrote; with `follow`, and all that it writes until it ends.

        An unknown handle is a permanent failure, raised here. The pieces need not be whole lines.
        """

    def remove(self, handle: str) -> None:
        """Forget the container, killing it first if it still runs. An unknown handle is fine."""

    def changes(self) -> Stream[None] | None:
        """A piece whenever something happens to a container of ours, until the engine ends it; None: it cannot tell.

        Only a hint to look: pieces may be lost or come twice.
        """

    def start_many(self, specs: Iterable[ContainerSpec]) -> dict[str, str | RuntimeFailure]:
        """`start` for each; answers name → handle, or the failure of that one. Itself never raises."""

    def stop_many(self, graces: Mapping[str, int]) -> dict[str, RuntimeFailure]:
        """`stop` for each handle → grace seconds; answers handle → failure of those that failed."""

    def remove_many(self, handles: Iterable[str]) -> dict[str, RuntimeFailure]:
        """`remove` for each; answers handle → failure of those that failed."""


class PullsByItself:
    """For a driver whose engine fetches images when it starts a container, or has none to fetch."""

    def needs_pull(self, spec: ContainerSpec) -> bool:
        """See `Driver.needs_pull`."""
        return False

    def pull(self, spec: ContainerSpec, progress: Callable[[str], None]) -> None:
        """See `Driver.pull`."""


class OneByOne:
    """The many-calls of a driver whose engine has none: a call for each, a few at a time, none hiding the rest."""

    def start_many(self: Driver, specs: Iterable[ContainerSpec]) -> dict[str, str | RuntimeFailure]:
        """See `Driver.start_many`."""
        return _each((spec.name, partial(self.start, spec)) for spec in specs)

    def stop_many(self: Driver, graces: Mapping[str, int]) -> dict[str, RuntimeFailure]:
        """See `Driver.stop_many`."""
        return _failures(
            _each((handle, partial(self.stop, handle, grace)) for handle, grace in graces.items())
        )

    def remove_many(self: Driver, handles: Iterable[str]) -> dict[str, RuntimeFailure]:
        """See `Driver.remove_many`."""
        return _failures(_each((handle, partial(self.remove, handle)) for handle in handles))


def _each(calls: Iterable[tuple[str, Callable[[], Done]]]) -> dict[str, Done | RuntimeFailure]:
    """The answer of each call, or its failure, by its name and in the order given."""
    named = list(calls)

    def attempt(call: Callable[[], Done]) -> Done | RuntimeFailure:
        try:
            return call()
        except RuntimeFailure as failure:
            return failure

    if len(named) < 2:
        return {name: attempt(call) for name, call in named}
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = threads.map(attempt, [call for _, call in named])
        return dict(zip([name for name, _ in named], answers, strict=True))


def _failures(answers: Mapping[str, object]) -> dict[str, RuntimeFailure]:
    return {name: answer for name, answer in answers.items() if isinstance(answer, RuntimeFailure)}


def text_of(stream: Stream[bytes]) -> str:
    """All of a stream that ends by itself, as text."""
    return b"".join(stream).decode(errors="replace")
