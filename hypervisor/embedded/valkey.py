"""A private Valkey: one unix socket in a closed folder, no TCP; what it has accepted outlives it."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from hypervisor.embedded.binaries import find_valkey
from hypervisor.embedded.process import Guard, ProcessSpec
from hypervisor.embedded.urls import redis_url


@dataclass(frozen=True, kw_only=True, slots=True)
class ValkeyServer:
    """One server. `durable` is False only for data that nobody will miss."""

    data: Path
    socket: Path
    program: Path
    durable: bool = True

    name = "valkey"

    @property
    def url(self) -> str:
        """`REDIS_URL`."""
        return redis_url(socket=self.socket)

    def initialise(self, *, guard: Guard, log: Path) -> None:
        """Makes the folder; the server does the rest."""
        self.data.mkdir(mode=0o700, exist_ok=True)

    def spec(self) -> ProcessSpec:
        """How to run it in the foreground."""
        options = {
            "--port": "0",
            "--unixsocket": str(self.socket),
            "--unixsocketperm": "700",
            "--dir": str(self.data),
            "--appendonly": "yes" if self.durable else "no",
            "--maxmemory-policy": "noeviction",  # an evicted key would be a lost task
            "--save": "",
            "--daemonize": "no",
        }
        return ProcessSpec(
            name=self.name,
            argv=(str(self.program), *(part for option in options.items() for part in option)),
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
        )

    def clear_leftovers(self) -> None:
        """It takes over a dead server's socket by itself."""

    def is_ready(self, pid: int) -> bool:
        """Whether it answers; while it reads its file it answers `-LOADING`."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(5)
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def finish(self) -> None:
        """Nothing is left to do once it is ready."""


def valkey_server(*, data: Path, socket: Path, durable: bool = True) -> ValkeyServer:
    """The server for this folder. Raises BinaryNotFoundError."""
    return ValkeyServer(data=data, socket=socket, program=find_valkey(), durable=durable)
