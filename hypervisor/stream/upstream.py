"""Asking web: one pool of kept connections, over its unix socket or TCP."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from hypervisor.stream.asgi import Header
from hypervisor.stream.wire import Broken, Connection, connect

CONNECTIONS = 128
CONNECT_SECONDS = 2.0
"""So long a web that is just starting again is waited for."""
WAIT_SECONDS = 30.0
"""For a free connection."""
ANSWER_SECONDS = 120.0
"""For web to take a request that is here as a whole, and to begin its answer."""
_AGAIN_SECONDS = 0.05
_REPEATABLE = frozenset({"GET", "HEAD"})


class WebDown(Exception):
    """Web did not answer."""


class WebBusy(Exception):
    """No connection to web became free in time."""


@dataclass(slots=True)
class Answer:
    """Web's answer, its body still unread; `close` it. Iterating raises WebDown when web ends in the middle."""

    status: int
    headers: list[Header]
    _method: str
    _connection: Connection
    _upstream: "Upstream"
    _is_closed: bool = False

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body, piece by piece."""
        try:
            async for piece in self._connection.read_body(self._method, self.status, self.headers):
                yield piece
        except Broken as error:
            raise WebDown(str(error)) from error

    def close(self) -> None:
        """Gives the connection back, or ends it when the body was not read to its end. Twice is fine."""
        if self._is_closed:
            return
        self._is_closed = True
        self._upstream.give_back(self._connection)


class Upstream:
    """Web, at `unix:///PATH` or `http://HOST:PORT`."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._socket = parts.path if parts.scheme == "unix" else ""
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._idle: list[Connection] = []
        self._free = asyncio.Semaphore(CONNECTIONS)

    async def ask(
        self, method: str, target: bytes, headers: Sequence[Header], content: bytes | None
    ) -> Answer:
        """The answer to this request. Raises WebDown or WebBusy."""
        if self._free.locked():
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await self._free.acquire()
            except TimeoutError as error:
                raise WebBusy from error
        else:
            await self._free.acquire()
        deadline = time.monotonic() + CONNECT_SECONDS
        try:
            while True:
                connection = await self._connection(deadline)
                try:
                    async with asyncio.timeout(ANSWER_SECONDS):
                        await connection.write(method, target, headers, content)
                        status, answered = await connection.read_head()
                    return Answer(status, answered, method, connection, self)
                except Broken as error:
                    connection.close()
                    # A kept connection may end just as it is used again; what was not taken in is asked again.
                    if not (error.unused and content is None and method in _REPEATABLE):
                        raise WebDown(str(error)) from error
                    if time.monotonic() > deadline:
                        raise WebDown(str(error)) from error
                except TimeoutError as error:
                    connection.close()
                    raise WebDown(f"no answer within {ANSWER_SECONDS:g} s") from error
                except BaseException:
                    connection.close()
                    raise
        except BaseException:
            self._free.release()
            raise

    def give_back(self, connection: Connection) -> None:
        """For the next request, if it can take one."""
        self._free.release()
        if connection.is_reusable:
            connection.is_reusable = False
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Ends the connections that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    async def _connection(self, deadline: float) -> Connection:
        """A kept one, or a new one; while web starts again it is tried for until the deadline. Raises WebDown."""
        while self._idle:
            kept = self._idle.pop()
            if not kept.has_ended:
                return kept
            kept.close()
        while True:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await connect(socket=self._socket, host=self._host, port=self._port)
            except (OSError, TimeoutError) as error:
                if time.monotonic() > deadline:
                    raise WebDown(str(error)) from error
            await asyncio.sleep(_AGAIN_SECONDS)
