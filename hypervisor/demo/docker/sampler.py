"""Looking at an engine all the time: what runs for one cluster, and whether it ever was more than the cluster has."""

import threading
import time
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


@dataclass(slots=True)
class Highest:
    """The highest of each that one look saw, and how many looks there were."""

    samples: int = 0
    missed: int = 0
    containers: int = 0
    cpu_milli: int = 0
    ram_mib: int = 0
    over: list[str] = field(default_factory=list)
    """The looks that saw more than there may be, in words."""

    def add(self, use: Use, *, cpu_milli: int, ram_mib: int) -> None:
        """Take a look into account; `cpu_milli` and `ram_mib` are what there may be."""
        self.samples += 1
        self.containers = max(self.containers, use.containers)
        self.cpu_milli = max(self.cpu_milli, use.cpu_milli)
        self.ram_mib = max(self.ram_mib, use.ram_mib)
        if use.cpu_milli > cpu_milli or use.ram_mib > ram_mib:
            self.over.append(
                f"{use.containers} containers with {use.cpu_milli} milli-CPU and {use.ram_mib} MiB ran"
                f" where {cpu_milli} and {ram_mib} are"
            )


class Sampler(threading.Thread):
    """Takes a look at one cluster's containers each EVERY_SECONDS; `highest` tells what it saw."""

    def __init__(self, engine: Engine, *, cluster: str, cpu_milli: int, ram_mib: int) -> None:
        super().__init__(daemon=True, name="sampler")
        self._engine = engine
        self._label = f"{CLUSTER}={cluster}"
        self._has = {"cpu_milli": cpu_milli, "ram_mib": ram_mib}
        self._limits: dict[str, tuple[int, int]] = {}
        self._stopped = threading.Event()
        self.highest = Highest()

    def run(self) -> None:
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                self.highest.add(self.look(), **self._has)
            except NoEngine:
                self.highest.missed += 1
            self._stopped.wait(max(0.0, EVERY_SECONDS - (time.monotonic() - began)))

    def stop(self) -> Highest:
        """The last word, after the last look."""
        self._stopped.set()
        self.join()
        return self.highest

    def look(self) -> Use:
        """What runs now."""
        ids = [row["Id"] for row in self._engine.containers(self._label)]
        limits = [found for id_ in ids if (found := self._limits_of(id_))]
        return Use(len(limits), sum(cpu for cpu, _ in limits), sum(ram for _, ram in limits))

    def _limits_of(self, id_: str) -> tuple[int, int] | None:
        """Limits never change in a container's life, so that each is asked for once."""
        if id_ not in self._limits:
            found = self._engine.inspect(id_)
            if found is None:
                return None
            config = found["HostConfig"]
            self._limits[id_] = (config["NanoCpus"] // 1_000_000, config["Memory"] // MIB)
        return self._limits[id_]
