"""The bodies of requests, each whole before web is asked: who sends slowly, or not at all, holds up nobody else."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from hypervisor.front import MOST_BODY_BYTES
from hypervisor.stream.asgi import Header, Receive
from hypervisor.stream.room import Room

PIECE_SECONDS = 10.0
WHOLE_SECONDS = 60.0
"""One byte every nine seconds is no way to send a body either."""

TOO_SLOW = (
    "The body did not come in time: at most {piece:g} s may pass between two pieces of it, and {whole:g} s in all. "
    "Send the request again, with as many bytes as its Content-Length says."
)
TOO_LARGE = f"The body is larger than {MOST_BODY_BYTES} bytes; send less at once."
TOO_MANY = "Too many large requests are on their way just now. Send this one again in a moment."


class Refused(Exception):
    """A body that web is not asked with: the HTTP status, and a sentence for the client."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class ClientGone(Exception):
    """The client went away in the middle of its request."""


class Bodies:
    """What all clients have sent and web has not yet taken."""

    def __init__(self) -> None:
        self._room = Room()

    @asynccontextmanager
    async def whole(self, headers: Sequence[Header], receive: Receive) -> AsyncIterator[bytes | None]:
        """The body, or None for a request that has none; it counts until the context ends.

        Raises Refused or ClientGone.
        """
        told = dict(headers)
        if b"transfer-encoding" not in told and told.get(b"content-length", b"0") == b"0":
            yield None
            return
        if int(told.get(b"content-length", 0)) > MOST_BODY_BYTES:
            raise Refused(413, TOO_LARGE)
        body = bytearray()
        deadline = time.monotonic() + WHOLE_SECONDS
        with self._room.holding() as held:
            async for piece in _pieces(receive, deadline):
                body += piece
                if len(body) > MOST_BODY_BYTES:
                    raise Refused(413, TOO_LARGE)
                if not held.grow_to(len(body)):
                    raise Refused(503, TOO_MANY)
            yield bytes(body)


async def _pieces(receive: Receive, deadline: float) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(min(PIECE_SECONDS, deadline - time.monotonic())):
                message = await receive()
        except TimeoutError as error:
            raise Refused(408, TOO_SLOW.format(piece=PIECE_SECONDS, whole=WHOLE_SECONDS)) from error
        if message["type"] == "http.disconnect":
            raise ClientGone
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return
