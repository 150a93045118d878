"""Calls to a Docker engine, and what its refusals mean."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from .base import RuntimeFailure
from .http import CALL_SECONDS, Answer, ByteStream, EngineHTTP

OLDEST_VERSION = "1.41"
"""The version of the API that we speak: Docker 20.10 and newer."""
_TOO_OLD = re.compile(r"client version \S+ is too old\. minimum supported api version is 1\.(\d{2})\b")
_FAR_SECONDS = 2


class DockerAPI:
    """One engine. Answers come whatever their status, but never of a wrong shape where `speaking` wraps their use."""

    def __init__(self, http: EngineHTTP) -> None:
        self._http = http
        self._version, self._agreed = OLDEST_VERSION, False

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        seconds: float = CALL_SECONDS,
    ) -> Answer:
        """See `EngineHTTP.call`; `path` comes without its version."""
        answer = self._http.call(method, self._path(path), query=query, body=body, seconds=seconds)
        if answer.status == 400 and self._learnt(message_of(answer)):
            answer = self._http.call(method, self._path(path), query=query, body=body, seconds=seconds)
        self._agreed = True
        return answer

    def stream(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        idle_seconds: float | None = None,
        total_seconds: float | None = None,
    ) -> ByteStream:
        """See `EngineHTTP.stream`; `path` comes without its version."""
        if not self._agreed:
            self.call("GET", "/_ping")
        return self._http.stream(
            method,
            self._path(path),
            query=query,
            headers=headers,
            idle_seconds=idle_seconds,
            total_seconds=total_seconds,
        )

    def _learnt(self, said: str) -> bool:
        """Whether the engine told of a newer version that it wants. Raises RuntimeFailure if it is itself too old."""
        if "client version" in said and "is too new" in said:
            raise too_old()
        newer = _TOO_OLD.search(said)
        if newer is None or self._version != OLDEST_VERSION:
            return False
        # Docker 29 and later have given up what we speak; what we use is still the same there.
        self._version = f"1.{newer[1]}"
        return True

    def _path(self, path: str) -> str:
        return f"/v{self._version}{path}"


@contextmanager
def speaking() -> Iterator[None]:
    """Whatever is missing or of a wrong shape in an answer that is read inside is a RuntimeFailure."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError):
        raise not_docker() from None


def not_docker() -> RuntimeFailure:
    """An answer that no Docker engine gives."""
    return RuntimeFailure("What answers there does not speak as a Docker engine.", permanent=False)


def too_old() -> RuntimeFailure:
    """An engine from before our version of the API."""
    return RuntimeFailure("This Docker engine is too old. Install version 20.10 or newer.", permanent=True)


def unexpected(answer: Answer | ByteStream) -> RuntimeFailure:
    """A refusal that we know no more of than its number."""
    return RuntimeFailure(f"The engine answered with status {answer.status}.", permanent=False)


def listed(answer: Answer) -> list[Any]:
    """The list that was asked for. Anything else is a failure: an empty one would mean that all is gone."""
    if answer.status != 200:
        raise unexpected(answer)
    if not isinstance(answer.body, list):
        raise not_docker()
    return answer.body


def message_of(answer: Answer) -> str:
    """What the engine said of an error, in small letters: to be recognized, never to be shown."""
    said = answer.body.get("message") if isinstance(answer.body, dict) else answer.body
    return said.lower() if isinstance(said, str) else ""


def filters(**wanted: list[str]) -> dict[str, str]:
    """A query that filters a list."""
    return {"filters": json.dumps(wanted)}


def engine_now(answer: Answer) -> datetime:
    """The engine's clock when it answered (whole seconds), or ours if it does not tell."""
    try:
        told = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError, TypeError, IndexError, OverflowError):
        return datetime.now(UTC)
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def skew_of(answer: Answer) -> timedelta:
    """How far the engine's clock is ahead of ours; nothing when it is near, since it tells only whole seconds."""
    ahead = engine_now(answer) - datetime.now(UTC)
    return ahead if abs(ahead.total_seconds()) > _FAR_SECONDS else timedelta()
