"""Web's answers on their way to clients: who reads slowly, or not at all, keeps no connection to web from others."""

from collections.abc import AsyncIterator, Sequence

from hypervisor.stream import asgi
from hypervisor.stream.asgi import Header, Send
from hypervisor.stream.room import Holding, Room
from hypervisor.stream.upstream import Answer, WebDown

AHEAD_BYTES = 4 * 1024 * 1024
"""An answer of at most so much is read as a whole before its client gets it, and web is free again."""
LONG_AT_ONCE = 32
"""Of longer ones, each of which keeps a connection to web while its client reads."""
SEND_SECONDS = 30.0
"""A client that takes no piece for so long is gone."""
_PIECE_BYTES = 64 * 1024
"""More in one piece would wait in the server, where nobody counts it."""


class NoRoom(Exception):
    """Too many long answers are on their way."""


class BrokenOff(Exception):
    """An answer that was begun will not come to its end, and why."""


class Answers:
    """All that are on their way."""

    def __init__(self) -> None:
        self._room = Room()
        self._long = 0

    async def pass_on(self, answer: Answer, headers: Sequence[Header], send: Send) -> None:
        """Sends it, and closes it as early as may be.

        Raises NoRoom, or WebDown if web ends early, while nothing was sent; after that, BrokenOff.
        """
        with self._room.holding() as held:
            pieces = answer.pieces()
            ahead, is_whole = await _read_ahead(pieces, held)
            if is_whole:
                answer.close()
                await _send(send, answer.status, headers, _cut(ahead))
                return
            if self._long >= LONG_AT_ONCE:
                raise NoRoom
            self._long += 1
            try:
                await _send(send, answer.status, headers, _cut(ahead, pieces))
            finally:
                self._long -= 1


async def _read_ahead(pieces: AsyncIterator[bytes], held: Holding) -> tuple[bytes, bool]:
    """What is to be sent first, and whether that is all."""
    ahead = bytearray()
    async for piece in pieces:
        ahead += piece
        if len(ahead) > AHEAD_BYTES or not held.grow_to(len(ahead)):
            return bytes(ahead), False
    return bytes(ahead), True


async def _cut(ahead: bytes, rest: AsyncIterator[bytes] | None = None) -> AsyncIterator[bytes]:
    for at in range(0, len(ahead), _PIECE_BYTES):
        yield ahead[at : at + _PIECE_BYTES]
    if rest is not None:
        async for piece in rest:
            yield piece


async def _send(send: Send, status: int, headers: Sequence[Header], pieces: AsyncIterator[bytes]) -> None:
    await asgi.start(send, status, headers)
    left = next((int(value) for name, value in headers if name == b"content-length"), None)
    is_whole = False
    try:
        async for piece in pieces:
            left = None if left is None else left - len(piece)
            is_whole = left == 0
            await asgi.body(send, piece, more=not is_whole, within=SEND_SECONDS)
        if not is_whole:
            await asgi.body(send, b"", more=False, within=SEND_SECONDS)
    except WebDown as error:
        raise BrokenOff(str(error)) from error
    except TimeoutError as error:
        raise BrokenOff("the client takes nothing") from error
