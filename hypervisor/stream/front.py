"""Passes each request on to web, and puts a log in the place of an answer that names one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import httpcore
import structlog

from deployments.log_protocol import STREAM_HEADER
from hypervisor.front import PEER_HEADER, PROOF_HEADER
from hypervisor.stream import asgi
from hypervisor.stream.asgi import Header, Receive, Scope, Send
from hypervisor.stream.follow import LogResponse
from hypervisor.stream.upstream import Upstream, WebBusy, WebDown, WrongRequest

log = structlog.get_logger(__name__)
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"te", b"trailer",
     b"transfer-encoding", b"upgrade")
)  # fmt: skip
"""RFC 9110, 7.6.1: of one connection, not of the message; with them goes all that `Connection` names."""

_OURS = b"x-hypervisor-"
_STREAM, _PEER, _PROOF = (name.lower().encode() for name in (STREAM_HEADER, PEER_HEADER, PROOF_HEADER))
_MOVED = ((b"retry-after", b"1"),)


class Front:
    """An ASGI application. `proof` shows web that it may believe us."""

    def __init__(self, upstream: Upstream, logs: LogResponse, *, proof: str) -> None:
        self._upstream, self._logs, self._proof = upstream, logs, proof.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        try:
            answer = await self._upstream.ask(
                method, _target(scope), self._headers(scope), _content(scope["headers"], receive)
            )
        except WebDown:
            log.warning("web_does_not_answer", method=method, path=scope["path"])
            await asgi.problem(send, 502, "The web server does not answer. Try again in a moment.", _MOVED)
        except WebBusy:
            await asgi.problem(send, 503, "Too many requests are waiting. Try again in a moment.", _MOVED)
        except WrongRequest:
            await asgi.problem(send, 400, "The request is malformed.")
        except _ClientGone:
            return
        else:
            await self._answer(answer, receive, send)

    async def _answer(self, answer: httpcore.Response, receive: Receive, send: Send) -> None:
        try:
            key = next((value for name, value in answer.headers if name.lower() == _STREAM), None)
            headers = _end_to_end(answer.headers)
            if key is None:
                await asgi.start(send, answer.status, headers)
                async for piece in answer.aiter_stream():
                    await asgi.body(send, piece, more=True)
                await asgi.body(send, b"", more=False)
                return
            await answer.aread()
        finally:
            with contextlib.suppress(httpcore.NetworkError, httpcore.ProtocolError):
                await asyncio.shield(answer.aclose())
        await self._logs(key.decode("latin-1"), headers, receive, send)

    def _headers(self, scope: Scope) -> list[Header]:
        headers = [pair for pair in _end_to_end(scope["headers"]) if pair[0].lower() != b"expect"]
        if not any(name.lower() == b"host" for name, _ in headers):
            # HTTP/1.0 needs none; what is asked in its place is what Django would have taken.
            headers.insert(0, (b"host", (scope.get("server") or ("localhost",))[0].encode()))
        client = scope.get("client")
        if any(name.lower() == b"transfer-encoding" for name, _ in scope["headers"]):
            headers.append((b"transfer-encoding", b"chunked"))
        return [*headers, (_PEER, (client[0] if client else "").encode()), (_PROOF, self._proof)]


class _ClientGone(Exception):
    """The client went away in the middle of its request."""


def _target(scope: Scope) -> bytes:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return b"%b?%b" % (path, query) if query else path


def _end_to_end(headers: Sequence[Header]) -> list[Header]:
    """Without what belongs to one connection, and without our own words, which nobody else may say."""
    named = {
        word.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for word in value.split(b",")
    }
    # Without these a message would lose its end or its address.
    dropped = _HOP_BY_HOP | (named - {b"host", b"content-length", b"authorization", b"cookie"})
    return [
        (name, value)
        for name, value in headers
        if (low := name.lower()) not in dropped and not low.startswith(_OURS)
    ]


def _content(headers: Sequence[Header], receive: Receive) -> AsyncIterator[bytes] | None:
    """The body, or None for a request that has none."""
    for name, value in headers:
        low = name.lower()
        if low == b"transfer-encoding" or (low == b"content-length" and value != b"0"):
            return _pieces(receive)
    return None


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGone
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return
