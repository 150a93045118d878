"""The driver of the simulated engine: containers that exist only as times in Redis, and yet outlive us.

A run starts at once and lasts its `simulated_seconds`, or until it is stopped. To make the engine slow, lying
or forgetful, see `simulated_connection` (a cluster's settings) and `simulated_engine` (knobs from outside).
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from redis import Redis, RedisError

from . import simulated_scripts as scripts
from .base import ContainerSpec, EngineFacts, Observed, PullsByItself, RuntimeFailure, Stream
from .simulated_connection import parse_connection, validate_connection
from .simulated_logs import LogStream, log_lines
from .simulated_store import (
    KEPT_ENDED_SECONDS,
    NONE,
    SECOND,
    Keys,
    Life,
    handle_of,
    lines,
    moment,
    name_of,
    observed,
    observed_through,
    pairs,
    text,
)

__all__ = ["SimulatedDriver", "validate_connection"]

_AT_ONCE = 500  # items of one script: Redis serves nobody else while it runs


class SimulatedDriver(PullsByItself):
    """One simulated engine behind the protocol of all drivers.

    `engine` names its containers in Redis, whoever connects. `connection` is what `validate_connection`
    accepts; a wrong one is a permanent `RuntimeFailure`. Time-outs are those of `redis_client`.
    """

    def __init__(self, redis_client: Redis, engine: str, connection: Mapping[str, object]) -> None:
        try:
            self._connection = parse_connection(connection)
        except ValueError as error:
            raise RuntimeFailure(
                f"The connection of this cluster is wrong. {error}", permanent=True
            ) from error
        self._engine = engine
        self._redis = redis_client
        self._keys = Keys(engine)

    def check(self) -> EngineFacts:
        """See `Driver.check`. The facts hold the engine's clock (RFC 3339) and its number of containers."""
        now, containers = self._call(scripts.CHECK)
        return EngineFacts(
            version="simulated 1",
            capacity=self._connection.capacity,
            facts={"clock": moment(int(now)).isoformat(), "containers": int(containers)},
        )

    def start(self, spec: ContainerSpec) -> str:
        """See `Driver.start`."""
        answer = self.start_many([spec])[spec.name]
        if isinstance(answer, RuntimeFailure):
            raise answer
        return answer

    def stop(self, handle: str, grace_seconds: int) -> None:
        """See `Driver.stop`."""
        for failure in self.stop_many({handle: grace_seconds}).values():
            raise failure

    def remove(self, handle: str) -> None:
        """See `Driver.remove`."""
        for failure in self.remove_many([handle]).values():
            raise failure

    def observe(self) -> tuple[Observed, ...]:
        """See `Driver.observe`. What ended a day ago, and nobody removed, is forgotten here."""
        answer = self._call(scripts.OBSERVE, KEPT_ENDED_SECONDS * SECOND)
        now, containers, lies = int(answer[0]), lines(answer[1]), pairs(answer[2])
        return tuple(
            observed_through(lies[name], name, Life.parse(stored), now)
            if name in lies
            else observed(name, Life.parse(stored), now)
            for name, stored in containers.items()
        )

    def logs(self, handle: str, tail: int, *, follow: bool = False) -> Stream[bytes]:
        """See `Driver.logs`. The lines are made up from the container's times, the same ones each time."""
        known = self._read(handle)

        def lines() -> tuple[list[str], bool]:
            nonlocal known
            try:
                known = life, spec, now = self._read(handle)
            except RuntimeFailure as failure:
                life, spec, now = known
                if not failure.permanent or life.ends_at is None:
                    raise
                # Whoever removes a container does so once it has ended: its last lines can still be told.
                now = max(now, life.ends_at)
            return log_lines(life, spec, now), not life.ended(now)

        return LogStream(lines, tail=tail, follow=follow)

    def changes(self) -> None:
        """See `Driver.changes`. Nothing happens here: states are worked out when somebody looks."""

    def _read(self, handle: str) -> tuple[Life, dict[str, Any], int]:
        """A container's times, what it was started from, and the engine's clock. Raises RuntimeFailure."""
        now, stored, spec = self._call(scripts.READ, name_of(handle))
        if stored is None or spec is None:
            raise RuntimeFailure(f"The simulated engine knows no container {handle}.", permanent=True)
        return Life.parse(text(stored)), json.loads(spec), int(now)

    def start_many(self, specs: Iterable[ContainerSpec]) -> dict[str, str | RuntimeFailure]:
        """See `Driver.start_many`."""
        answers: dict[str, str | RuntimeFailure] = {}
        startable = []
        for spec in specs:
            wrong = _why_not(spec)
            answers[spec.name] = wrong or handle_of(spec.name)
            if wrong is None:
                startable.append((spec.name, _duration(spec), _stored_spec(spec)))
        head = (_microseconds(self._connection.start_seconds), self._connection.exit_code)
        answers.update(self._call_in_parts(scripts.START, head, startable))
        return answers

    def stop_many(self, graces: Mapping[str, int]) -> dict[str, RuntimeFailure]:
        """See `Driver.stop_many`."""
        items = [(name_of(handle), _microseconds(max(0, grace))) for handle, grace in graces.items()]
        head = (_microseconds(self._connection.stop_seconds),)
        return _by_handle(graces, self._call_in_parts(scripts.STOP, head, items))

    def remove_many(self, handles: Iterable[str]) -> dict[str, RuntimeFailure]:
        """See `Driver.remove_many`."""
        handles = list(handles)
        items = [(name_of(handle),) for handle in handles]
        return _by_handle(handles, self._call_in_parts(scripts.REMOVE, (), items))

    def _call_in_parts(
        self, script: str, head: tuple[int, ...], items: Sequence[tuple[str | int, ...]]
    ) -> dict[str, RuntimeFailure]:
        """Calls the script with some items (the name first) at a time; answers name → failure."""
        failures: dict[str, RuntimeFailure] = {}
        for first in range(0, len(items), _AT_ONCE):
            part = items[first : first + _AT_ONCE]
            try:
                self._call(script, *head, *(word for item in part for word in item))
            except RuntimeFailure as failure:
                failures.update((str(item[0]), failure) for item in part)
        return failures

    def _call(self, script: str, *words: str | int) -> Any:
        """The script's answer. Raises RuntimeFailure when the engine or its Redis cannot be reached."""
        unreachable = RuntimeFailure(
            f"The simulated engine {self._engine} cannot be reached.", permanent=False
        )
        if self._connection.unreachable:
            raise unreachable
        try:
            answer = self._redis.register_script(script)(keys=self._keys.all(), args=words)
        except RedisError as error:
            message = (
                f"The Redis under the simulated engine {self._engine} failed: {error}. It is asked again."
            )
            raise RuntimeFailure(message, permanent=False) from error
        if answer is None:
            raise unreachable
        return answer


def _why_not(spec: ContainerSpec) -> RuntimeFailure | None:
    if not spec.name:
        return RuntimeFailure("A container needs a name.", permanent=True)
    seconds = spec.simulated_seconds
    if seconds is not None and not (math.isfinite(seconds) and seconds >= 0):
        return RuntimeFailure(f"A run cannot last {seconds} seconds.", permanent=True)
    return None


def _duration(spec: ContainerSpec) -> str | int:
    return NONE if spec.simulated_seconds is None else _microseconds(spec.simulated_seconds)


def _stored_spec(spec: ContainerSpec) -> str:
    """What logs and sums need later; never the environment, which may hold secrets."""
    return json.dumps(
        {
            "image": spec.image,
            "command": [*spec.command, *spec.args],
            "amounts": [spec.cpu_milli, spec.ram_mib, spec.gpu_milli],
        }
    )


def _microseconds(seconds: float) -> int:
    return round(seconds * SECOND)


def _by_handle(handles: Iterable[str], failures: Mapping[str, RuntimeFailure]) -> dict[str, RuntimeFailure]:
    return {handle: failures[name_of(handle)] for handle in handles if name_of(handle) in failures}
