"""What else befalls an engine: it is restarted, containers are deleted behind our back, strangers move in."""

import random
import secrets
import subprocess
import threading
import time
from dataclasses import dataclass, field

from hypervisor.demo.docker.engine import CLUSTER, INSTALLATION, RUN, Engine, NoEngine
from hypervisor.demo.docker.site import Identity

BACK_SECONDS, RESTART_SECONDS = 60.0, 120.0
MOST_FOREIGN = 6
FAR_RUN = 900_000_000
"""The number of a run that there will not be while we look."""


@dataclass(slots=True)
class Mischief:
    """Counts what it did, for all lanes. `restarts_begun` and `restarts`: of the engine, begun and over."""

    engine: Engine
    identity: Identity
    image: str
    restart_command: str = ""
    restarts_begun: int = 0
    restarts: int = 0
    deletions: int = 0
    strangers: int = 0
    _foreign: list[str] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def restart(self) -> None:
        """Run the restart command and wait until the engine answers. Raises NoEngine."""
        with self._lock:
            self.restarts_begun += 1
            done = subprocess.run(  # noqa: S602 (the caller's own command)
                self.restart_command, shell=True, capture_output=True, text=True,
                timeout=RESTART_SECONDS, check=False,
            )  # fmt: skip
            deadline = time.monotonic() + BACK_SECONDS
            while not self.engine.answers():
                if time.monotonic() > deadline:
                    raise NoEngine(f"The engine did not come back. {done.stdout[-300:]} {done.stderr[-300:]}")
                time.sleep(0.1)
            # An engine that goes down takes them along, as it does ours.
            dead = [name for name in self._foreign if not self.engine.is_running(name)]
            for name in dead:
                self.engine.remove(name)
            self._foreign = [name for name in self._foreign if name not in dead]
            self.restarts += 1

    def delete_some(self, cluster: str, chance: random.Random, *, most: int = 2) -> list[str]:
        """Kill and remove up to so many running containers of one of our clusters; their names."""
        ours = sorted(self.identity.running(self.engine, cluster=cluster))
        chosen = chance.sample(ours, min(most, len(ours)))
        gone = [name for name in chosen if self.engine.remove(name)]
        with self._lock:
            self.deletions += len(gone)
        return gone

    def invite_strangers(self) -> None:
        """One without any label, one with a name like ours, one of another installation, one of no installation."""
        with self._lock:
            tag = secrets.token_hex(4)
            run = FAR_RUN + self.strangers
            for name, labels in (
                (f"stranger-{tag}", {}),
                (self.identity.container(run), {}),
                (f"hv-{tag}-run-{run}", {RUN: f"run-{run}", INSTALLATION: tag * 4, CLUSTER: tag * 4}),
                (f"half-{tag}", {RUN: f"run-{run}"}),
            ):
                self.engine.run(name, self.image, ["sleep", "100000"], labels)
                self._foreign.append(name)
                self.strangers += 1
            for name in self._foreign[:-MOST_FOREIGN]:
                self.engine.remove(name)
            self._foreign = self._foreign[-MOST_FOREIGN:]

    def foreign(self) -> dict[str, bool]:
        """The strangers that were not sent away, and whether they run."""
        with self._lock:
            return {name: self.engine.is_running(name) for name in self._foreign}

    def end(self) -> None:
        """Send the strangers away."""
        for name in self._foreign:
            self.engine.remove(name)
