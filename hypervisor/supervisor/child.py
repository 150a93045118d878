"""One supervised child: started again when it dies, a little later each time that it dies young."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hypervisor.embedded.process import Guard, Process, ProcessSpec, clear, spawn

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 10.0
GROWN_UP_SECONDS = 30.0
"""Who lived so long did not die of its start: its next pause is the first one again."""


@dataclass(slots=True)
class Child:
    """A process that is meant to be there. `before` runs ahead of each start."""

    spec: ProcessSpec
    output: int
    guard: Guard
    report: Callable[[str], None]
    before: Callable[[], None] = lambda: None
    process: Process | None = None
    _started_at: float = 0.0
    _pause: float = FIRST_PAUSE_SECONDS
    _start_at: float = field(default=0.0)

    def adopt(self, process: Process) -> None:
        """Takes over what was started and waited for elsewhere."""
        self.process = process
        self._started_at = time.monotonic()

    def start(self) -> None:
        """Starts it now."""
        self.before()
        self.adopt(spawn(self.spec, guard=self.guard, output=self.output))

    def look_after(self) -> None:
        """Notices its death and brings it back when the pause is over. Call it several times a second."""
        now = time.monotonic()
        if self.process is None:
            if now >= self._start_at:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        clear(self.process, guard=self.guard)
        self.process = None
        if now - self._started_at > GROWN_UP_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
        self.report(f"{self.spec.name} {how}; it starts again in {self._pause:g} s")
        self._start_at = now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
