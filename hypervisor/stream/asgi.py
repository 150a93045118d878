"""The few words of ASGI that this process speaks."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
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


async def body(send: Send, data: bytes, *, more: bool, within: float | None = None) -> None:
    """A piece of the answer's body. Raises TimeoutError if the client does not take it `within` so many seconds."""
    async with asyncio.timeout(within):
        await send({"type": "http.response.body", "body": data, "more_body": more})


async def problem(send: Send, status: int, detail: str, headers: Iterable[Header] = ()) -> None:
    """A whole answer: RFC 9457's JSON, as everywhere in this service."""
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    data = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    own = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(data))]
    await start(send, status, [*own, *headers])
    await body(send, data, more=False)


def stream_of(kind: bytes) -> list[Header]:
    """The headers of an answer that goes on as things happen, and that nobody on the way may keep or hold back."""
    return [
        (b"content-type", kind),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
        (b"x-content-type-options", b"nosniff"),
    ]


def kept_of_web(headers: Iterable[Header]) -> list[Header]:
    """Those of web's answer that belong to the one in its place, too."""
    return [pair for pair in headers if pair[0].lower() == b"x-request-id"]


async def until_gone(answer: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Runs the answer, and ends it when the client goes away."""
    answering = asyncio.ensure_future(answer)
    watching = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((answering, watching), return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            answering.result()
    finally:
        for task in (answering, watching):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await task


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
