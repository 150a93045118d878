"""HTTP/1.1 with web over one kept connection: as much of it as our own server speaks, and quick.

A general client costs more than the rest of this process. What is written here came through a server's parser,
and what is read was written by one.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from hypervisor.stream.asgi import Header

HEAD_BYTES = 256 * 1024
READ_BYTES = 64 * 1024
_BODILESS = frozenset((204, 304))


class Broken(Exception):
    """The connection ended, or said what no HTTP server says. `unused`: before it said anything at all."""

    def __init__(self, why: str, *, unused: bool = False) -> None:
        super().__init__(why)
        self.unused = unused


class Reader(asyncio.StreamReader):
    """What web sent stays readable, however the connection ended."""

    answered = False

    def feed_data(self, data: Any) -> None:
        """See `StreamReader`."""
        self.answered = True
        super().feed_data(data)

    def set_exception(self, exc: BaseException) -> None:
        """An end like any other: who refuses a body closes while it is still being sent."""
        self.feed_eof()


@dataclass(slots=True)
class Connection:
    """One connection to web; while it `is_reusable` the next request may be written."""

    reader: Reader
    writer: asyncio.StreamWriter
    is_reusable: bool = False
    _cut_short: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether web has closed it."""
        return self.reader.at_eof() or self.writer.is_closing()

    async def write(
        self, method: str, target: bytes, headers: Sequence[Header], content: bytes | None
    ) -> None:
        """The request, or as much of it as web wants before it answers. An end is found by who reads the answer."""
        lines = [b"%b %b HTTP/1.1" % (method.encode(), target), *(b"%b: %b" % pair for pair in headers)]
        self.reader.answered = False
        self.writer.write(b"\r\n".join([*lines, b"", b""]))
        if not content:
            return
        self._cut_short = True
        with contextlib.suppress(ConnectionError):
            for at in range(0, len(content), READ_BYTES):
                await asyncio.sleep(0)
                if self.reader.answered:
                    return
                self.writer.write(content[at : at + READ_BYTES])
                await self.writer.drain()
            self._cut_short = False

    async def read_head(self) -> tuple[int, list[Header]]:
        """Status and headers, names in lower case. Raises Broken."""
        while True:
            try:
                head = await self.reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError as error:
                raise Broken("ended before its answer", unused=not error.partial) from error
            except ConnectionError as error:
                raise Broken("ended before its answer", unused=True) from error
            except (OSError, asyncio.LimitOverrunError) as error:
                raise Broken(str(error)) from error
            first, *lines = head[:-4].split(b"\r\n")
            try:
                status = int(first.split(b" ", 2)[1])
                pairs = [line.split(b":", 1) for line in lines]
                headers = [(name.lower(), value.strip()) for name, value in pairs]
            except (ValueError, IndexError) as error:
                raise Broken("is no HTTP") from error
            if status >= 200:
                return status, headers

    async def read_body(self, method: str, status: int, headers: Sequence[Header]) -> AsyncIterator[bytes]:
        """The body's pieces; after the last one the connection is reusable, if it can be. Raises Broken."""
        told = dict(headers)
        keeps = told.get(b"connection", b"").lower() != b"close" and not self._cut_short
        try:
            if method == "HEAD" or status in _BODILESS:
                pass
            elif b"transfer-encoding" in told:
                while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
                    async for piece in self._exactly(size):
                        yield piece
                    await self.reader.readexactly(2)
                while await self.reader.readuntil(b"\r\n") != b"\r\n":
                    pass
            elif b"content-length" in told:
                async for piece in self._exactly(int(told[b"content-length"])):
                    yield piece
            else:
                keeps = False
                while piece := await self.reader.read(READ_BYTES):
                    yield piece
        except (OSError, ValueError, EOFError, asyncio.LimitOverrunError) as error:
            raise Broken("ended in the middle of its answer") from error
        self.is_reusable = keeps

    async def _exactly(self, size: int) -> AsyncIterator[bytes]:
        while size:
            piece = await self.reader.read(min(size, READ_BYTES))
            if not piece:
                raise EOFError
            size -= len(piece)
            yield piece

    def close(self) -> None:
        """Ends it."""
        self.writer.close()


async def connect(*, socket: str, host: str, port: int) -> Connection:
    """A new connection to the unix socket, or by TCP if there is none. Raises OSError."""
    loop = asyncio.get_running_loop()
    reader = Reader(limit=HEAD_BYTES)

    def protocol() -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(reader)

    if socket:
        transport, made = await loop.create_unix_connection(protocol, socket)
    else:
        transport, made = await loop.create_connection(protocol, host, port)
    return Connection(reader, asyncio.StreamWriter(transport, made, reader, loop))
