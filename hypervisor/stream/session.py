"""One log on its way to those who follow it: the last of it in memory, and what is known of its end."""

import asyncio
import time
from dataclasses import dataclass, field

from deployments import log_protocol as words
from deployments.log_protocol import Entry, Session

BUFFER_BYTES = 1024 * 1024
SLACK_BYTES = 64 * 1024
"""Cutting the buffer moves it; so it may grow by this before it is cut."""
READ_BYTES = 64 * 1024
INTERRUPTED = "… the log was interrupted here; some lines may come twice …"
NO_WORKER = "No worker answers that could read the log. Try again in a moment."


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no log: an HTTP status and a sentence."""

    status: int
    detail: str


@dataclass(slots=True)
class Followed:
    """The buffer of one session. Offsets count all bytes since its beginning."""

    session: Session
    last_id: str = "0-0"
    start: int = 0
    is_open: bool = False
    is_over: bool = False
    failure: Failure | None = None
    followers: int = 0
    taken: bool = False
    given_up: bool = False
    """Its worker told that it will not go on; another one is to be asked."""
    asked_at: float = field(default_factory=time.monotonic)
    _buffer: bytearray = field(default_factory=bytearray)
    _changed: "asyncio.Future[None] | None" = None

    @property
    def key(self) -> str:
        """The Redis stream that it is read from."""
        return self.session.key

    @property
    def end(self) -> int:
        """The offset behind the last byte."""
        return self.start + len(self._buffer)

    @property
    def is_full(self) -> bool:
        """Whether to read no more for now: what is not followed waits for its only reader, and loses nothing."""
        return not self.session.follow and len(self._buffer) >= BUFFER_BYTES

    @property
    def is_late(self) -> bool:
        """Whether no worker has taken it in time."""
        return not self.taken and time.monotonic() - self.asked_at > words.ANSWER_SECONDS

    def take_entry(self, kind: str, data: bytes, status: int) -> None:
        """The next entry of the stream."""
        if self.is_over:
            return
        if kind == Entry.TAKEN:
            self.taken, self.given_up = True, False
        elif kind == Entry.OPEN:
            if self.is_open:
                self._say(INTERRUPTED)
            self.is_open = self.taken = True
        elif kind == Entry.DATA:
            self.is_open = self.taken = True
            self._buffer += data
        elif kind == Entry.ERROR:
            self.fail(Failure(status, data.decode(errors="replace")))
        elif kind == Entry.AGAIN:
            self.given_up = True
        elif kind == Entry.END:
            self.is_open = self.is_over = True
        self._cut()
        self.wake()

    def fail(self, failure: Failure) -> None:
        """It is over: an answer of its own before anything was told, else a last line."""
        if self.is_open:
            self._say(f"… the log ends here: {failure.detail} …")
        else:
            self.failure = failure
        self.is_over = True
        self.wake()

    def read(self, position: int) -> bytes:
        """Some bytes from this offset on; none where there are none yet."""
        begin = position - self.start
        return bytes(self._buffer[begin : begin + READ_BYTES])

    def forget_until(self, position: int) -> None:
        """Nobody needs what lies before."""
        if not self.session.follow:
            del self._buffer[: position - self.start]
            self.start = position

    def next_line(self, position: int) -> int:
        """The offset behind the next line feed, or the position itself if there is none near."""
        found = self._buffer.find(b"\n", position - self.start, position - self.start + READ_BYTES)
        return position if found < 0 else self.start + found + 1

    def offset_of_tail(self) -> int:
        """Where the last `tail` lines of what is still here begin."""
        if not self.session.tail:
            return self.end
        at = len(self._buffer)
        if self._buffer.endswith(b"\n"):
            at -= 1
        for _ in range(self.session.tail):
            at = self._buffer.rfind(b"\n", 0, at)
            if at < 0:
                return self.start
        return self.start + at + 1

    async def wait(self) -> None:
        """Until something changed."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._changed)

    def wake(self) -> None:
        """Lets all who wait look again."""
        if self._changed is not None:
            self._changed.set_result(None)
            self._changed = None

    def _say(self, sentence: str) -> None:
        """A line of ours, alone on its line."""
        broken = bool(self._buffer) and not self._buffer.endswith(b"\n")
        self._buffer += f"{chr(10) if broken else ''}{sentence}\n".encode()

    def _cut(self) -> None:
        excess = len(self._buffer) - BUFFER_BYTES
        if self.session.follow and excess > SLACK_BYTES:
            del self._buffer[:excess]
            self.start += excess
