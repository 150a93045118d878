"""Counting how often each container was started, by what the engine itself tells."""

import threading
import time
from collections import Counter
from collections.abc import Mapping

from hypervisor.demo.docker.engine import INSTALLATION, Engine, NoEngine

AGAIN_SECONDS = 0.2


class Starts(threading.Thread):
    """Listens to an engine over its restarts. `counts`: starts by container name, of those of one installation."""

    def __init__(self, engine: Engine, *, installation: str) -> None:
        super().__init__(daemon=True, name="starts")
        self._engine, self._installation = engine, installation
        self._since = time.time()
        self._seen: set[tuple[str, int]] = set()
        self._stopped = threading.Event()
        self.counts: Counter[str] = Counter()
        self.breaks = 0
        """How often the engine ended the stream of events."""

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                for event in self._engine.events(since=self._since):
                    self._note(event)
            except NoEngine:
                pass
            self.breaks += 1
            self._stopped.wait(AGAIN_SECONDS)

    def stop(self) -> None:
        """Listen no longer; the thread ends with the engine's next word at the latest."""
        self._stopped.set()

    def twice(self) -> Mapping[str, int]:
        """The containers that were started more than once."""
        return {name: count for name, count in self.counts.items() if count > 1}

    def _note(self, event: Mapping[str, object]) -> None:
        actor = event.get("Actor")
        at = event.get("timeNano")
        if not isinstance(actor, dict) or not isinstance(at, int):
            return
        # One stream begins where the last one ended, and may tell its last event again.
        self._since = at / 1e9
        attributes = actor.get("Attributes", {})
        key = (str(actor.get("ID")), at)
        ours = attributes.get(INSTALLATION) == self._installation
        if event.get("Action") == "start" and ours and key not in self._seen:
            self._seen.add(key)
            self.counts[attributes["name"]] += 1
