"""A relay between clients and a Docker engine that knows who asks what, and can kill who asks in the middle of it."""

import os
import select
import signal
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hypervisor.demo.docker.traffic import MOST_HEAD_BYTES, Kind, Request, parse_head

CHUNK_BYTES = 64 * 1024
DEATH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Blow:
    """When to kill who sent a request: before the engine gets it, or so many seconds after it was passed on."""

    forward: bool
    delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Hit:
    """A process that was killed while its request was in flight. `answered`: the engine had its answer ready."""

    pid: int
    request: Request
    forwarded: bool
    answered: bool


@dataclass(slots=True)
class Relay:
    """Listens at `path` for as long as the block lasts; passes all on to the engine's socket.

    `strike` is asked about each request with the id of the process that sent it; a `Blow` kills that process, and the
    hit is told to `on_hit`. A request whose sender was gone by itself is no hit. `counts`: requests by kind.
    """

    path: Path
    engine: str
    strike: Callable[[Request, int], Blow | None] = lambda request, pid: None
    on_hit: Callable[[Hit], None] = lambda hit: None
    counts: Counter[Kind] = field(default_factory=Counter)
    _server: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_UNIX))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> "Relay":
        self.path.unlink(missing_ok=True)
        self._server.bind(str(self.path))
        self._server.listen(64)
        threading.Thread(target=self._accept, daemon=True, name="relay").start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone would leave the thread that waits in accept where it is.
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as engine, _Sender(client) as sender:
            with suppress(OSError, ValueError):
                engine.connect(self.engine)
                _Connection(self, client, engine, sender).serve()
            for side in (client, engine):
                with suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)

    def count(self, kind: Kind) -> None:
        """One more of this kind."""
        with self._lock:
            self.counts[kind] += 1


class _Sender:
    """The process at the other end, held by a descriptor: its number cannot come to mean another one."""

    def __init__(self, client: socket.socket) -> None:
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        self.pid: int = struct.unpack("3i", credentials)[0]
        self._descriptor: int | None = None
        with suppress(OSError):
            self._descriptor = os.pidfd_open(self.pid)

    def __enter__(self) -> "_Sender":
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def kill(self) -> bool:
        """Kill it and wait until it is dead; False if it was dead before."""
        if self._descriptor is None:
            return False
        dead = select.poll()
        dead.register(self._descriptor, select.POLLIN)
        if dead.poll(0):
            return False
        signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
        return bool(dead.poll(DEATH_SECONDS * 1000))


class _Connection:
    """One client's connection, request after request."""

    def __init__(self, relay: Relay, client: socket.socket, engine: socket.socket, sender: _Sender) -> None:
        self._relay, self._client, self._engine, self._sender = relay, client, engine, sender
        self._left = b""
        self._open = threading.Event()
        self._open.set()
        self._held = False

    def serve(self) -> None:
        """Until one side has closed, or the client is dead."""
        back = threading.Thread(target=self._pass_back, daemon=True)
        back.start()
        while (head := self._head()) is not None:
            request = parse_head(head)
            self._relay.count(request.kind)
            blow = self._relay.strike(request, self._sender.pid)
            message = head + b"\r\n\r\n" + self._body(request)
            if blow is not None:
                self._hit(blow, request, message)
                return
            self._engine.sendall(message)
            if request.body_bytes is None:
                break
        while chunk := self._client.recv(CHUNK_BYTES):
            self._engine.sendall(chunk)

    def _hit(self, blow: Blow, request: Request, message: bytes) -> None:
        self._open.clear()
        if blow.forward:
            self._engine.sendall(message)
            time.sleep(blow.delay_seconds)
        in_flight = not self._client_is_gone()
        answered = self._held
        if self._sender.kill() and in_flight:
            self._relay.on_hit(Hit(self._sender.pid, request, blow.forward, answered))
        with suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)
        self._open.set()

    def _client_is_gone(self) -> bool:
        try:
            return self._client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _pass_back(self) -> None:
        with suppress(OSError):
            while chunk := self._engine.recv(CHUNK_BYTES):
                self._held = not self._open.is_set()
                self._open.wait()
                self._client.sendall(chunk)
            self._client.shutdown(socket.SHUT_WR)

    def _head(self) -> bytes | None:
        while b"\r\n\r\n" not in self._left:
            chunk = self._client.recv(CHUNK_BYTES)
            if not chunk or len(self._left) > MOST_HEAD_BYTES:
                return None
            self._left += chunk
        head, _, self._left = self._left.partition(b"\r\n\r\n")
        return head

    def _body(self, request: Request) -> bytes:
        wanted = request.body_bytes
        if wanted is None:
            body, self._left = self._left, b""
            return body
        while len(self._left) < wanted:
            chunk = self._client.recv(CHUNK_BYTES)
            if not chunk:
                raise ConnectionError("The client ended in the middle of a request.")
            self._left += chunk
        body, self._left = self._left[:wanted], self._left[wanted:]
        return body
