"""Which servers must be embedded, and how to bring one up."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Protocol

from hypervisor.embedded.errors import StartFailedError
from hypervisor.embedded.location import Location
from hypervisor.embedded.postgres import postgres_server
from hypervisor.embedded.process import Guard, Process, ProcessSpec, clear, spawn
from hypervisor.embedded.valkey import valkey_server

START_SECONDS = 60.0
"""A small machine recovering after a power cut needs most of it."""


class Server(Protocol):
    """What PostgreSQL and Valkey have in common."""

    @property
    def name(self) -> str:
        """The word that its log lines begin with."""

    @property
    def url(self) -> str:
        """Where its clients find it."""

    def initialise(self, *, guard: Guard, log: Path) -> None:
        """Makes its files, once."""

    def spec(self) -> ProcessSpec:
        """How to run it."""

    def clear_leftovers(self) -> None:
        """Makes the way free after a crash. Only the holder of the data folder's lock may call it."""

    def is_ready(self, pid: int) -> bool:
        """Whether the process answers its clients."""

    def finish(self) -> None:
        """What is to be done once it is ready."""


def embedded_servers(
    location: Location, *, environment: Mapping[str, str], durable: bool = True
) -> dict[str, Server]:
    """The servers that the environment does not name, by the variable that will name them."""
    servers: dict[str, Server] = {}
    if not environment.get("DATABASE_URL"):
        servers["DATABASE_URL"] = postgres_server(
            data=location.postgres, sockets=location.sockets, durable=durable
        )
    if not environment.get("REDIS_URL"):
        servers["REDIS_URL"] = valkey_server(
            data=location.valkey, socket=location.valkey_socket, durable=durable
        )
    return servers


def start_server(
    server: Server,
    *,
    guard: Guard,
    log: Path,
    output: int | IO[bytes] | None = None,
    abandon: Callable[[], bool] = lambda: False,
) -> Process:
    """Runs the server and returns once it is ready. Its words go to `output`, or else to the log file.

    Raises StartFailedError when it ends, is not ready within START_SECONDS, or `abandon` says so.
    """
    server.initialise(guard=guard, log=log)
    server.clear_leftovers()
    with log.open("ab") as file:
        process = spawn(server.spec(), guard=guard, output=file if output is None else output)
    if (failure := _wait(server, process, abandon)) is not None:
        clear(process, guard=guard)
        said = log.read_text(errors="replace") if log.exists() else ""
        raise StartFailedError(server=server.name, what=failure, output=said)
    server.finish()
    return process


def _wait(server: Server, process: Process, abandon: Callable[[], bool]) -> str | None:
    """Why it is not going to be ready, or None when it is."""
    deadline = time.monotonic() + START_SECONDS
    while not server.is_ready(process.pid):
        if process.poll() is not None:
            return f"it ended with {process.returncode}"
        if time.monotonic() > deadline:
            return f"it was not ready after {START_SECONDS:.0f} seconds"
        if abandon():
            return "it was told to stop"
        time.sleep(0.02)
    return None
