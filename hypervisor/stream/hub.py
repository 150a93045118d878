"""All sessions that somebody follows just now, read from Redis over one connection."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from deployments import log_protocol as words
from hypervisor.stream.session import NO_WORKER, Failure, Followed

log = structlog.get_logger(__name__)
MOST_FOLLOWERS = 1000
UNREADABLE = "Logs cannot be read while Redis does not answer."
BLOCK_MILLISECONDS = 5000
ENTRIES_AT_ONCE = 16
"""Of each session, so that one flood does not hold up the others."""
TICK_SECONDS = 1.0


class Hub:
    """Sessions by their key. `redis` is never used while it blocks; `reading` reads, and nothing else."""

    def __init__(self, *, redis: Redis, reading: Redis) -> None:
        self._redis, self._reading = redis, reading
        self._sessions: dict[str, Followed] = {}
        self._bell = f"logs:bell:{uuid.uuid4().hex}"
        self._bell_id = "0-0"
        self._tasks: list[asyncio.Task[None]] = []
        self._looked_at = time.monotonic()

    @property
    def followers(self) -> int:
        """How many there are, of all sessions."""
        return sum(followed.followers for followed in self._sessions.values())

    async def join(self, key: str) -> tuple[Followed, int]:
        """The session of this key and where to read it from; leave it. Raises RedisError, OSError or ValueError."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._for_ever(step)) for step in (self._read, self._look)]
        followed = self._sessions.get(key)
        if followed is not None:
            followed.followers += 1
            return followed, followed.offset_of_tail()
        followed = self._sessions[key] = Followed(words.parse(key), followers=1)
        try:
            await self.ring()
        except (RedisError, OSError):
            # Whoever joined meanwhile has it, too, and after this nobody would ever tell it anything.
            followed.fail(Failure(503, UNREADABLE))
            self._sessions.pop(key, None)
            raise
        return followed, 0

    async def leave(self, followed: Followed) -> None:
        """One follower less; with the last one all of the session goes."""
        followed.followers -= 1
        if followed.followers or self._sessions.get(followed.key) is not followed:
            return
        del self._sessions[followed.key]
        with contextlib.suppress(RedisError):
            own = [] if followed.session.follow else [followed.key]
            await self._redis.unlink(words.wanted(followed.key), *own)

    async def ring(self) -> None:
        """Makes the reader look again at what there is to read."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.xadd(self._bell, {"": ""}, maxlen=1)
            pipe.expire(self._bell, words.KEPT_SECONDS)
            await pipe.execute()

    async def close(self) -> None:
        """Ends all sessions and both connections."""
        for task in self._tasks:
            task.cancel()
        for followed in self._sessions.values():
            followed.fail(Failure(503, "The service is being stopped. Ask again in a moment."))
        await asyncio.gather(self._redis.aclose(), self._reading.aclose(), return_exceptions=True)

    async def _for_ever(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except (RedisError, OSError) as error:
                log.warning("logs_interrupted", error=str(error))
                await asyncio.sleep(0.5)
            except Exception:
                log.exception("logs_failed")
                await asyncio.sleep(0.5)

    async def _read(self) -> None:
        wished: dict[Any, Any] = {
            key: one.last_id for key, one in self._sessions.items() if not (one.is_over or one.is_full)
        }
        found: Any = await self._reading.xread(
            {self._bell: self._bell_id, **wished}, count=ENTRIES_AT_ONCE, block=BLOCK_MILLISECONDS
        )
        for name, entries in found or ():
            key = name.decode()
            if key == self._bell:
                self._bell_id = entries[-1][0].decode()
            elif (followed := self._sessions.get(key)) is not None:
                for id_, fields in entries:
                    followed.last_id = id_.decode()
                    followed.take_entry(
                        fields[b"kind"].decode(), fields.get(b"data", b""), int(fields.get(b"status", 0))
                    )

    async def _look(self) -> None:
        await asyncio.sleep(TICK_SECONDS)
        for followed in list(self._sessions.values()):
            if followed.is_over:
                continue
            if followed.is_late:
                followed.fail(Failure(504, NO_WORKER))
            elif followed.given_up:
                await self._ask_again(followed)
        if time.monotonic() - self._looked_at >= words.LOOK_SECONDS:
            self._looked_at = time.monotonic()
            await self._renew([one for one in self._sessions.values() if not one.is_over])

    async def _renew(self, active: list[Followed]) -> None:
        """Say that all of them are wanted, and ask again for those whose worker is gone."""
        if not active:
            return
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.expire(self._bell, words.KEPT_SECONDS)
            for one in active:
                pipe.set(words.wanted(one.key), 1, ex=words.WANTED_SECONDS)
                pipe.expire(one.key, words.KEPT_SECONDS)
            await pipe.execute()
        leases = await self._redis.mget([words.lease(one.key) for one in active])
        for one, holder in zip(active, leases, strict=True):
            if holder is None and one.taken and not one.is_over:
                await self._ask_again(one)

    async def _ask_again(self, followed: Followed) -> None:
        followed.taken, followed.given_up, followed.asked_at = False, False, time.monotonic()
        await self._redis.rpush(words.ASKED, followed.key)
