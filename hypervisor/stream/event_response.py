"""The answer that is a stream of events (Server-Sent Events): what was missed, then what comes."""

import asyncio
import random
import time
from collections.abc import Sequence

import structlog
from redis.exceptions import RedisError

from clusters.event_protocol import Filter, Position, parse_position, read_header
from hypervisor.stream import asgi
from hypervisor.stream.asgi import Header, Receive, Send
from hypervisor.stream.events import RESET, Events, Gone
from hypervisor.stream.still import Still
from hypervisor.stream.watching import Watcher

log = structlog.get_logger(__name__)
MOST_WATCHERS = 2000
ALIVE_SECONDS = 15.0
LONGEST_SECONDS = 15 * 60.0
"""After so long, or up to a minute less, it ends: who watches may have left an organization, and comes again."""
SEND_SECONDS = 30.0
"""A client that takes nothing for so long is gone."""


class EventResponse:
    """Answers with the events that web's header names, in the place of web's own answer."""

    def __init__(self, events: Events) -> None:
        self._events = events

    async def __call__(
        self, asked: str, headers: Sequence[Header], receive: Receive, send: Send, _still: Still
    ) -> None:
        # It ends so soon that web need not be asked meanwhile.
        kept = asgi.kept_of_web(headers)
        if self._events.watchers.count >= MOST_WATCHERS:
            await asgi.problem(send, 503, "Too many watch events just now. Try again later.", kept)
            return
        try:
            await self._events.begin()
        except (RedisError, OSError):
            await asgi.problem(send, 503, "Events cannot be read while Redis does not answer.", kept)
            return
        filter_, after = read_header(asked)
        answer = _Answer(self._events, filter_, send)
        await asgi.until_gone(answer.whole(after, kept), receive)


class _Answer:
    """One answer, from its head to its end."""

    def __init__(self, events: Events, filter_: Filter, send: Send) -> None:
        self._events, self._filter, self._send = events, filter_, send
        self._until = time.monotonic() + LONGEST_SECONDS - random.uniform(0, 60)

    async def whole(self, after: str, kept: Sequence[Header]) -> None:
        await asgi.start(self._send, 200, [*asgi.stream_of(b"text/event-stream"), *kept])
        watcher = Watcher(self._filter)
        try:
            await self._tell(b"retry: 1000\n\n")
            if await self._join(watcher, after):
                try:
                    await self._tell(self._comment(b"ready"))
                    await self._go_on(watcher)
                finally:
                    self._events.watchers.remove(watcher)
            await self._tell(b"", more=False)
        except (RedisError, OSError, TimeoutError) as error:
            # Broken off: it comes again, and says where it was.
            log.info("watcher_lost", error=str(error) or "it takes nothing")

    async def _join(self, watcher: Watcher, after: str) -> bool:
        """Catch up with what was missed, then take part; False if that takes longer than an answer lasts."""
        position = parse_position(after)
        if after and position is None:
            await self._tell(RESET)
        while not self._events.join(watcher, position):
            position = await self._catch_up(position)
            if time.monotonic() > self._until:
                return False
        return True

    async def _catch_up(self, position: Position | None) -> Position | None:
        """Tell a page of what lies behind; answers the place behind that, None where it is gone."""
        if position is None:
            return None
        try:
            page = await self._events.missed(position)
        except Gone:
            await self._tell(RESET)
            return None
        if not page:
            # Redis has told us all, and our own reader is a moment behind.
            await asyncio.sleep(0.05)
        for behind, entry in page:
            if entry is None:
                await self._tell(RESET)
            elif frames := entry.matching(self._filter, beyond=-1 if behind.place is None else behind.place):
                await self._tell(frames)
            position = Position(behind.entry, None)
        return position

    async def _go_on(self, watcher: Watcher) -> None:
        while (left := self._until - time.monotonic()) > 0:
            frames = await watcher.next(min(left, ALIVE_SECONDS))
            if watcher.is_cut:
                return
            await self._tell(frames or self._comment(b"alive"))

    def _comment(self, word: bytes) -> bytes:
        """With the newest place, so that a quiet client resumes from there, too."""
        return b": %b\nid: %b\n\n" % (word, self._events.last_id.encode())

    async def _tell(self, frames: bytes, *, more: bool = True) -> None:
        await asgi.body(self._send, frames, more=more, within=SEND_SECONDS)
