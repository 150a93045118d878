"""Runs one command beside throwaway servers, and leaves nothing behind."""

import base64
import os
import secrets
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from hypervisor.embedded.location import prepare_location
from hypervisor.embedded.process import Guard, spawn_in_foreground, stop
from hypervisor.embedded.servers import embedded_servers, start_server


def execute(command: Sequence[str], *, durable: bool = False) -> int:
    """The command's exit code, as a shell would put it. Raises EmbeddedError.

    The command finds DATABASE_URL, REDIS_URL, SECRET_KEY and ENCRYPTION_KEYS in its environment; what
    was set before stays.
    """
    environment = dict(os.environ)
    environment.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
    environment.setdefault("ENCRYPTION_KEYS", base64.urlsafe_b64encode(os.urandom(32)).decode())
    guard = Guard()
    running = []
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        folder = Path(tempfile.mkdtemp(prefix="hypervisor-exec-"))
        guard.remove_at_end(folder)
        location = prepare_location(folder)
        for variable, server in embedded_servers(location, environment=environment, durable=durable).items():
            log = location.logs / f"{server.name}.log"
            running.append((start_server(server, guard=guard, log=log), server.spec()))
            environment[variable] = server.url
            environment["HYPERVISOR_EMBEDDED"] = "1"
        return _run(command, environment)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for process, spec in reversed(running):
            stop(process, spec, guard=guard)
        guard.close()


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    """In our own process group: the command owns the terminal, and Ctrl-C is for it to answer."""
    process = spawn_in_foreground(command, env=environment)
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, ours)
    return code if code >= 0 else 128 - code


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
