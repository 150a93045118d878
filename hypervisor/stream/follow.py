"""The answer that is a log: begun when its engine answers, gone on with until it ends or its reader goes."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from redis.exceptions import RedisError

from hypervisor.stream import asgi
from hypervisor.stream.asgi import Header, Receive, Send
from hypervisor.stream.hub import MOST_FOLLOWERS, Hub
from hypervisor.stream.session import Followed


class LogResponse:
    """Answers with the session of a key, in the place of web's own answer."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, key: str, headers: Sequence[Header], receive: Receive, send: Send) -> None:
        kept = asgi.kept_of_web(headers)
        if self._hub.followers >= MOST_FOLLOWERS:
            await asgi.problem(send, 503, "Too many people follow logs just now. Try again later.", kept)
            return
        try:
            followed, position = await self._hub.join(key)
        except (RedisError, OSError):
            await asgi.problem(send, 503, "Logs cannot be read while Redis does not answer.", kept)
            return
        try:
            await asgi.until_gone(_answer(self._hub, followed, position, kept, send), receive)
        finally:
            await asyncio.shield(self._hub.leave(followed))


async def _answer(hub: Hub, followed: Followed, position: int, kept: Sequence[Header], send: Send) -> None:
    while not (followed.is_open or followed.failure):
        await followed.wait()
    if followed.failure is not None:
        await asgi.problem(send, followed.failure.status, followed.failure.detail, kept)
        return
    await asgi.start(send, 200, [*asgi.stream_of(b"text/plain; charset=utf-8"), *kept])
    async for piece in pieces(hub, followed, position):
        await asgi.body(send, piece, more=True)
    await asgi.body(send, b"", more=False)


async def pieces(hub: Hub, followed: Followed, position: int) -> AsyncIterator[bytes]:
    """All of the log from this offset on. Who falls too far behind is told how much it missed."""
    while True:
        if position < followed.start:
            found = followed.next_line(followed.start)
            yield f"\n… {found - position} bytes skipped …\n".encode()
            # While that was sent more may have gone.
            position = max(found, followed.start)
        data = followed.read(position)
        if data:
            position += len(data)
            yield data
            was_full = followed.is_full
            followed.forget_until(position)
            if was_full and not followed.is_full:
                await hub.ring()
        elif followed.is_over:
            return
        else:
            await followed.wait()
