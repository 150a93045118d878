"""All events of the service, read from one Redis stream over one connection, whoever watches."""

import asyncio
from collections import deque
from itertools import islice
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from clusters.event_protocol import STREAM, TOLD, Position
from hypervisor.stream.watching import Entry, Watcher, Watchers

log = structlog.get_logger(__name__)
BLOCK_MILLISECONDS = 5000
ENTRIES_AT_ONCE = 64
RING_ENTRIES, RING_BYTES = 2000, 4 * 1024 * 1024
"""The newest entries are kept here, so that who was away for a moment need not ask Redis."""
RESET = b"event: reset\ndata: {}\n\n"
Kept = tuple[str, bytes | None]
"""An entry's id and its announcements; None where somebody lost some."""
_TOLD = TOLD.encode()


class Gone(Exception):
    """What lay behind this position is not there any more."""


class Events:
    """The stream and those who watch it. `reading` reads, and blocks; `redis` is for all else."""

    def __init__(self, *, redis: Redis, reading: Redis, stream: str = STREAM) -> None:
        self._redis, self._reading, self._stream = redis, reading, stream
        self.watchers = Watchers()
        self._ring: deque[Kept] = deque()
        self._ring_bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._beginning = asyncio.Lock()

    @property
    def last_id(self) -> str:
        """The newest entry that was read."""
        return self._ring[-1][0]

    async def begin(self) -> None:
        """Reads from here on, once. Raises RedisError, OSError."""
        async with self._beginning:
            if self._task is None:
                self._keep(*await self._newest())
                self._task = asyncio.create_task(self._read_for_ever())

    async def close(self) -> None:
        """Ends all, also those who watch."""
        if self._task is not None:
            self._task.cancel()
        for watcher in self.watchers:
            watcher.cut()
        await asyncio.gather(self._redis.aclose(), self._reading.aclose(), return_exceptions=True)

    def join(self, watcher: Watcher, position: Position | None) -> bool:
        """It gets all that comes behind this position (None: from now on); False while it must catch up first."""
        if position is not None and position != (self.last_id, None):
            return False
        self.watchers.add(watcher)
        return True

    async def missed(self, position: Position) -> list[tuple[Position, Entry | None]]:
        """What lies behind this position, a page of it; none if that is nothing. Raises Gone, RedisError, OSError.

        With each entry comes the place behind it; no entry where somebody lost some.
        """
        found = self._of_ring(position.entry)
        if found is None:
            found = await self._of_redis(position.entry)
        entries = [(Position(id_, None), None if raw is None else Entry(id_, raw)) for id_, raw in found]
        if position.place is None:
            return entries[1:]
        return [(Position(found[0][0], position.place), entries[0][1]), *entries[1:]]

    def _of_ring(self, id_: str) -> list[Kept] | None:
        """It and some that follow; None if it is not here."""
        place = next((place for place, (known, _) in enumerate(self._ring) if known == id_), None)
        return None if place is None else list(islice(self._ring, place, place + ENTRIES_AT_ONCE))

    async def _of_redis(self, id_: str) -> list[Kept]:
        rows: Any = await self._redis.xrange(self._stream, id_, "+", count=ENTRIES_AT_ONCE)
        # Where it is there itself, all behind it is: the stream is cut at its beginning.
        if not rows or rows[0][0].decode() != id_:
            raise Gone
        return [(known.decode(), fields.get(_TOLD)) for known, fields in rows]

    async def _newest(self) -> Kept:
        newest: Any = await self._redis.xrevrange(self._stream, count=1)
        if newest:
            ((id_, fields),) = newest
            return id_.decode(), fields.get(_TOLD)
        # A first one, so that there is a place to resume from.
        made: Any = await self._redis.xadd(self._stream, {TOLD: b"[]"})
        return made.decode(), b"[]"

    async def _read_for_ever(self) -> None:
        is_well = True
        while True:
            try:
                if not is_well:
                    await self._go_on()
                    is_well = True
                await self._read()
            except (RedisError, OSError) as error:
                if is_well:
                    log.warning("events_interrupted", error=str(error))
                is_well = False
                await asyncio.sleep(0.5)
            except Exception:
                log.exception("events_failed")
                await asyncio.sleep(0.5)

    async def _read(self) -> None:
        found: Any = await self._reading.xread(
            {self._stream: self.last_id}, count=ENTRIES_AT_ONCE, block=BLOCK_MILLISECONDS
        )
        for _, rows in found or ():
            for id_, fields in rows:
                raw = fields.get(_TOLD)
                self._keep(id_.decode(), raw)
                if raw is None:
                    self.watchers.tell_all(RESET)
                elif self.watchers.count:
                    self.watchers.deliver(Entry(id_.decode(), raw))
                    # A large one must not hold up those who only pass through this process.
                    await asyncio.sleep(0)

    async def _go_on(self) -> None:
        """After an interruption: where it was, or anew if a Redis answers that knows nothing of it."""
        if not await self._redis.xrange(self._stream, self.last_id, self.last_id):
            newest = await self._newest()
            self._ring.clear()
            self._ring_bytes = 0
            self._keep(*newest)
            self.watchers.tell_all(RESET)

    def _keep(self, id_: str, raw: bytes | None) -> None:
        self._ring.append((id_, raw))
        self._ring_bytes += len(raw or b"")
        while len(self._ring) > RING_ENTRIES or (self._ring_bytes > RING_BYTES and len(self._ring) > 1):
            self._ring_bytes -= len(self._ring.popleft()[1] or b"")
