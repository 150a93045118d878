"""A whole service in a throwaway folder, whose processes can be found and killed."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx

from hypervisor.supervisor.services import PROJECT

START_SECONDS, STOP_SECONDS = 120.0, 60.0
RUN = (sys.executable, "-m", "hypervisor.run")
# Empty, not absent: `.env` may name a database and a broker that are none of ours to kill.
OWN = dict.fromkeys(
    ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "HOST", "ALLOWED_HOSTS"), ""
) | {
    "SCHEDULER_INTERVAL_SECONDS": "5",
    "SCHEDULER_INTERVAL": "2",
    "SCHEDULER_HINTS": "true",
}


class NotServing(Exception):
    """The service did not start, or did not come back."""


@dataclass(frozen=True, slots=True)
class Found:
    """A process: its id, its parent's, and its command line."""

    pid: int
    parent: int
    command: str


@dataclass(frozen=True, slots=True)
class Service:
    """`supervisor` is the process that started all others."""

    supervisor: int
    url: str
    folder: Path
    environment: dict[str, str]

    def children(self) -> list[Found]:
        """The supervisor's children and theirs, oldest first."""
        every = _processes()
        known = {self.supervisor}
        while more := {found.pid for found in every if found.parent in known} - known:
            known |= more
        return sorted(
            (found for found in every if found.pid in known - {self.supervisor}), key=lambda found: found.pid
        )

    def find(self, word: str, *, child: str = "") -> Found | None:
        """The supervisor's child with this word in its command line, or its child with `child` in its own."""
        every = self.children()
        leader = next(
            (found for found in every if found.parent == self.supervisor and word in found.command), None
        )
        if leader is None or not child:
            return leader
        return next((found for found in every if found.parent == leader.pid and child in found.command), None)

    def kill(self, found: Found) -> None:
        """With the signal that nobody can handle."""
        os.kill(found.pid, signal.SIGKILL)

    def ready(self) -> bool:
        """Whether /readyz answers 200."""
        try:
            return _probe().get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def wait_until_ready(self, seconds: float) -> float:
        """Seconds until /readyz answered 200. Raises NotServing."""
        began = time.monotonic()
        while not self.ready():
            if time.monotonic() - began > seconds:
                raise NotServing(
                    f"{self.url}/readyz did not answer within {seconds:g} s. See {self.folder}/logs."
                )
            time.sleep(0.05)
        return time.monotonic() - began

    def manage(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """A Django command in the environment of this service."""
        return subprocess.run(  # noqa: S603 (our own script)
            (*RUN, "manage", *command),
            env=self.environment,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )


@contextmanager
def own_service(**more: str) -> Iterator[Service]:
    """A service that ends with the block; its folder goes too, unless something went wrong.

    `more` is added to its environment.
    """
    folder = Path(tempfile.mkdtemp(prefix="hv-chaos-"))
    port = _free_port()
    environment = {**os.environ, **OWN, **more, "DATA_DIR": str(folder), "PORT": str(port)}
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (our own script)
            RUN, env=environment, cwd=PROJECT, stdout=output, stderr=output, start_new_session=True
        )
    try:
        service = Service(process.pid, f"http://127.0.0.1:{port}", folder, environment)
        service.wait_until_ready(START_SECONDS)
        yield service
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    shutil.rmtree(folder, ignore_errors=True)


@cache
def _probe() -> httpx.Client:
    """One for all looks: a new one reads every certificate of the machine."""
    return httpx.Client(timeout=2.0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _processes() -> list[Found]:
    lines = subprocess.run(
        ("/bin/ps", "-eww", "-o", "pid=,ppid=,stat=,args="), capture_output=True, text=True, check=True
    ).stdout.splitlines()
    words = [line.split(maxsplit=3) for line in lines]
    return [Found(int(w[0]), int(w[1]), w[3]) for w in words if len(w) == 4 and not w[2].startswith("Z")]
