"""Connections to engines: every one is made here, after its address was looked at.

A host is resolved once for each connect, and the connection goes to exactly the address that `Reach` allowed.
"""

import errno
import ipaddress
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpcore

from .base import RuntimeFailure
from .endpoints import Address, Endpoint, Reach, Scheme
from .tls import tls_failure

_KEEPALIVE = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))
_budget = threading.local()


@contextmanager
def until(moment: float | None) -> Iterator[None]:
    """All that this thread waits for on a wire inside this block ends at `moment` (monotonic seconds)."""
    before = getattr(_budget, "moment", None)
    _budget.moment = moment
    try:
        yield
    finally:
        _budget.moment = before


def time_left(timeout: float | None) -> float | None:
    """The time-out (seconds), cut to what this thread has left. Raises TimeoutError when that is nothing."""
    moment = getattr(_budget, "moment", None)
    if moment is None:
        return timeout
    left: float = moment - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left if timeout is None else min(left, timeout)


class Wire(httpcore.NetworkStream):
    """A connected socket, whose waits end with its caller's budget."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most so many bytes; b"" at the end."""
        try:
            self._sock.settimeout(time_left(timeout))
            return self._sock.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout from error
        except OSError as error:
            raise httpcore.ReadError(error) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of the buffer."""
        try:
            while buffer:
                self._sock.settimeout(time_left(timeout))
                buffer = buffer[self._sock.send(buffer) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout from error
        except OSError as error:
            raise httpcore.WriteError(error) from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> "Wire":
        """The same connection under TLS."""
        try:
            self._sock.settimeout(time_left(timeout))
            return Wire(ssl_context.wrap_socket(self._sock, server_hostname=server_hostname))
        except TimeoutError as error:
            self.close()
            raise too_slow() from error
        except (ConnectionError, ssl.SSLEOFError) as error:
            self.close()
            raise RuntimeFailure("The engine closed the connection.", permanent=False) from error
        except (OSError, ValueError) as error:
            self.close()
            raise tls_failure(error) from error

    def abort(self) -> None:
        """End a read that another thread is blocked in."""
        with suppress(OSError):  # it may have ended already
            # Not the method of SSLSocket: it would take TLS away under the reader's hands.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back; who reads from it sees its end."""
        self.abort()
        self._sock.close()

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of its streams."""
        if info == "is_readable":
            return _is_readable(self._sock)
        return self._sock if info == "socket" else None


class Dialler(httpcore.NetworkBackend):
    """Connects to one endpoint and nowhere else, whatever httpcore asks for."""

    def __init__(self, endpoint: Endpoint, reach: Reach) -> None:
        self._endpoint, self._reach = endpoint, reach

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to an address that may be reached. Raises RuntimeFailure."""
        sock = self._connect(timeout)
        if self._endpoint.scheme is not Scheme.SSH:
            return Wire(sock)
        from .ssh import dial_stdio  # paramiko is slow to import, and seldom needed

        return dial_stdio(sock, self._endpoint, time_left(timeout))

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the endpoint's socket on this machine. Raises RuntimeFailure."""
        self._refuse_if(self._reach.why_not(self._endpoint))
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        return Wire(_connected(sock, self._endpoint.path, timeout))

    def _connect(self, timeout: float | None) -> socket.socket:
        self._refuse_if(self._reach.why_not(self._endpoint))
        found = resolve(self._endpoint.host, self._endpoint.port, time_left(timeout))
        refusals = {known: self._reach.why_not(self._endpoint, known) for _, known, _ in found}
        allowed = [(family, target) for family, known, target in found if refusals[known] is None]
        if not allowed:
            self._refuse_if(next(iter(refusals.values())))
        failure = no_such_host()
        for family, target in allowed:
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                _connected(sock, target, timeout)
            except RuntimeFailure as caught:
                failure = caught
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _KEEPALIVE:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
            return sock
        raise failure

    @staticmethod
    def _refuse_if(reason: str | None) -> None:
        if reason is not None:
            raise RuntimeFailure(reason, permanent=True)


Found = tuple[socket.AddressFamily, Address, Any]


def resolve(host: str, port: int, timeout: float | None) -> list[Found]:
    """The host's addresses: (family, address, what to connect to). Raises RuntimeFailure."""
    answers: list[list[Any]] = []

    def ask() -> None:
        try:
            answers.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            answers.append([])

    # The system's resolver knows no time-out: who waits for it must be able to leave it behind.
    thread = threading.Thread(target=ask, daemon=True, name="resolve")
    thread.start()
    thread.join(timeout)
    if not answers:
        raise RuntimeFailure("The engine's host name was not resolved in time.", permanent=False)
    found = [
        (family, ipaddress.ip_address(target[0]), target)
        for family, _, _, _, target in answers[0]
        if family in (socket.AF_INET, socket.AF_INET6)
    ]
    if not found:
        raise no_such_host()
    return found


def no_such_host() -> RuntimeFailure:
    """The name has no address."""
    return RuntimeFailure("The engine's host name has no address.", permanent=False)


def too_slow() -> RuntimeFailure:
    """A time-out."""
    return RuntimeFailure("The engine did not answer in time.", permanent=False)


def _connected(sock: socket.socket, target: Any, timeout: float | None) -> socket.socket:
    try:
        sock.settimeout(time_left(timeout))
        sock.connect(target)
    except OSError as error:
        sock.close()
        raise _connect_failure(error) from error
    return sock


def _connect_failure(error: OSError) -> RuntimeFailure:
    if isinstance(error, TimeoutError):
        return too_slow()
    if isinstance(error, ConnectionRefusedError):
        return RuntimeFailure("The engine refused the connection: nothing listens there.", permanent=False)
    if error.errno in (errno.ENOENT, errno.ENOTSOCK):
        return RuntimeFailure("There is no socket of that name.", permanent=False)
    if isinstance(error, PermissionError):
        return RuntimeFailure("This service may not use that socket.", permanent=False)
    return RuntimeFailure("The engine cannot be reached over the network.", permanent=False)


def _is_readable(sock: socket.socket) -> bool:
    """An idle connection that is readable has ended."""
    if sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
