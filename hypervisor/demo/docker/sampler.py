"""Looking at an engine all the time: what runs for each cluster, and whether it ever was more than the cluster has."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from hypervisor.demo.docker.engine import CLUSTER, Engine, NoEngine

EVERY_SECONDS = 0.05
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Use:
    """What some containers may use at most: milli-CPU and MiB, by their limits at the engine."""

    containers: int = 0
    cpu_milli: int = 0
    ram_mib: int = 0

    def __add__(self, other: "Use") -> "Use":
        return Use(
            self.containers + other.containers, self.cpu_milli + other.cpu_milli, self.ram_mib + other.ram_mib
        )


@dataclass(slots=True)
class Highest:
    """The highest of each that one look saw, and how many looks there were."""

    samples: int = 0
    missed: int = 0
    """Looks that the engine did not answer."""
    use: Use = field(default_factory=Use)
    over: list[str] = field(default_factory=list)
    """The looks that saw more than there may be, in words."""

    def add(self, use: Use, total: Use) -> None:
        """Take the use of one cluster into account, which has `total`."""
        self.use = Use(
            max(self.use.containers, use.containers),
            max(self.use.cpu_milli, use.cpu_milli),
            max(self.use.ram_mib, use.ram_mib),
        )
        if use.cpu_milli > total.cpu_milli or use.ram_mib > total.ram_mib:
            self.over.append(
                f"{use.containers} containers with {use.cpu_milli} milli-CPU and {use.ram_mib} MiB ran"
                f" where {total.cpu_milli} and {total.ram_mib} are"
            )

    def __str__(self) -> str:
        return (
            f"{self.use.containers} containers, {self.use.cpu_milli} milli-CPU, {self.use.ram_mib} MiB at once,"
            f" in {self.samples} samples; {len(self.over)} of them above what there is; {self.missed} failed"
        )


class Sampler(threading.Thread):
    """Takes a look each EVERY_SECONDS at the containers with this label. `totals`: what each cluster (by the name that
    its containers bear) has; `highest` tells the most that a look saw on one of them."""

    def __init__(self, engine: Engine, *, label: str, totals: Mapping[str, Use]) -> None:
        super().__init__(daemon=True, name="sampler")
        self._engine, self._label, self._totals = engine, label, dict(totals)
        self._limits: dict[str, Use] = {}
        self._stopped = threading.Event()
        self.highest = Highest()

    def run(self) -> None:
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                for cluster, use in self.look().items():
                    self.highest.add(use, self._totals[cluster])
                self.highest.samples += 1
            except NoEngine:
                self.highest.missed += 1
            self._stopped.wait(max(0.0, EVERY_SECONDS - (time.monotonic() - began)))

    def stop(self) -> Highest:
        """The last word, after the last look."""
        self._stopped.set()
        self.join()
        return self.highest

    def look(self) -> dict[str, Use]:
        """What runs now on each cluster."""
        found = dict.fromkeys(self._totals, Use())
        for row in self._engine.containers(self._label):
            cluster = row["Labels"].get(CLUSTER)
            if cluster in found:
                found[cluster] += self._limits_of(row["Id"])
        return found

    def _limits_of(self, id_: str) -> Use:
        """Limits never change in a container's life, so that each is asked for once."""
        if id_ not in self._limits:
            found = self._engine.inspect(id_)
            if found is None:
                return Use()
            config = found["HostConfig"]
            self._limits[id_] = Use(1, config["NanoCpus"] // 1_000_000, config["Memory"] // MIB)
        return self._limits[id_]
