"""The few words of ASGI that this process speaks."""

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]


async def start(send: Send, status: int, headers: Iterable[Header]) -> None:
    """The status line and the headers of an answer."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def body(send: Send, data: bytes, *, more: bool) -> None:
    """A piece of the answer's body."""
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def problem(send: Send, status: int, detail: str, headers: Iterable[Header] = ()) -> None:
    """A whole answer: RFC 9457's JSON, as everywhere in this service."""
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    data = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    own = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(data))]
    await start(send, status, [*own, *headers])
    await body(send, data, more=False)
