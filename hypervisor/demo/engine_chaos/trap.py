"""Which request is the one whose sender dies, and when."""

import random
import threading
from collections.abc import Callable

from hypervisor.demo.docker.relay import Blow
from hypervisor.demo.docker.traffic import Kind, Request

LONGEST_DELAY_SECONDS = 0.06
BEFORE = 1 / 3
"""How often the engine never gets the request."""
MOST_PASSED = {Kind.START: 3, Kind.STOP: 1, Kind.RECONCILE: 5}
"""So many of the kind may pass first; fewer where a round has few of them."""


class Trap:
    """Armed with a kind it strikes once: one of the next few requests of that kind, if its sender may be killed."""

    def __init__(self, chance: random.Random, may_kill: Callable[[int], bool]) -> None:
        self._chance, self._may_kill = chance, may_kill
        self._lock = threading.Lock()
        self._kind: Kind | None = None
        self._passing = 0

    def arm(self, kind: Kind) -> None:
        """Strike at the next of this kind, or at one soon after it."""
        with self._lock:
            self._kind, self._passing = kind, self._chance.randint(0, MOST_PASSED[kind])

    def disarm(self) -> bool:
        """Strike no more; whether it still would have."""
        with self._lock:
            armed, self._kind = self._kind is not None, None
            return armed

    def __call__(self, request: Request, pid: int) -> Blow | None:
        """For `Relay.strike`."""
        if request.kind is not self._kind:
            return None
        with self._lock:
            if request.kind is not self._kind or not self._may_kill(pid):
                return None
            if self._passing > 0:
                self._passing -= 1
                return None
            self._kind = None
            if self._chance.random() < BEFORE:
                return Blow(forward=False)
            return Blow(forward=True, delay_seconds=self._chance.uniform(0, LONGEST_DELAY_SECONDS))
