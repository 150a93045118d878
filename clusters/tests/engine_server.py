"""A server for tests that answers each connection as it is told to, over TLS or a unix socket."""

import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from .certificates import Pair

Serve = Callable[[socket.socket], None]


def read_request(sock: socket.socket) -> bytes:
    """Head and body of one request; b"" when the client has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = sock.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        ),
        0,
    )
    while len(body) < length:
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


def says(*lines: str, body: str = "", then: Callable[[socket.socket], None] | None = None) -> Serve:
    """Answers every request on a connection with this head and body."""

    def serve(sock: socket.socket) -> None:
        head = "\r\n".join((*lines, f"Content-Length: {len(body.encode())}"))
        while read_request(sock):
            sock.sendall(f"{head}\r\n\r\n{body}".encode())
            if then is not None:
                then(sock)
                return

    return serve


class Server:
    """What listens: its port or path, and how many connections it took."""

    def __init__(self, listener: socket.socket, serve: Serve, context: ssl.SSLContext | None) -> None:
        self.address = listener.getsockname()
        self.port = 0 if isinstance(self.address, str) else self.address[1]
        self.connections = 0
        self.closing = threading.Event()
        self._listener, self._serve, self._context = listener, serve, context
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._handle, args=(sock,), daemon=True).start()

    def _handle(self, sock: socket.socket) -> None:
        with suppress(OSError, ValueError):
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                try:
                    sock.do_handshake()
                except ssl.SSLError:
                    # What the client sent must be read, or it is reset before it sees why.
                    sock.settimeout(1)
                    socket.socket.recv(sock, 65536)
                    raise
            with sock:
                self._serve(sock)


@contextmanager
def server(
    serve: Serve, pair: Pair | None = None, *, path: str = "", client_ca: str = "", host: str = "127.0.0.1"
) -> Iterator[Server]:
    """A server with this certificate (None: no TLS), which may ask for one of `client_ca`."""
    context = None
    if pair is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(pair.cert + pair.key)
            file.flush()
            context.load_cert_chain(file.name)
        if client_ca:
            context.load_verify_locations(cadata=client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    listener.bind(path or (host, 0))
    listener.listen()
    running = Server(listener, serve, context)
    try:
        yield running
    finally:
        running.closing.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
