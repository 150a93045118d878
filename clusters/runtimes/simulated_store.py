"""How the simulator's containers lie in Redis, and what can be read off them.

A container is one field of the hash `sim:{engine}`: five numbers, from which every state is derived when
somebody looks, so that no process has to be alive for a run to end. Times are whole microseconds of the
engine's clock: Redis' own TIME, plus what `SimulatedEngine.wind_clock` added.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from .base import Observed, Phase

SECOND = 1_000_000
KEPT_ENDED_SECONDS = 24 * 3600
NONE = "-"
EXIT_TERMINATED = 143
EXIT_KILLED = 137

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HANDLE_PREFIX = "simulated:"


@dataclass(frozen=True, slots=True)
class Keys:
    """The Redis keys of one engine."""

    engine: str
    containers: str = field(init=False)
    specs: str = field(init=False)
    knobs: str = field(init=False)
    lies: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "containers", f"sim:{self.engine}")
        for name in ("specs", "knobs", "lies"):
            object.__setattr__(self, name, f"sim:{self.engine}:{name}")

    def all(self) -> list[str]:
        """In the order in which the scripts know them."""
        return [self.containers, self.specs, self.knobs, self.lies]

    def starts(self, now: int) -> list[str]:
        """The counts of starts per name, today's and yesterday's: they expire, or would grow for ever."""
        day = now // (86400 * SECOND)
        return [f"{self.containers}:starts:{day}", f"{self.containers}:starts:{day - 1}"]


@dataclass(frozen=True, slots=True)
class Life:
    """One container's times. `ends_at` is when it will end or has ended, None: not until it is stopped."""

    created_at: int
    running_at: int
    ends_at: int | None
    exit_code: int
    stop_at: int | None

    @classmethod
    def parse(cls, stored: str) -> "Life":
        created_at, running_at, ends_at, exit_code, stop_at = stored.split(" ")
        return cls(int(created_at), int(running_at), _optional(ends_at), int(exit_code), _optional(stop_at))

    def __str__(self) -> str:
        values = (self.created_at, self.running_at, self.ends_at, self.exit_code, self.stop_at)
        return " ".join(NONE if value is None else str(value) for value in values)

    def ended(self, now: int) -> bool:
        """Whether the container has ended by `now`."""
        return self.ends_at is not None and self.ends_at <= now

    def phase(self, now: int) -> Phase:
        """Where the container is at `now`."""
        if self.ended(now):
            return Phase.ENDED
        if self.stop_at is not None:
            return Phase.STOPPING
        return Phase.STARTING if now < self.running_at else Phase.RUNNING

    def started(self, now: int) -> bool:
        """Whether it ever ran by `now`: one that was stopped while starting never did."""
        return self.running_at <= now and (self.ends_at is None or self.running_at <= self.ends_at)


def observed(name: str, life: Life, now: int) -> Observed:
    """The truth about one container at `now`."""
    ended = life.ended(now)
    return Observed(
        name=name,
        handle=handle_of(name),
        phase=life.phase(now),
        started_at=moment(life.running_at) if life.started(now) else None,
        ended_at=moment(life.ends_at) if ended and life.ends_at is not None else None,
        exit_code=life.exit_code if ended else None,
        detail="killed after its grace" if ended and life.exit_code == EXIT_KILLED else "",
    )


def observed_through(lie: str, name: str, life: Life, now: int) -> Observed:
    """What the engine says instead, after `SimulatedEngine.lie`."""
    ended, exit_code, lied_at = lie.split(" ")
    started_at = moment(life.running_at) if life.started(now) else None
    if ended == "0":
        return Observed(name, handle_of(name), Phase.RUNNING, started_at)
    return Observed(name, handle_of(name), Phase.ENDED, started_at, moment(int(lied_at)), int(exit_code))


def handle_of(name: str) -> str:
    """A handle is not the name, so that nobody gets away with mixing them up."""
    return _HANDLE_PREFIX + name


def name_of(handle: str) -> str:
    """The name behind a handle; "" (which is nobody's name) for what is no handle of ours."""
    return handle[len(_HANDLE_PREFIX) :] if handle.startswith(_HANDLE_PREFIX) else ""


def moment(microseconds: int) -> datetime:
    """A stored time as a UTC datetime, exact to the microsecond."""
    return _EPOCH + timedelta(microseconds=microseconds)


def text(value: bytes | str) -> str:
    """What Redis answered, whether or not the client decodes answers."""
    return value.decode() if isinstance(value, bytes) else value


def pairs(flat: Sequence[bytes | str]) -> dict[str, str]:
    """A flat field, value, field, value… answer as a dict."""
    words = [text(word) for word in flat]
    return dict(zip(words[::2], words[1::2], strict=True))


def lines(joined: bytes | str) -> dict[str, str]:
    """The same of a text with each of them on a line."""
    words = text(joined).split("\n") if joined else []
    return dict(zip(words[::2], words[1::2], strict=True))


def _optional(word: str) -> int | None:
    return None if word == NONE else int(word)
