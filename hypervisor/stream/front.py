"""Passes each request on to web, and puts a log or a stream of events in the place of an answer that names one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import structlog

from clusters.event_protocol import EVENTS_HEADER
from deployments.log_protocol import STREAM_HEADER
from hypervisor.front import PEER_HEADER, PROOF_HEADER, STILL_HEADER
from hypervisor.stream import asgi
from hypervisor.stream.answers import Answers, BrokenOff, NoRoom
from hypervisor.stream.asgi import Header, Receive, Scope, Send
from hypervisor.stream.bodies import Bodies, ClientGone, Refused
from hypervisor.stream.still import Still
from hypervisor.stream.upstream import Answer, Upstream, WebBusy, WebDown

log = structlog.get_logger(__name__)
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"te", b"trailer",
     b"transfer-encoding", b"upgrade")
)  # fmt: skip
"""RFC 9110, 7.6.1: of one connection, not of the message; with them goes all that `Connection` names."""

_NEVER_DROPPED = frozenset((b"host", b"content-length", b"authorization", b"cookie", b"x-forwarded-for",
                             b"x-forwarded-proto"))  # fmt: skip
_OURS = b"x-hypervisor-"
LOGS, EVENTS, _PEER, _PROOF, _STILL = (
    name.lower().encode() for name in (STREAM_HEADER, EVENTS_HEADER, PEER_HEADER, PROOF_HEADER, STILL_HEADER)
)
StandIn = Callable[[str, Sequence[Header], Receive, Send, Still], Awaitable[None]]
"""Answers in web's place: what web named, web's own headers, both ends of the connection, and web's word later on."""
_SOON = ((b"retry-after", b"1"),)


class Front:
    """An ASGI application. `proof` shows web that it may believe us; a header of web's picks one of `stand_ins`."""

    def __init__(self, upstream: Upstream, stand_ins: Mapping[bytes, StandIn], *, proof: str) -> None:
        self._upstream, self._stand_ins, self._proof = upstream, stand_ins, proof.encode()
        self._bodies, self._answers = Bodies(), Answers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        try:
            await self._answer(await self._ask(scope, receive), scope, receive, send)
        except Refused as refusal:
            # What is left of the body stands where the next request would begin.
            await asgi.problem(send, refusal.status, str(refusal), ((b"connection", b"close"),))
        except WebDown as error:
            log.info("web_does_not_answer", method=method, path=scope["path"], error=str(error))
            await asgi.problem(send, 502, "The web server does not answer. Try again in a moment.", _SOON)
        except WebBusy:
            await asgi.problem(send, 503, "Too many requests are waiting. Try again in a moment.", _SOON)
        except NoRoom:
            await asgi.problem(
                send, 503, "Too many long answers are on their way just now. Try again in a moment.", _SOON
            )
        except BrokenOff as error:
            # Nothing is sent any more: its missing end says so.
            log.info("answer_broken_off", method=method, path=scope["path"], error=str(error))
        except ClientGone:
            return

    async def _ask(self, scope: Scope, receive: Receive) -> Answer:
        async with self._bodies.whole(scope["headers"], receive) as content:
            headers = self._headers(scope, content)
            return await self._upstream.ask(scope["method"], _target(scope), headers, content)

    async def _answer(self, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            headers = _end_to_end(answer.headers)
            named = next((pair for pair in answer.headers if pair[0] in self._stand_ins), None)
            if named is None:
                await self._answers.pass_on(answer, headers, send)
                return
            async for _ in answer.pieces():
                pass
        finally:
            answer.close()
        name, value = named
        await self._stand_ins[name](
            value.decode("latin-1"), headers, receive, send, partial(self._ask_again, scope)
        )

    async def _ask_again(self, scope: Scope) -> int:
        """See `Still`; 503 where web does not answer."""
        headers = [pair for pair in self._headers(scope, None) if pair[0] != b"content-length"]
        try:
            # HEAD: web checks all that it did, and begins nothing.
            answer = await self._upstream.ask("HEAD", _target(scope), [*headers, (_STILL, b"1")], None)
        except (WebDown, WebBusy):
            return 503
        try:
            async for _ in answer.pieces():
                pass
        finally:
            answer.close()
        return answer.status

    def _headers(self, scope: Scope, content: bytes | None) -> list[Header]:
        given: list[Header] = scope["headers"]
        # WSGI has one key for - and _, and the last of both wins: X_Forwarded_For would hide what the proxy in front
        # of us wrote, and so let a client choose its address. nginx drops such names, too.
        headers = [
            (name, value) for name, value in _end_to_end(given) if name != b"expect" and b"_" not in name
        ]
        names = {name for name, _ in given}
        if b"host" not in names:
            # HTTP/1.0 needs none. Django refuses an empty one, as it does without us.
            headers.append((b"host", b""))
        if b"transfer-encoding" in names:
            # It came in chunks, and is here as a whole; WSGI knows no body without a length.
            headers = [pair for pair in headers if pair[0] != b"content-length"]
            headers.append((b"content-length", b"%d" % len(content or b"")))
        client = scope.get("client")
        return [*headers, (_PEER, client[0].encode() if client else b""), (_PROOF, self._proof)]


def _target(scope: Scope) -> bytes:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return b"%b?%b" % (path, query) if query else path


def _end_to_end(headers: Sequence[Header]) -> list[Header]:
    """Without what belongs to one connection, and without our own words, which nobody else may say."""
    dropped = _HOP_BY_HOP
    for name, value in headers:
        if name == b"connection":
            # Without those left out here a message would lose its end, its address or its sender.
            dropped |= {word.strip().lower() for word in value.split(b",")} - _NEVER_DROPPED
    return [pair for pair in headers if pair[0] not in dropped and not pair[0].startswith(_OURS)]
