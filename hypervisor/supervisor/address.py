"""Where the web server listens, and whether it can."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from hypervisor.supervisor.errors import PortTakenError, SettingError

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8000
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared with, not bound)


@dataclass(frozen=True, slots=True)
class Address:
    """A host to listen on and a TCP port."""

    host: str
    port: int

    @property
    def reachable_host(self) -> str:
        """Where this machine itself finds it."""
        return _EVERYWHERE.get(self.host, self.host)

    @property
    def url(self) -> str:
        """What to type into a browser on this machine."""
        host = self.reachable_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def read_address(environment: Mapping[str, str]) -> Address:
    """HOST and PORT, or their defaults. Raises SettingError for a port that is none."""
    text = environment.get("PORT") or str(DEFAULT_PORT)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise SettingError(f"PORT is {text!r}; write a number from 1 to 65535, such as {DEFAULT_PORT}.")
    return Address(host=environment.get("HOST") or DEFAULT_HOST, port=int(text))


def refuse_taken(address: Address) -> None:
    """Raises PortTakenError, or SettingError for an address that this machine cannot listen on."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As the server will: a connection that has just ended does not hold the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except PermissionError as error:
        raise SettingError(
            f"This user may not listen on port {address.port}. Choose one above 1023:  PORT=8000 make run"
        ) from error
    except socket.gaierror as error:
        raise SettingError(f"HOST is {address.host!r}, which is no address: {error.strerror}.") from error
    except OSError as error:
        if "in use" in (error.strerror or ""):
            raise PortTakenError(host=address.host, port=address.port) from error
        raise SettingError(f"Cannot listen on {address.host}:{address.port}: {error.strerror}.") from error
