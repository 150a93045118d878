"""What carries logs from the engines to Redis, in each worker that serves the queue `engines`."""

import contextlib
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import RedisError

from deployments import log_protocol as words
from deployments.log_protocol import Entry
from deployments.log_shipper import Fields, Opener, Shipper

log = structlog.get_logger(__name__)
MOST_AT_ONCE = 256
HAND_ON_SECONDS = 0.05
"""What comes within so long travels together."""
ASK_SECONDS = 1
TOO_MANY = "Too many logs are being followed at once. Try again when somebody has stopped."


class Agent:
    """Two threads: one takes sessions and looks after them, one hands on what their shippers have read."""

    def __init__(self, redis: Redis, opener: Opener, *, most: int = MOST_AT_ONCE) -> None:
        self._redis, self._opener, self._most = redis, opener, most
        self._name = uuid.uuid4().hex
        self._shippers: dict[str, Shipper] = {}
        self._held = threading.Lock()
        self._stirred = threading.Event()
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(step,), name=name, daemon=True)
            for name, step in (("log requests", self._take_sessions), ("log entries", self._hand_on_soon))
        ]
        self._looked_at = time.monotonic()

    def start(self) -> None:
        """Begins to serve."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Gives all sessions up, so that another worker can have them at once."""
        self._stopped.set()
        self._stirred.set()
        for thread in self._threads:
            thread.join(3)
        with contextlib.suppress(RedisError):
            for key in list(self._shippers):
                self._give_up(key)

    def _repeat(self, step: Callable[[], None]) -> None:
        while not self._stopped.is_set():
            try:
                step()
            except RedisError as error:
                log.warning("logs_interrupted", error=str(error))
                self._stopped.wait(1)
            except Exception:
                log.exception("log_agent_failed")
                self._stopped.wait(1)

    def _take_sessions(self) -> None:
        asked: Any = self._redis.blpop([words.ASKED], timeout=ASK_SECONDS)
        if asked is not None and not self._stopped.is_set():
            self._begin(asked[1].decode())
        if time.monotonic() - self._looked_at >= words.LOOK_SECONDS:
            self._looked_at = time.monotonic()
            self._look_after_all()

    def _begin(self, key: str) -> None:
        try:
            session = words.parse(key)
        except ValueError:
            log.warning("log_request_unknown", key=key[:100])
            return
        if not self._redis.exists(words.wanted(key)):
            return
        if len(self._shippers) >= self._most:
            self._write(key, [{"kind": Entry.ERROR, "status": 503, "data": TOO_MANY}])
            if session.follow:
                self._redis.delete(session.shared)
            return
        if not self._redis.set(words.lease(key), self._name, nx=True, ex=words.LEASE_SECONDS):
            return
        self._write(key, [{"kind": Entry.TAKEN}])
        shipper = Shipper(session, self._opener, self._stirred.set)
        with self._held:
            self._shippers[key] = shipper
        shipper.start()

    def _look_after_all(self) -> None:
        """Renew what is wanted, give up what is not, and drop what another agent has taken over meanwhile."""
        keys = list(self._shippers)
        if not keys:
            return
        found: Any = self._redis.mget([*map(words.wanted, keys), *map(words.lease, keys)])
        for key, wish, holder in zip(keys, found[: len(keys)], found[len(keys) :], strict=True):
            if holder is None or holder.decode() != self._name:
                self._drop(key)
            elif wish is None:
                self._give_up(key)
            else:
                with self._redis.pipeline(transaction=False) as pipe:
                    pipe.expire(words.lease(key), words.LEASE_SECONDS)
                    pipe.expire(key, words.KEPT_SECONDS)
                    pipe.expire(words.parse(key).shared, words.LEASE_SECONDS * 2)
                    pipe.execute()

    def _hand_on_soon(self) -> None:
        if not self._shippers:
            self._stirred.wait(ASK_SECONDS)
        self._stirred.clear()
        for key, shipper in list(self._shippers.items()):
            self._hand_on(key, shipper)
        self._stopped.wait(HAND_ON_SECONDS)

    def _hand_on(self, key: str, shipper: Shipper) -> None:
        marks, data, last = shipper.take()
        entries = list(marks)
        for at in range(0, len(data), words.CHUNK_BYTES):
            entries.append({"kind": Entry.DATA, "data": data[at : at + words.CHUNK_BYTES]})
        if last is not None:
            entries.append(last)
            # Before the end is told: whoever asks from now on begins anew.
            self._release(key)
        if entries:
            try:
                self._write(key, entries)
            except RedisError:
                # A gap would look like the log itself: from here on it is read again.
                self._drop(key)
                raise

    def _write(self, key: str, entries: list[Fields]) -> None:
        most = words.FOLLOWED_ENTRIES if words.parse(key).follow else None
        with self._redis.pipeline(transaction=False) as pipe:
            for entry in entries:
                pipe.xadd(key, entry, maxlen=most, approximate=True)  # type: ignore[arg-type]
            pipe.expire(key, words.KEPT_SECONDS)
            pipe.execute()

    def _give_up(self, key: str) -> None:
        self._release(key)
        self._write(key, [{"kind": Entry.AGAIN}])

    def _release(self, key: str) -> None:
        self._drop(key)
        session = words.parse(key)
        self._redis.delete(words.lease(key), *([session.shared] if session.follow else []))

    def _drop(self, key: str) -> None:
        with self._held:
            shipper = self._shippers.pop(key, None)
        if shipper is not None:
            shipper.close()


_agents: list[Agent] = []


def start_agent() -> None:
    """Carry logs in this process, until `stop_agent`."""
    from clusters.redis import redis_client
    from deployments.log_source import open_log

    _agents.append(Agent(redis_client(), open_log))
    _agents[-1].start()


def stop_agent() -> None:
    """Give up what this process carries."""
    while _agents:
        _agents.pop().stop()
