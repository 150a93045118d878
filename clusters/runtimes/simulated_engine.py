"""The simulated engine's machine room: what tests, demos and operators turn behind the driver's back.

Every knob lies in Redis, so it holds for every process. Nothing here goes through the driver: it works while
the engine is unreachable, tells the truth while it lies, and lets errors of Redis through.
"""

import json

from redis import Redis

from .base import Observed, Phase
from .simulated_store import SECOND, Keys, Life, observed, text


class SimulatedEngine:
    """The engine named `engine`, seen from inside. Amounts: (milli-CPU, MiB, milli-GPU)."""

    def __init__(self, redis_client: Redis, engine: str) -> None:
        self._redis = redis_client
        self._keys = Keys(engine)

    def slow(self, *, start_seconds: float | None = None, stop_seconds: float | None = None) -> None:
        """Containers take this long to start, or to end once told to; instead of what the connection says."""
        for knob, seconds in (("start", start_seconds), ("stop", stop_seconds)):
            if seconds is not None:
                self._turn(f"{knob}_microseconds", round(seconds * SECOND))

    def unreachable(self, seconds: float) -> None:
        """Every call of a driver fails for so long, by the engine's clock."""
        self._turn("unreachable_until", self._now() + round(seconds * SECOND))

    def lie(self, name: str, *, exit_code: int = 0, ended: bool = True) -> None:
        """Observe tells that it ended now with this exit code, or (`ended=False`) that it runs on and on.

        The container itself goes its way. Raises KeyError for one that is not there.
        """
        if not self._redis.hexists(self._keys.containers, name):
            raise KeyError(name)
        self._redis.hset(self._keys.lies, name, f"{int(ended)} {exit_code} {self._now()}")

    def heal(self) -> None:
        """Reachable, quick and truthful again. What was lost stays lost, and the clock stays where it is."""
        self._redis.hdel(self._keys.knobs, "start_microseconds", "stop_microseconds", "unreachable_until")
        self._redis.delete(self._keys.lies)

    def lose(self, name: str) -> None:
        """The container vanishes as if it had never been. Raises KeyError for one that is not there."""
        every = self._redis.pipeline(transaction=True)
        for key in (self._keys.containers, self._keys.specs, self._keys.lies):
            every.hdel(key, name)
        if not every.execute()[0]:
            raise KeyError(name)

    def lose_all(self) -> None:
        """Every container vanishes; knobs and counts of starts stay."""
        self._redis.delete(self._keys.containers, self._keys.specs, self._keys.lies)

    def inject(self, name: str) -> None:
        """A container that no driver started appears and runs until it is stopped. It counts as no start."""
        now = self._now()
        spec = {"image": "injected", "command": [], "amounts": [0, 0, 0]}
        both = self._redis.pipeline(transaction=True)
        both.hsetnx(self._keys.specs, name, json.dumps(spec))
        both.hsetnx(self._keys.containers, name, str(Life(now, now, None, 0, None)))
        both.execute()

    def wind_clock(self, seconds: float) -> None:
        """The engine's clock jumps ahead (or back), so that what takes long has passed. It adds up."""
        self._redis.hincrby(self._keys.knobs, "clock_offset", round(seconds * SECOND))

    def containers(self) -> tuple[Observed, ...]:
        """All containers as they truly are, whatever the driver is told."""
        now, lives, _ = self._look()
        return tuple(observed(name, life, now) for name, life in lives.items())

    def held(self) -> tuple[int, int, int]:
        """What all containers that have not ended hold together: a witness for the books of others."""
        now, lives, specs = self._look()
        amounts = [json.loads(specs[name])["amounts"] for name, life in lives.items() if not life.ended(now)]
        cpu_milli, ram_mib, gpu_milli = (sum(column) for column in zip((0, 0, 0), *amounts, strict=True))
        return cpu_milli, ram_mib, gpu_milli

    def running(self) -> tuple[str, ...]:
        """The names of those that truly run, sorted."""
        return tuple(sorted(found.name for found in self.containers() if found.phase is Phase.RUNNING))

    def starts(self, name: str) -> int:
        """How often a container of this name was really started; kept for a day at least."""
        counts = [self._redis.hget(key, name) for key in self._keys.starts(self._now())]
        return sum(int(count) for count in counts if count is not None)

    def forget(self) -> None:
        """Delete all that Redis keeps of this engine."""
        self._redis.delete(*self._keys.all(), *self._keys.starts(self._now()))

    def _turn(self, knob: str, value: int) -> None:
        self._redis.hset(self._keys.knobs, knob, str(value))

    def _now(self) -> int:
        seconds, microseconds = self._redis.time()
        return seconds * SECOND + microseconds + int(self._redis.hget(self._keys.knobs, "clock_offset") or 0)

    def _look(self) -> tuple[int, dict[str, Life], dict[str, str]]:
        """The engine's clock, every life and every stored spec, of one moment."""
        look = self._redis.pipeline(transaction=True)
        look.time()
        look.hget(self._keys.knobs, "clock_offset")
        look.hgetall(self._keys.containers)
        look.hgetall(self._keys.specs)
        (seconds, microseconds), offset, lives, specs = look.execute()
        return (
            seconds * SECOND + microseconds + int(offset or 0),
            {text(name): Life.parse(text(stored)) for name, stored in lives.items()},
            {text(name): text(stored) for name, stored in specs.items()},
        )
