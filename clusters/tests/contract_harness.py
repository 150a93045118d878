"""The engines that the drivers' contract is held against, and what to run on each."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from clusters.runtimes.base import ContainerSpec, Driver, Observed, Phase
from clusters.runtimes.simulated import SimulatedDriver

from . import docker_engine, kubernetes_harness

REAL_ENGINES = ["docker", "kubernetes", *(["real kubernetes"] if kubernetes_harness.REAL_KUBECONFIG else [])]
ENGINES = ["simulated", *REAL_ENGINES]


class Harness:
    """One engine under test: drivers that connect to it anew, and what to run on it."""

    def __init__(
        self,
        connect: Callable[[], Driver],
        brief_seconds: float,
        patience_seconds: float,
        *,
        image: str = "busybox:1",
        connect_other: Callable[[], Driver] | None = None,
        make_foreign: Callable[[], str] | None = None,
    ) -> None:
        """`connect_other` is for another owner; `make_foreign` makes a container of nobody's and answers its handle."""
        self.connect, self.connect_other, self.make_foreign = connect, connect_other, make_foreign
        self._image = image
        self.driver = connect()
        self.brief_seconds = brief_seconds
        self._patience_seconds = patience_seconds

    def emptied(self) -> "Iterator[Harness]":
        """Itself, for a fixture: nothing of ours stays on the engine."""
        try:
            yield self
        finally:
            self.driver.remove_many([seen.handle for seen in self.driver.observe()])

    def spec(self, *, seconds: float | None = None) -> ContainerSpec:
        """A container that sleeps for so long and exits with 0; None: until it is stopped."""
        return ContainerSpec(
            name=f"run-{uuid.uuid4().hex}",
            image=self._image,
            cpu_milli=100,
            ram_mib=16,
            gpu_milli=0,
            command=("sh", "-c", f"echo one; echo two; exec sleep {3600 if seconds is None else seconds}"),
            simulated_seconds=seconds,
        )

    def script(self, script: str, **fields: object) -> ContainerSpec:
        """A container that runs this script in a shell."""
        return replace(self.spec(), **({"command": ("sh", "-c", script)} | fields))

    def find(self, name: str) -> Observed | None:
        """What the engine tells of this name now; at most one container may have it."""
        found = [seen for seen in self.driver.observe() if seen.name == name]
        assert len(found) <= 1
        return found[0] if found else None

    def wait(self, name: str, phase: Phase) -> Observed:
        """Look until the container is in this phase."""
        give_up_at = time.monotonic() + self._patience_seconds
        while True:
            seen = self.find(name)
            if seen is not None and seen.phase is phase:
                return seen
            assert time.monotonic() < give_up_at, f"waited for {phase}, and saw {seen}"
            time.sleep(0.01)

    def wait_until_over(self, name: str) -> Observed | None:
        """Look until the container has ended, or is gone: some engines forget what they stopped."""
        give_up_at = time.monotonic() + self._patience_seconds
        while (seen := self.find(name)) is not None and seen.phase is not Phase.ENDED:
            assert time.monotonic() < give_up_at, f"waited for the end, and saw {seen}"
            time.sleep(0.01)
        return seen

    def wait_gone(self, name: str) -> None:
        """Look until the container is gone; until then it may only be stopping."""
        give_up_at = time.monotonic() + self._patience_seconds
        while (seen := self.find(name)) is not None:
            assert seen.phase is Phase.STOPPING
            assert time.monotonic() < give_up_at, f"waited for its removal, and saw {seen}"
            time.sleep(0.01)


def simulated_harness(request: pytest.FixtureRequest) -> Harness:
    client = request.getfixturevalue("simulator_redis")
    name = request.getfixturevalue("engine_name")
    return Harness(lambda: SimulatedDriver(client, name, {}), brief_seconds=0.05, patience_seconds=10)


def docker_harness(request: pytest.FixtureRequest) -> Harness:
    owner, other = docker_engine.new_owner(), docker_engine.new_owner()
    request.getfixturevalue("docker_http")
    return Harness(
        lambda: docker_engine.driver(owner),
        brief_seconds=0.3,
        patience_seconds=60,
        image=docker_engine.IMAGE,
        connect_other=lambda: docker_engine.driver(other),
        make_foreign=lambda: docker_engine.make_foreign(request, owner),
    )


def kubernetes_double_harness(request: pytest.FixtureRequest) -> Harness:
    """A double of the API server, behind which containers are processes of this machine."""
    double = request.getfixturevalue("double")
    owner, other = kubernetes_harness.new_owner(), kubernetes_harness.new_owner()
    return Harness(
        lambda: kubernetes_harness.driver_of(double, owner),
        brief_seconds=0.05,
        patience_seconds=10,
        connect_other=lambda: kubernetes_harness.driver_of(double, other),
        make_foreign=lambda: kubernetes_harness.make_foreign(double, owner),
    )


def real_kubernetes_harness(request: pytest.FixtureRequest) -> Harness:
    owner, other = kubernetes_harness.new_owner(), kubernetes_harness.new_owner()
    return Harness(
        lambda: kubernetes_harness.real_driver(owner),
        brief_seconds=1,
        patience_seconds=120,
        connect_other=lambda: kubernetes_harness.real_driver(other),
    )


HARNESSES = {
    "simulated": simulated_harness,
    "docker": docker_harness,
    "kubernetes": kubernetes_double_harness,
    "real kubernetes": real_kubernetes_harness,
}
