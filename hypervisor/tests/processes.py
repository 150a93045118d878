"""Looking at real processes from outside, for the tests that start and kill them."""

import subprocess
import time
from collections.abc import Callable

PATIENCE_SECONDS = 30.0


def processes_naming(text: str) -> list[str]:
    """The command lines, of processes that are not zombies, that contain the text."""
    lines = subprocess.run(
        ["ps", "-eww", "-o", "stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    return [line for line in lines.splitlines() if text in line and not line.startswith("Z")]


def eventually(condition: Callable[[], object]) -> bool:
    """Whether the condition comes true before our patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
