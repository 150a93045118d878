"""Whether a Docker engine answers on this machine, asked without its client or ours."""

import os
import socket

DEFAULT = "unix:///var/run/docker.sock"
PATIENCE_SECONDS = 1.0


def local_docker() -> str | None:
    """The address of the Docker engine that this user may use here, by DOCKER_HOST or at its usual place."""
    address = os.environ.get("DOCKER_HOST") or DEFAULT
    return address if address.startswith("unix://") and _answers(address.removeprefix("unix://")) else None


def _answers(path: str) -> bool:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as engine:
            engine.settimeout(PATIENCE_SECONDS)
            engine.connect(path)
            engine.sendall(b"GET /_ping HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b" 200 " in engine.recv(64).partition(b"\r\n")[0]
    except OSError:
        return False
