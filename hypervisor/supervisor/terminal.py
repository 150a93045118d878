"""What the person at the terminal sees: a coloured word before each child's line, and a summary."""

import os
import re
import sys
import threading
from dataclasses import dataclass, field
from typing import TextIO

_COLOURS = {
    "web": 32, "stream": 92, "worker": 36, "engines": 96, "beat": 35,
    "postgres": 34, "valkey": 31, "hypervisor": 33,
}  # fmt: skip
_WIDTH = max(map(len, _COLOURS))
_TROUBLE = re.compile(
    r"\b(ERROR|CRITICAL|FATAL|PANIC)\b|\bWARNING\b(?! Memory overcommit)"
    r"|\[(warning|error|critical)\s*\]"
    r"""|"level": ?"(warning|error|critical)"|^Traceback """
)


@dataclass(slots=True)
class Terminal:
    """For any thread. Unless `verbose`, only the troubles among the lines of the children show."""

    stream: TextIO = field(default_factory=lambda: sys.stdout)
    verbose: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _in_traceback: set[str] = field(default_factory=set)

    @property
    def coloured(self) -> bool:
        """Only for a person, and only for one who did not refuse."""
        return self.stream.isatty() and "NO_COLOR" not in os.environ

    def paint(self, text: str, code: int) -> str:
        """The text in an ANSI colour, if there are colours."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.coloured else text

    def print(self, text: str = "") -> None:
        """A whole line, or several. A closed terminal is no reason to stop the service."""
        with self._lock:
            try:
                self.stream.write(f"{text}\n")
                self.stream.flush()
            except (OSError, ValueError):
                self.stream = open(os.devnull, "w")  # noqa: SIM115 (for the rest of our life)

    def say(self, text: str) -> None:
        """Our own word."""
        self.line("hypervisor", text, always=True)

    def line(self, name: str, text: str, *, always: bool = False) -> None:
        """A line of the child of this name."""
        if always or self.verbose or self._shows(name, text):
            self.print(f"{self.paint(f'{name:<{_WIDTH}} |', _COLOURS.get(name, 37))} {text}")

    def _shows(self, name: str, text: str) -> bool:
        """A traceback is shown to its last line, the first that is not indented."""
        if name in self._in_traceback:
            if text and not text[0].isspace():
                self._in_traceback.discard(name)
            return True
        if text.startswith("Traceback "):
            self._in_traceback.add(name)
        return _TROUBLE.search(text) is not None
