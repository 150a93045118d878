"""A reader's terminal: one bash, in a folder of its own, that remembers what was typed before."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

from hypervisor.tests.examples_in_pages import ROOT

COMMAND_SECONDS = 90.0
PATIENCE_SECONDS = 30.0
PRINTED = "127.0.0.1:8000"
"""The address that our pages use for the service."""
PRELUDE = f"""
python3() {{ command "$PYTHON" "$@"; }}
curl() {{ command curl --no-progress-meter "$@"; }}
hv() {{ "$PYTHON" -m hypervisor_cli "$@"; }}
make() {{
  [ "$1" = manage ] || {{ echo "make $1 is not for a test"; return 2; }}
  eval "set -- ${{2#ARGS=}}"; (cd {ROOT} && "$PYTHON" -m hypervisor.run manage "$@")
}}
"""
READS = re.compile(r"(hv (ps|why|describe|queue|top|logs|plan|cluster (list|show))|call /|curl)\b")
WRITES = re.compile(r"\s(-d|--data\S*|-X|-T)\s")
PROBLEM = re.compile(r'"type":\s?"[^"]*","title":[^}]*"status":\s?[45]\d\d')


class Shell:
    """Where commands are typed. `url` is the service that answers for the address that pages print."""

    def __init__(self, folder: Path, url: str, environment: dict[str, str]) -> None:
        self.folder = folder
        self._host = url.removeprefix("http://")
        self._mark = uuid4().hex
        python_path = os.pathsep.join((str(ROOT / "cli" / "src"), str(ROOT)))
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env={
                **environment,
                "PYTHON": sys.executable,
                "PYTHONPATH": python_path,
                "XDG_CONFIG_HOME": str(folder),
                "NO_COLOR": "1",
                "COLUMNS": "120",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.type(PRELUDE)

    def type(self, command: str) -> tuple[str, int]:
        """What it prints, on both channels, and its exit code. Raises TimeoutError."""
        self.keep(".typed", command)
        assert self._bash.stdin is not None
        self._bash.stdin.write(f". ./.typed </dev/null 2>&1; echo {self._mark} $?\n".encode())
        self._bash.stdin.flush()
        return self._until_mark(command)

    def type_until(self, command: str, expected: list[str]) -> None:
        """Types it, again and again if it only reads, until it prints what is expected.

        Raises AssertionError where it prints something else; where nothing is expected, if it fails.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            printed, code = self.type(command)
            if expected and matches("\n".join(expected), printed):
                return
            if not expected and code == 0 and not PROBLEM.search(printed):
                return
            reads = READS.match(command) and not WRITES.search(command)
            if not expected or not reads or time.monotonic() > deadline:
                shown = "\n".join(expected) or "(nothing is shown; it must not fail)"
                raise AssertionError(
                    f"$ {command}\nThe page shows:\n{shown}\n\nIt printed, with exit code {code}:\n{printed}"
                )
            time.sleep(0.5)

    def keep(self, name: str, text: str) -> None:
        """A file in its folder, with the service's true address."""
        told = text.replace(PRINTED, self._host).replace("localhost:8000", self._host)
        (self.folder / name).write_text(f"{told}\n")

    def close(self) -> None:
        """End bash, and whatever it left running."""
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()

    def _until_mark(self, command: str) -> tuple[str, int]:
        assert self._bash.stdout is not None
        deadline, got, mark = time.monotonic() + COMMAND_SECONDS, b"", self._mark.encode()
        while not re.search(mark + rb" \d+\n", got):
            ready, _, _ = select.select([self._bash.stdout], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(self._bash.stdout.fileno(), 65536) if ready else b""
            if not chunk:
                raise TimeoutError(f"$ {command}\ndid not end. It printed:\n{got.decode()}")
            got += chunk
        text, _, code = got.decode().rpartition(self._mark)
        return text.replace(self._host, PRINTED).strip("\n"), int(code)


NORMAL = [
    (re.compile(pattern), word)
    for pattern, word in (
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:[\d.]+)?Z?", "<time>"),
        (r"\b\d\d:\d\d(:\d\d)?\b", "<clock>"),
        (r"(?<=[\"'])[\w.-]{22,}(?=[\"'])", "<secret>"),
        (r"#\d+", "#<id>"),
        (r"(?<=hv change )\d+", "<id>"),
        (r"(?<=id)(\"?[:=] ?|'?: | is )\d+", "=<id>"),
        (r"(?m)^ *\d+(?=  )", "<id>"),
        (r"\d[\d,]*\.\d+", "<number>"),
        (r"\b\d+ ?(s|ms|min|h|seconds|minutes)\b", "<span>"),
        (r"[─━]+", "─"),
        (r"\s+", ""),
    )
]


def matches(shown: str, printed: str) -> bool:
    """Whether it is what the page shows, but for times, ids, decimals, secrets and blanks; `…` is any text."""
    parts = [re.escape(_normal(part)) for part in shown.split("…")]
    return re.fullmatch(".*".join(parts), _normal(printed), re.DOTALL) is not None


def _normal(text: str) -> str:
    for pattern, word in NORMAL:
        text = pattern.sub(word, text)
    return text
