"""Requests to a Docker engine, told apart by their heads. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum

MOST_HEAD_BYTES = 64 * 1024


class Kind(StrEnum):
    """What a request is about."""

    START = "start"
    STOP = "stop"
    RECONCILE = "reconcile"
    REMOVE = "remove"
    PULL = "pull"
    LOGS = "logs"
    EVENTS = "events"
    OTHER = "other"


_VERSION = re.compile(r"^/v\d+\.\d+(?=/)")
_KINDS: tuple[tuple[str, str, Kind], ...] = (
    ("POST", r"/containers/create", Kind.START),
    ("POST", r"/containers/[^/]+/start", Kind.START),
    ("POST", r"/containers/[^/]+/(kill|stop)", Kind.STOP),
    ("GET", r"/containers/json", Kind.RECONCILE),
    ("DELETE", r"/containers/[^/]+", Kind.REMOVE),
    ("POST", r"/images/create", Kind.PULL),
    ("GET", r"/containers/[^/]+/logs", Kind.LOGS),
    ("GET", r"/events", Kind.EVENTS),
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request's first line and the length of its body in bytes; None: it is told only while it comes."""

    method: str
    path: str
    body_bytes: int | None

    @property
    def kind(self) -> Kind:
        """What it is about."""
        found = (
            kind for method, path, kind in _KINDS if method == self.method and re.fullmatch(path, self.path)
        )
        return next(found, Kind.OTHER)


def parse_head(head: bytes) -> Request:
    """From the bytes up to the empty line. The path comes without the API's version and the query.

    Raises ValueError for what is no HTTP.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(f"{first!r} does not begin a request.")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    streamed = "transfer-encoding" in headers or "upgrade" in headers
    path = _VERSION.sub("", target.partition("?")[0])
    return Request(method, path, None if streamed else int(headers.get("content-length", "0")))
