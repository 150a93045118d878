"""Outlives its owner by a moment, to end what the owner started.

Run by path in a bare interpreter. The owner holds the other end of our standard input and writes a line for
each process group (`watch PID SIGNAL`, `forget PID`) and each folder to remove (`remove PATH`). The end of
the input means that the owner is gone, however it went. Whatever lock the owner passed on is held until all
is ended, so that the next owner cannot start beside leftovers.
"""

import os
import shutil
import signal
import sys
import time

PATIENCE_SECONDS = 1.5
"""How long the groups may take to end by themselves; then they are killed."""


def _signal_group(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _end(groups: dict[int, int]) -> None:
    for group, number in groups.items():
        _signal_group(group, number)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and any(_signal_group(group, 0) for group in groups):
        time.sleep(0.05)
    for group in groups:
        _signal_group(group, signal.SIGKILL)


def main() -> None:
    """Ends when the standard input ends and everything watched is gone."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: dict[int, int] = {}
    folders: list[str] = []
    for line in sys.stdin:
        verb, _, rest = line.rstrip("\n").partition(" ")
        if verb == "watch":
            group, number = rest.split()
            groups[int(group)] = int(number)
        elif verb == "forget":
            groups.pop(int(rest), None)
        elif verb == "remove":
            folders.append(rest)
    _end(groups)
    for folder in folders:
        for _ in range(10):  # a killed server may still be writing its last file
            shutil.rmtree(folder, ignore_errors=True)
            if not os.path.exists(folder):
                break
            time.sleep(0.1)


if __name__ == "__main__":
    main()
