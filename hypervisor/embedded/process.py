"""Child processes that end with us: orderly when we stop them, and within seconds when we are killed.

Two nets, because each has a hole. The kernel signals a direct child when its parent dies (Linux, set by
`launcher.py`), but not the child's own children. The guard, a process of its own, ends whole process groups
when its owner is gone (any POSIX system), but may itself be killed.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_BARE_PYTHON = (sys.executable, "-I", "-S")
_LAUNCHER = str(Path(__file__).with_name("launcher.py"))
_GUARD = str(Path(__file__).with_name("guard.py"))

Process = subprocess.Popen[bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessSpec:
    """How to run one program. `owned` folders are handed to whoever it runs as when it must not be root."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 10.0
    without_root: bool = False
    owned: tuple[Path, ...] = ()
    cwd: Path | None = None


@dataclass(slots=True)
class Guard:
    """Ends the watched process groups and removes the named folders when this process is gone.

    `held` file descriptors (a lock) stay open in the guard, hence locked, until it has finished.
    """

    held: Sequence[int] = ()
    _watched: dict[int, int] = field(default_factory=dict)
    _folders: list[Path] = field(default_factory=list)
    _process: Process | None = None

    def watch(self, pid: int, stop_signal: signal.Signals) -> None:
        """From now on the group led by `pid` ends with us."""
        self._watched[pid] = int(stop_signal)
        self._tell(f"watch {pid} {int(stop_signal)}")

    def forget(self, pid: int) -> None:
        """The group led by `pid` has ended; its number may be given to somebody else."""
        if self._watched.pop(pid, None) is not None:
            self._tell(f"forget {pid}")

    def remove_at_end(self, folder: Path) -> None:
        """The folder goes when we go, after the processes."""
        self._folders.append(folder)
        self._tell(f"remove {folder}")

    def keep_alive(self) -> None:
        """Starts the guard anew if somebody killed it."""
        if self._process is None or self._process.poll() is not None:
            self._start()

    def close(self) -> None:
        """Waits until everything watched has ended and the folders are gone."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.wait()
            self._process = None

    def _tell(self, line: str) -> None:
        self.keep_alive()
        try:
            self._write(line)
        except BrokenPipeError:
            self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 (our own script)
            (*_BARE_PYTHON, _GUARD), stdin=subprocess.PIPE, start_new_session=True, pass_fds=self.held
        )
        for pid, number in self._watched.items():
            self._write(f"watch {pid} {number}")
        for folder in self._folders:
            self._write(f"remove {folder}")

    def _write(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()


def spawn(spec: ProcessSpec, *, guard: Guard, output: int | IO[bytes]) -> Process:
    """Starts the program in a session of its own, so that Ctrl-C reaches us and not it.

    Call it from the main thread: the kernel takes the end of the starting *thread* for the end of the parent.
    """
    options = ["--owner", str(os.getpid()), "--stop-signal", str(int(spec.stop_signal))]
    if spec.without_root:
        options += ["--without-root", *(f"--owned={path}" for path in spec.owned)]
    process = subprocess.Popen(  # noqa: S603 (specs are ours, not a user's)
        (*_BARE_PYTHON, _LAUNCHER, *options, "--", *spec.argv),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=dict(spec.env),
        cwd=spec.cwd,
        start_new_session=True,
    )
    guard.watch(process.pid, spec.stop_signal)
    return process


def stop(
    process: Process, spec: ProcessSpec, *, guard: Guard, hurry: Callable[[], bool] = lambda: False
) -> None:
    """Asks the program to end, waits its grace unless told to hurry, and kills what is left of its group."""
    if process.poll() is None:
        process.send_signal(spec.stop_signal)
        deadline = time.monotonic() + spec.grace_seconds
        while process.poll() is None and time.monotonic() < deadline and not hurry():
            time.sleep(0.02)
    clear(process, guard=guard)


def clear(process: Process, *, guard: Guard) -> None:
    """Kills what a dead, or condemned, leader left behind of its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    guard.forget(process.pid)


def spawn_in_foreground(argv: Sequence[str], *, env: Mapping[str, str]) -> Process:
    """Starts a program that shares our terminal, and so our Ctrl-C, and that is killed with us."""
    owner = ("--owner", str(os.getpid()), "--stop-signal", str(int(signal.SIGKILL)))
    command = (*_BARE_PYTHON, _LAUNCHER, *owner, "--", *argv)
    return subprocess.Popen(command, env=dict(env))  # noqa: S603 (it is the caller's own command)
