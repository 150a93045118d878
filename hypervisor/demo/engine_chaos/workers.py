"""Workers for the engines, more than the service has: one is killed, the others go on, a new one comes at once."""

import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from hypervisor.supervisor.services import PROJECT

LOOK_SECONDS, STOP_SECONDS = 0.05, 20.0
WORKER = (
    sys.executable, "-m", "celery", "--app", "hypervisor", "worker", "--queues=engines", "--pool=threads",
    "--concurrency=8", "--loglevel=INFO", "--without-gossip", "--without-mingle",
)  # fmt: skip


class Workers(threading.Thread):
    """Keeps so many workers alive in the service's environment; their output goes to `log`."""

    def __init__(self, *, count: int, environment: Mapping[str, str], log: Path) -> None:
        super().__init__(daemon=True, name="workers")
        self._environment = dict(environment)
        self._log: IO[bytes] = log.open("ab")
        self._stopped = threading.Event()
        self._born = 0
        self._alive = [self._spawn() for _ in range(count)]

    def run(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            for place, process in enumerate(self._alive):
                if process.poll() is not None and not self._stopped.is_set():
                    self._alive[place] = self._spawn()

    def stop(self) -> None:
        """End them all, as the service would."""
        self._stopped.set()
        self.join()
        for process in self._alive:
            process.terminate()
        for process in self._alive:
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()
        self._log.close()

    def _spawn(self) -> "subprocess.Popen[bytes]":
        self._born += 1
        return subprocess.Popen(  # noqa: S603 (our own code)
            (*WORKER, f"--hostname=extra-{self._born}@%h"),
            env=self._environment, cwd=PROJECT, stdout=self._log, stderr=self._log,
        )  # fmt: skip


def is_engine_worker(pid: int) -> bool:
    """Whether this process is a worker that speaks to engines: nobody else may be killed."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"worker" in words and b"--queues=engines" in words
