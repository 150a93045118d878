"""An engine behind ssh: `docker system dial-stdio` on the other machine carries the bytes.

Nothing of this machine's user is used: no configuration, no agent, no keys but the connection's own. The server must
show exactly the host key that the connection names.
"""

import base64
import binascii
import io
import socket
import ssl
import threading
from typing import Any

import httpcore
import paramiko

from .base import RuntimeFailure
from .endpoints import Endpoint
from .wire import time_left, too_slow

COMMAND = "docker system dial-stdio"
_KEY_CLASSES: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
_RSA = ("rsa-sha2-512", "rsa-sha2-256")
_SIGN_IN_SECONDS, _KEEPALIVE_SECONDS = 15.0, 30


def private_key(text: str) -> paramiko.PKey:
    """The key of an OpenSSH or PEM text (ed25519, ECDSA or RSA, no passphrase). Raises ValueError, quoting nothing."""
    for kind in _KEY_CLASSES:
        try:
            return kind.from_private_key(io.StringIO(text.strip() + "\n"))
        except Exception:  # noqa: S112  paramiko raises whatever its parsers raise
            continue
    raise ValueError("This is no ed25519, ECDSA or RSA key without a passphrase.")


def host_key(line: str) -> tuple[str, bytes]:
    """Type and bytes of a line such as `ssh-ed25519 AAAA…`. Raises ValueError."""
    words = line.split()
    try:
        kind, blob = words[0], base64.b64decode(words[1], validate=True)
    except (IndexError, binascii.Error):
        raise ValueError("Not a host key.") from None
    if not blob.startswith(len(kind).to_bytes(4) + kind.encode()):
        raise ValueError("Not a host key.")
    return kind, blob


class ChannelWire(httpcore.NetworkStream):
    """The remote command's input and output, as one stream."""

    def __init__(self, transport: paramiko.Transport, channel: paramiko.Channel) -> None:
        self._transport, self._channel = transport, channel
        self._answered = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most so many bytes; b"" at the end."""
        try:
            self._channel.settimeout(time_left(timeout))
            data = self._channel.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout from error
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise httpcore.ReadError(error) from error
        if not data and not self._answered:
            raise RuntimeFailure(
                f"The ssh server let us in, but `{COMMAND}` does not reach an engine there.", permanent=False
            )
        self._answered = True
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of the buffer."""
        try:
            while buffer:
                self._channel.settimeout(time_left(timeout))
                buffer = buffer[self._channel.send(buffer) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout from error
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise httpcore.WriteError from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Never asked for: ssh is the encryption."""
        raise RuntimeFailure("An engine behind ssh speaks no TLS.", permanent=True)

    def abort(self) -> None:
        """End a read that another thread is blocked in."""
        self._channel.close()

    def close(self) -> None:
        """End the remote command and the connection."""
        self._channel.close()
        self._transport.close()

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of its streams: an idle one that is readable has ended."""
        if info != "is_readable":
            return None
        return self._channel.closed or self._channel.eof_received or self._channel.recv_ready()


def dial_stdio(sock: socket.socket, endpoint: Endpoint, timeout: float | None) -> ChannelWire:
    """Signs in over the connected socket and starts the command. Raises RuntimeFailure."""
    try:
        kind, pinned = host_key(endpoint.host_key)
        key = private_key(endpoint.private_key)
    except ValueError:
        sock.close()
        raise RuntimeFailure("The keys of this connection cannot be read.", permanent=True) from None
    transport = paramiko.Transport(sock)
    # Not every wait in paramiko has a time-out of its own.
    watchdog = threading.Timer(timeout or _SIGN_IN_SECONDS, transport.close)
    watchdog.daemon = True
    watchdog.start()
    try:
        # The server has a key of each type: ask for the one that is pinned.
        transport.get_security_options().key_types = _RSA if kind == "ssh-rsa" else (kind,)
        transport.start_client(timeout=timeout)
        if transport.get_remote_server_key().asbytes() != pinned:
            raise RuntimeFailure("The ssh server shows another host key than the pinned one.", permanent=True)
        transport.auth_publickey(endpoint.user, key)
        transport.set_keepalive(_KEEPALIVE_SECONDS)
        channel = transport.open_session(timeout=time_left(timeout))
        channel.settimeout(time_left(timeout))
        channel.exec_command(COMMAND)
        return ChannelWire(transport, channel)
    except BaseException as error:
        transport.close()
        raise (too_slow() if watchdog.finished.is_set() else _failure(error)) from error
    finally:
        watchdog.cancel()


def _failure(error: BaseException) -> BaseException:
    if isinstance(error, paramiko.AuthenticationException):
        return RuntimeFailure("The ssh server does not accept this user and private key.", permanent=True)
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return RuntimeFailure(
            "The ssh server has no host key of the pinned type, or none of our ciphers.", permanent=True
        )
    if isinstance(error, TimeoutError):
        return too_slow()
    if isinstance(error, (paramiko.SSHException, OSError, EOFError, ValueError)):
        return RuntimeFailure("The host does not speak ssh as it should.", permanent=False)
    return error
