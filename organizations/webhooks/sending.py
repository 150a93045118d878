"""One request to a receiver: to an address that was looked at, without redirects or proxies, and within its time."""

import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpcore

from organizations.webhooks.reach import NotReachable, allowed_addresses

CONNECT_SECONDS, TOTAL_SECONDS = 5.0, 10.0
MOST_ANSWER_BYTES = 64 * 1024
"""So much of an answer is read before the connection is closed; none of it is kept."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it. `error` is empty where the receiver took it."""

    status: int | None
    error: str
    milliseconds: int

    @property
    def is_good(self) -> bool:
        return not self.error


def send(*, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
    """POST it once. Never raises."""
    began = time.monotonic()
    status: int | None = None
    try:
        status = _post(url, headers, body, began + TOTAL_SECONDS)
        error = "" if 200 <= status < 300 else _refusal(status)
    except NotReachable as refusal:
        error = str(refusal)
    except (httpcore.TimeoutException, TimeoutError):
        error = f"No answer within {TOTAL_SECONDS:g} s."
    except Exception as failure:
        error = _failure(failure)
    return Outcome(status, error, round((time.monotonic() - began) * 1000))


def _post(url: str, headers: Mapping[str, str], body: bytes, until: float) -> int:
    parts = urlsplit(url)
    sent = {
        "Host": parts.netloc,
        "User-Agent": "mlops-hypervisor-webhooks",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **headers,
    }
    timeouts = dict.fromkeys(("read", "write", "pool"), TOTAL_SECONDS) | {"connect": CONNECT_SECONDS}
    backend = _Dialler(allowed_addresses(url), until)
    with httpcore.ConnectionPool(network_backend=backend, max_connections=1) as pool:
        request = httpcore.Request(
            "POST", url, headers=list(sent.items()), content=body, extensions={"timeout": timeouts}
        )
        response = pool.handle_request(request)
        try:
            read = 0
            for piece in response.iter_stream():
                read += len(piece)
                if read > MOST_ANSWER_BYTES:
                    break
        finally:
            response.close()
        return response.status


def _refusal(status: int) -> str:
    if 300 <= status < 400:
        return f"It answered {status}, a redirect, which is not followed. Write the address that it leads to."
    return f"It answered {status}."


def _failure(failure: Exception) -> str:
    """What went wrong, in our words: nothing that a receiver sends, nor what is behind it, ends in the log."""
    if failure.args and isinstance(failure.args[0], ssl.SSLCertVerificationError):
        return f"Its certificate is not good: {failure.args[0].verify_message}."
    if isinstance(failure, httpcore.ConnectError):
        return "Nothing answers there."
    if isinstance(failure, httpcore.ProtocolError):
        return "It does not speak HTTP, or closed the connection without an answer."
    return "The connection broke."


class _Dialler(httpcore.NetworkBackend):
    """Connects to the addresses that were looked at, and to nothing else."""

    def __init__(self, addresses: list[str], until: float) -> None:
        self._addresses, self._until, self._plain = addresses, until, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """The first that answers. Raises what httpcore does."""
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._addresses:
            try:
                stream = self._plain.connect_tcp(address, port, _left(self._until, timeout))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as caught:
                failure = caught
            else:
                return _Timed(stream, self._until)
        raise failure


class _Timed(httpcore.NetworkStream):
    """Each wait ends when the time of all of it is over, however slowly the other side drips."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream, self._until = stream, until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._until, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._until, timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        under = self._stream.start_tls(ssl_context, server_hostname, _left(self._until, timeout))
        return _Timed(under, self._until)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(until: float, timeout: float | None) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left if timeout is None else min(left, timeout)
