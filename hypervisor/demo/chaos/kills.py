"""Killing one process after the other, and timing how long the service takes to be itself again."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hypervisor.demo.chaos.service import NotServing, Service
from hypervisor.demo.service import Session

BACK_SECONDS = 60.0
BETWEEN_SECONDS = 6.0
"""Ordinary work between two kills."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to kill: a word in its command line; `child`: not it, but its child with this one in its own."""

    name: str
    word: str
    child: str = ""


TARGETS = (
    Target("a process of the worker", "queues=hypervisor", child=" worker "),
    Target("the worker", "queues=hypervisor"),
    Target("the engines' worker", "queues=engines"),
    Target("beat", " beat "),
    Target("a process of the web server", "interface=wsgi", child="granian"),
    Target("the web server", "interface=wsgi"),
    Target("the process of the stream server", "interface=asgi", child="granian"),
    Target("the stream server", "interface=asgi"),
    Target("Valkey", "valkey-server"),
    Target("a connection of PostgreSQL", "postgres", child="[local]"),
    Target("PostgreSQL", "postgres"),
)


@dataclass(frozen=True, slots=True)
class Kill:
    """What happened. Seconds from the kill until a successor was there and /readyz
    answered, and until a new deployment had run."""

    name: str
    pid: int
    ready: float
    works: float


def kill_each(service: Service, run_one: Callable[[str], None]) -> Iterator[Kill]:
    """Kill every target, each after the service has recovered from the last one. Raises NotServing."""
    for target in TARGETS:
        time.sleep(BETWEEN_SECONDS)
        victim = service.find(target.word, child=target.child)
        if victim is None:
            raise NotServing(f"There is no {target.name} to kill. See {service.folder}/logs.")
        began = time.monotonic()
        service.kill(victim)
        # First the successor: what the dead one left behind may still answer for a moment.
        _wait_for_another(service, target, victim.pid)
        service.wait_until_ready(BACK_SECONDS)
        ready = time.monotonic() - began
        run_one(f"after {target.name}")
        works = time.monotonic() - began
        yield Kill(target.name, victim.pid, ready, works)


def run_one_on(
    session: Session, *, organization_id: int, cluster_id: int, accepted: dict[str, int]
) -> Callable[[str], None]:
    """A function that submits a deployment under a name, and returns once it has run."""

    def run_one(name: str) -> None:
        body = {
            "name": name, "docker_image": "ubuntu:24.04", "organization_id": organization_id, "cluster_id": cluster_id,
            "required_gpu": 1, "required_cpu": 1, "required_ram": 1, "priority": "HIGH", "simulated_seconds": 0.1,
        }  # fmt: skip
        find = {"organization_id": organization_id, "name": name}
        id_ = accepted[name] = session.create("/deployments", body, find=find)["id"]
        deadline = time.monotonic() + BACK_SECONDS
        while session.get(f"/deployments/{id_}")["status"] != "completed":
            if time.monotonic() > deadline:
                raise NotServing(f"A new deployment did not run within {BACK_SECONDS:g} s {name} was killed.")
            time.sleep(0.2)

    return run_one


def _wait_for_another(service: Service, target: Target, pid: int) -> None:
    deadline = time.monotonic() + BACK_SECONDS
    while (found := service.find(target.word, child=target.child)) is None or found.pid == pid:
        if time.monotonic() > deadline:
            raise NotServing(f"No other came for {target.name}.")
        time.sleep(0.2)
