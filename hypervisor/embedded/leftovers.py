"""PostgreSQL's pid files after a crash: whose number is it now?"""

import os
import subprocess
from pathlib import Path


def disown_pid_file(path: Path, *, data: Path) -> None:
    """Lets PostgreSQL start although the number in its old pid file belongs to a stranger now.

    Numbers are soon given again, above all in a container, and PostgreSQL then refuses for ever. It takes the
    number of its parent for stale, so that one is written; the rest stays, for it leads PostgreSQL to the
    shared memory that a dead postmaster's children may still use. Only for whoever holds the data folder's
    lock.
    """
    try:
        number, newline, rest = path.read_text().partition("\n")
    except OSError:
        return
    if number.strip().lstrip("-").isdigit() and not _is_postgres(abs(int(number)), data):
        path.write_text(f"{os.getpid()}{newline}{rest}")


def _is_postgres(pid: int, data: Path) -> bool:
    """Whether this process serves our folder, dead ones included: those PostgreSQL judges by itself."""
    command = _command(pid)
    return not command or str(data) in command


def _command(pid: int) -> str:
    """The command line of a process, empty if there is none or if this system does not tell."""
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    options = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(options, capture_output=True, text=True, check=False).stdout  # noqa: S603 (a number)
