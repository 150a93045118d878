"""The answer that is a log: begun when its engine answers, gone on with until it ends or its reader goes."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import structlog
from redis.exceptions import RedisError

from hypervisor.stream import asgi
from hypervisor.stream.asgi import Header, Receive, Send
from hypervisor.stream.hub import MOST_FOLLOWERS, UNREADABLE, Hub
from hypervisor.stream.session import Followed
from hypervisor.stream.still import Still, until_lost

log = structlog.get_logger(__name__)
SEND_SECONDS = 300.0
"""A client that takes nothing for so long is gone. Less would cut off who has stopped a terminal to read."""


class LogResponse:
    """Answers with the session of a key, in the place of web's own answer."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(
        self, key: str, headers: Sequence[Header], receive: Receive, send: Send, still: Still
    ) -> None:
        kept = asgi.kept_of_web(headers)
        if self._hub.followers >= MOST_FOLLOWERS:
            await asgi.problem(send, 503, "Too many people follow logs just now. Try again later.", kept)
            return
        try:
            followed, position = await self._hub.join(key)
        except (RedisError, OSError):
            await asgi.problem(send, 503, UNREADABLE, kept)
            return
        lost = asyncio.ensure_future(until_lost(still))
        lost.add_done_callback(lambda done: None if done.cancelled() else followed.wake())
        try:
            await asgi.until_gone(_answer(self._hub, followed, position, kept, send, lost), receive)
        finally:
            lost.cancel()
            await asyncio.shield(self._hub.leave(followed))


async def _answer(
    hub: Hub, followed: Followed, position: int, kept: Sequence[Header], send: Send, lost: asyncio.Future[str]
) -> None:
    while not (followed.is_open or followed.failure):
        await followed.wait()
    if followed.failure is not None:
        await asgi.problem(send, followed.failure.status, followed.failure.detail, kept)
        return
    await asgi.start(send, 200, [*asgi.stream_of(b"text/plain; charset=utf-8"), *kept])
    async for piece in pieces(hub, followed, position, lost):
        try:
            await asgi.body(send, piece, more=True, within=SEND_SECONDS)
        except TimeoutError:
            # Broken off, so that nobody takes it for the end of the log.
            log.info("follower_lost", run_id=followed.session.run_id)
            return
    await asgi.body(send, b"", more=False)


async def pieces(
    hub: Hub, followed: Followed, position: int, lost: asyncio.Future[str]
) -> AsyncIterator[bytes]:
    """All of the log from this offset on. Who falls too far behind is told how much it missed; who may not read it any
    more gets nothing but a last line, which says so."""
    is_whole_line = True
    while True:
        if lost.done():
            yield f"{'' if is_whole_line else chr(10)}… the log ends here: {lost.result()} …\n".encode()
            return
        if position < followed.start:
            found = followed.next_line(followed.start)
            yield f"\n… {found - position} bytes skipped …\n".encode()
            # While that was sent more may have gone.
            position = max(found, followed.start)
            is_whole_line = True
        data = followed.read(position)
        if data:
            position += len(data)
            is_whole_line = data.endswith(b"\n")
            yield data
            was_full = followed.is_full
            followed.forget_until(position)
            if was_full and not followed.is_full:
                await hub.ring()
        elif followed.is_over:
            return
        else:
            await followed.wait()
