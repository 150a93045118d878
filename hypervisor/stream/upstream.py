"""Asking web: one pool of kept connections, over its unix socket or TCP."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

import httpcore

from hypervisor.stream.asgi import Header

CONNECTIONS = 128
CONNECT_SECONDS = 2.0
"""So long a web that is just starting again is waited for."""
TIMEOUTS = {"connect": 2.0, "pool": 30.0, "read": 120.0, "write": 60.0}
_AGAIN_SECONDS = 0.05
_REPEATABLE = frozenset({"GET", "HEAD"})


class WebDown(Exception):
    """Web did not answer."""


class WebBusy(Exception):
    """No connection to web became free in time."""


class WrongRequest(Exception):
    """What the client sent cannot be written as HTTP/1.1."""


class Upstream:
    """Web, at `unix:///PATH` or `http://HOST:PORT`."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        is_socket = parts.scheme == "unix"
        self._host = "web" if is_socket else (parts.hostname or "")
        self._port = None if is_socket else (parts.port or 80)
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=20.0,
            uds=parts.path if is_socket else None,
        )

    async def ask(
        self, method: str, target: bytes, headers: Sequence[Header], content: AsyncIterator[bytes] | None
    ) -> httpcore.Response:
        """The answer, its body still unread; close it. Raises WebDown, WebBusy or WrongRequest."""
        deadline = time.monotonic() + CONNECT_SECONDS
        repeatable = content is None and method in _REPEATABLE
        while True:
            request = httpcore.Request(
                method,
                httpcore.URL(scheme="http", host=self._host, port=self._port, target=target),
                headers=list(headers),
                content=b"" if content is None else content,
                extensions={"timeout": TIMEOUTS},
            )
            try:
                return await self._pool.handle_async_request(request)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure: Exception = error
            except httpcore.PoolTimeout as error:
                raise WebBusy from error
            except httpcore.LocalProtocolError as error:
                raise WrongRequest(str(error)) from error
            except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
                # A kept connection may end just as it is used again.
                if not repeatable:
                    raise WebDown from error
                failure = error
            except httpcore.TimeoutException as error:
                raise WebDown from error
            if time.monotonic() > deadline:
                raise WebDown from failure
            await asyncio.sleep(_AGAIN_SECONDS)

    async def close(self) -> None:
        """Ends all connections."""
        await self._pool.aclose()
