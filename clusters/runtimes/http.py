"""The one door to every engine that speaks HTTP.

No redirect is followed, no proxy and no environment is used, and nothing that an engine sends ends in a message.
"""

import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpcore

from .base import RuntimeFailure
from .endpoints import Endpoint, Reach, Scheme
from .tls import tls_context, tls_failure
from .wire import Dialler, too_slow, until

CONNECT_SECONDS, CALL_SECONDS, TOTAL_SECONDS = 5.0, 10.0, 30.0
"""The longest that a connect, one wait for an engine and a call as a whole take."""
MAX_ANSWER_BYTES = 64 * 1024 * 1024
_KEPT_CONNECTIONS, _KEPT_SECONDS = 8, 30.0
_NOT_MODIFIED = 304  # Docker's word for "it is so already"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine said. `body` is its JSON, else its text, None when it is empty; header names are small."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ByteStream:
    """An answer's body, piece by piece. Iterating raises RuntimeFailure and nothing else."""

    def __init__(self, response: httpcore.Response, wait_until: float | None) -> None:
        self.status = response.status
        self.headers = _headers_of(response)
        self._response = response
        self._chunks = response.iter_stream()
        self._until = wait_until
        self._lock = threading.Lock()
        self._reading = False
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        while (chunk := self._next()) is not None:
            yield chunk

    def close(self) -> None:
        """End it, also from another thread while that one waits for the next piece. Twice is fine."""
        with self._lock:
            self._closed = True
            if self._reading:
                self._response.extensions["network_stream"].abort()
                return
        self._response.close()

    def _next(self) -> bytes | None:
        with self._lock:
            if self._closed:
                return None
            self._reading = True
        chunk, failure = None, None
        try:
            with until(self._until):
                chunk = next(self._chunks, None)
        except Exception as error:
            failure = failure_of(error)
        with self._lock:
            self._reading = False
            closed = self._closed
            self._closed = closed or chunk is None
        if self._closed:
            self._response.close()
        if failure is not None and not closed:
            raise failure
        return None if closed else chunk


class EngineHTTP:
    """HTTP to one engine, over connections that are kept for the next call. Any thread may use it."""

    def __init__(self, endpoint: Endpoint, reach: Reach, *, bearer: str = "") -> None:
        secure = endpoint.scheme is Scheme.HTTPS
        host = "localhost" if endpoint.scheme is Scheme.UNIX else endpoint.host
        if not host.isascii() or not host:
            raise RuntimeFailure("The engine's host is no host name.", permanent=True)
        self._origin = (b"https" if secure else b"http", host.encode(), endpoint.port or None)
        self._host = f"[{host}]" if ":" in host else host
        if endpoint.port:
            self._host += f":{endpoint.port}"
        self._bearer = bearer
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls_context(endpoint.ca, endpoint.cert, endpoint.key) if secure else None,
            max_connections=None,
            max_keepalive_connections=_KEPT_CONNECTIONS,
            keepalive_expiry=_KEPT_SECONDS,
            uds=endpoint.path if endpoint.scheme is Scheme.UNIX else None,
            network_backend=Dialler(endpoint, reach),
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = CALL_SECONDS,
    ) -> Answer:
        """The engine's whole answer, whatever its status but a redirect.

        `seconds`: the longest silence; the call as a whole takes TOTAL_SECONDS at most (or `seconds`, if longer).
        Raises RuntimeFailure.
        """
        wait_until = time.monotonic() + max(TOTAL_SECONDS, seconds)
        with until(wait_until):
            stream = ByteStream(self._send(method, path, query, body, headers, seconds), wait_until)
        content = bytearray()
        try:
            for chunk in stream:
                content += chunk
                if len(content) > MAX_ANSWER_BYTES:
                    raise RuntimeFailure("The engine's answer is too long.", permanent=False)
        finally:
            stream.close()
        return Answer(stream.status, _parsed(bytes(content)), stream.headers)

    def stream(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        idle_seconds: float | None = None,
        total_seconds: float | None = None,
    ) -> ByteStream:
        """The engine's answer as it comes: the head is here, the body follows.

        `idle_seconds`: the longest silence (None: CALL_SECONDS for the head, then any); `total_seconds`: the longest
        that all of it takes (None: any). Raises RuntimeFailure.
        """
        now = time.monotonic()
        wait_until = None if total_seconds is None else now + total_seconds
        head_until = now + max(TOTAL_SECONDS, idle_seconds or 0)
        with until(head_until if wait_until is None else min(head_until, wait_until)):
            response = self._send(method, path, query, body, headers, idle_seconds or CALL_SECONDS)
        return ByteStream(response, wait_until)

    def close(self) -> None:
        """Close all connections; streams that are still read end."""
        self._pool.close()

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Any,
        headers: Mapping[str, str] | None,
        seconds: float,
    ) -> httpcore.Response:
        scheme, host, port = self._origin
        target = f"{path}?{urlencode(query, doseq=True)}" if query else path
        content = b"" if body is None else json.dumps(body).encode()
        sent = {"Host": self._host, "Accept": "application/json", "User-Agent": "mlops-hypervisor"}
        if self._bearer:
            sent["Authorization"] = f"Bearer {self._bearer}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        if body is not None or method != "GET":
            sent["Content-Length"] = str(len(content))
        timeouts = {"connect": CONNECT_SECONDS, "read": seconds, "write": seconds, "pool": CONNECT_SECONDS}
        try:
            request = httpcore.Request(
                method,
                httpcore.URL(scheme=scheme, host=host, port=port, target=target.encode()),
                headers=list((sent | dict(headers or {})).items()),
                content=content or None,
                extensions={"timeout": timeouts},
            )
            response = self._pool.handle_request(request)
        except RuntimeFailure:
            raise
        except Exception as error:
            raise failure_of(error) from None  # its text may hold a header, and so a secret
        if 300 <= response.status < 400 and response.status != _NOT_MODIFIED:
            response.close()
            raise RuntimeFailure(
                "The engine answered with a redirect, which is not followed.", permanent=False
            )
        return response


def failure_of(error: Exception) -> RuntimeFailure:
    """What any problem of a call is, in our words."""
    if isinstance(error, RuntimeFailure):
        return error
    if isinstance(error, (httpcore.TimeoutException, TimeoutError)):
        return too_slow()
    if isinstance(error, (httpcore.LocalProtocolError, UnicodeError, TypeError, ValueError)):
        return RuntimeFailure("This call cannot be put into HTTP.", permanent=True)
    if isinstance(error, httpcore.RemoteProtocolError) and str(error).startswith("Server disconnected"):
        return RuntimeFailure("The engine closed the connection without an answer.", permanent=False)
    if isinstance(error, httpcore.RemoteProtocolError):
        return RuntimeFailure(
            "The engine does not speak HTTP, or ended in the middle of it.", permanent=False
        )
    if error.args and isinstance(error.args[0], ssl.SSLError):  # httpcore forgets an error's cause
        return tls_failure(error.args[0])
    return RuntimeFailure("The connection to the engine broke.", permanent=False)


def _headers_of(response: httpcore.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}


def _parsed(content: bytes) -> Any:
    if not content:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode(errors="replace")
