"""A whole service of real processes, for the tests that start, use and kill one."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from hypervisor.supervisor.services import PROJECT

from .processes import processes_naming

RUN = [sys.executable, "-m", "hypervisor.run"]
NOT_OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "HYPERVISOR_EMBEDDED", "DJANGO_")
START_SECONDS = 120


class Service:
    """A `make run` in a data folder of its own, in an environment that names no server but has `more`."""

    def __init__(self, folder, **more):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.folder = folder
        clean = {name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)}
        # The mark travels to every child, however deep, and so finds each of them again.
        self.environment = {
            **clean,
            "DATA_DIR": str(folder),
            "PORT": str(self.port),
            "RUN_TEST_MARK": folder.parent.name,
            **more,
        }
        self.output = folder.with_suffix(".out")
        self.process = None

    def start(self):
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                RUN, env=self.environment, cwd=PROJECT, stdout=output, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_SECONDS
        while "is ready" not in self.output.read_text():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.1)
        return self.output.read_text()

    def status(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status
        except OSError:
            return None

    def manage(self, *command):
        """Exit code and output of a Django command beside it."""
        return subprocess.run(
            [*RUN, "manage", *command], env=self.environment, cwd=PROJECT, capture_output=True, text=True
        )

    def child(self, words):
        """The pid of the supervisor's own child whose command line has these words."""
        found = subprocess.run(
            ["pgrep", "-o", "-P", str(self.process.pid), "-f", words], capture_output=True, text=True
        ).stdout.split()
        return int(found[0]) if found else None

    def left_over(self):
        """Command lines of all that was started, by the mark in their environment."""
        mark = f"RUN_TEST_MARK={self.folder.parent.name}".encode()
        marked = [path for path in Path("/proc").glob("[0-9]*/environ") if mark in _content(path)]
        return [*processes_naming(str(self.folder)), *map(str, marked)]


def _content(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""
