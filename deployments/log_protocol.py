"""The words between web, engine workers and the stream process: keys and entries in Redis, headers, times.

Pure, because all three import it. A session is one log on its way: web asks for it by pushing its key to `ASKED`,
an agent in an engine worker takes a lease on it and writes entries to the Redis stream of that key, and the stream
process reads them, as long as somebody wants it.
"""

from dataclasses import dataclass
from enum import StrEnum

ASKED = "logs:asked"
"""A list of keys of sessions that no worker has taken yet."""
STREAM_HEADER = "X-Hypervisor-Stream"
"""On an answer of web: the session that the client gets in its place."""
FRONT_MARK = "hypervisor.front"
"""In a WSGI environ: the request came through the stream process, which understands that header."""

DEFAULT_TAIL, LONGEST_TAIL = 1000, 10_000
"""Lines."""
LOOK_SECONDS = 5.0
"""How often wishes and leases are renewed and looked at."""
WANTED_SECONDS = 20
LEASE_SECONDS = 15
KEPT_SECONDS = 60
"""How long entries stay after the last look at them."""
ANSWER_SECONDS = 15.0
"""After so long without a worker the client is told so."""
CHUNK_BYTES = 8192
FOLLOWED_ENTRIES = 512
ONCE_BYTES = 4 * 1024 * 1024
"""The most of a log that is not followed; its beginning is cut."""


class Entry(StrEnum):
    """The kinds of entries, each in the field `kind`."""

    TAKEN = "taken"
    """A worker is at it."""
    OPEN = "open"
    """The engine answers; all that can still go wrong is told in the text."""
    DATA = "data"
    """Bytes of the log, in the field `data`."""
    ERROR = "error"
    """It failed: a sentence in `data`, an HTTP status in `status`. The last entry."""
    END = "end"
    """The log is over. The last entry."""
    AGAIN = "again"
    """The worker gave it up; who still wants it asks again."""


@dataclass(frozen=True, slots=True)
class Session:
    """One log on its way. `token` tells it from other times that the same was asked for."""

    run_id: int
    tail: int
    follow: bool
    token: str

    @property
    def key(self) -> str:
        """The Redis stream; it says all there is to know of the session."""
        return f"logs:{'follow' if self.follow else 'once'}:{self.run_id}:{self.tail}:{self.token}"

    @property
    def shared(self) -> str:
        """Where the token of the session that all followers of the same share is found."""
        return f"logs:shared:{self.run_id}:{self.tail}"


def parse(key: str) -> Session:
    """The session of this key. Raises ValueError for what is none."""
    kind, how, run_id, tail, token = key.split(":")
    if kind != "logs" or how not in {"follow", "once"}:
        raise ValueError(f"{key!r} is the key of no session")
    return Session(int(run_id), int(tail), how == "follow", token)


def wanted(key: str) -> str:
    """Exists while somebody wants the session."""
    return f"{key}:wanted"


def lease(key: str) -> str:
    """Holds the name of the agent that writes the session; gone when that one died."""
    return f"{key}:lease"


def last_lines(text: str, tail: int) -> str:
    """The last `tail` lines of a text."""
    return "".join(text.splitlines(keepends=True)[-tail:]) if tail else ""
