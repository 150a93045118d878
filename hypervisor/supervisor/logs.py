"""Reads what the children say, without ever keeping them waiting: to bounded files, and to the terminal."""

import contextlib
import os
import selectors
import threading
from dataclasses import dataclass
from pathlib import Path

from hypervisor.supervisor.terminal import Terminal

MAX_BYTES = 5_000_000
"""Of one log file; one older file is kept beside it."""

MAX_LINE_BYTES = 65_536


@dataclass(slots=True)
class _Log:
    name: str
    path: Path
    writer: int
    rest: bytes = b""


class LogPump:
    """One pipe a child, which outlives the child: its successor writes to the same. Use it as a context."""

    def __init__(self, folder: Path, *, terminal: Terminal) -> None:
        self._folder = folder
        self._terminal = terminal
        self._selector = selectors.DefaultSelector()
        self._logs: dict[str, _Log] = {}
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
        self._wake_reader, self._wake_writer = os.pipe()
        self._selector.register(self._wake_reader, selectors.EVENT_READ, None)

    def __enter__(self) -> "LogPump":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """What was said before is still written."""
        os.close(self._wake_writer)
        self._thread.join(5)
        for log in self._logs.values():
            os.close(log.writer)

    def path(self, name: str) -> Path:
        """The log file of the child of this name."""
        return self._folder / f"{name}.log"

    def pipe(self, name: str) -> int:
        """The file descriptor for the child of this name to write to."""
        if name not in self._logs:
            reader, writer = os.pipe()
            os.set_blocking(reader, False)
            self._logs[name] = _Log(name=name, path=self.path(name), writer=writer)
            self._selector.register(reader, selectors.EVENT_READ, self._logs[name])
        return self._logs[name].writer

    def _run(self) -> None:
        open_ended = True
        while open_ended:
            for key, _ in self._selector.select(timeout=1.0):
                log: _Log | None = key.data
                if log is None:
                    open_ended = False
                else:
                    self._read(key.fd, log)
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                self._read(key.fd, key.data)

    def _read(self, reader: int, log: _Log) -> None:
        try:
            while chunk := os.read(reader, MAX_LINE_BYTES):
                *lines, log.rest = (log.rest + chunk).split(b"\n")
                if len(log.rest) > MAX_LINE_BYTES:
                    lines, log.rest = [*lines, log.rest], b""
                self._take(log, lines)
        except BlockingIOError:
            return

    def _take(self, log: _Log, lines: list[bytes]) -> None:
        if not lines:
            return
        with contextlib.suppress(OSError):  # a full disk must not stop the children
            if log.path.exists() and log.path.stat().st_size > MAX_BYTES:
                log.path.replace(log.path.with_suffix(".log.1"))
            with log.path.open("ab") as file:
                file.writelines(line + b"\n" for line in lines)
        for line in lines:
            self._terminal.line(log.name, line.decode(errors="replace").rstrip())
