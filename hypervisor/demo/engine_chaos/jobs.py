"""What a round submits, and how each of it should end."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hypervisor.demo.docker.traffic import Kind

LONG, STUBBORN = "exec sleep 600", "trap '' TERM; while :; do sleep 1; done"
FAILS, GPU = "exit 3", "echo no GPU here"


class Stop(StrEnum):
    """When the round stops a job."""

    NEVER = "never"
    ONCE_SEEN = "as soon as it has left the queue"
    RUNNING = "when it runs"
    LAST = "when all that end by themselves have ended"


@dataclass(frozen=True, slots=True)
class Job:
    """A deployment to submit. `cpu` in cores, `ram` in GB. `good`: each (status, reason) that it may end with."""

    name: str
    script: str
    priority: str = "MEDIUM"
    cpu: float = 0.25
    ram: float = 0.125
    gpu: int = 0
    stop: Stop = Stop.NEVER
    good: frozenset[tuple[str, str | None]] = field(default=frozenset({("completed", None)}))

    def body(self, *, image: str, cluster_id: int) -> dict[str, Any]:
        """What is posted."""
        return {
            "name": self.name, "docker_image": image, "cluster_id": cluster_id, "priority": self.priority,
            "required_cpu": self.cpu, "required_ram": self.ram, "required_gpu": self.gpu,
            "command": ["sh", "-c"], "args": [self.script], "grace_period_seconds": 1,
            "image_pull_policy": "never", "restart_policy": "never",
        }  # fmt: skip


COMPLETED = frozenset({("completed", None)})
EXITED = frozenset({("failed", "exited_with_error")})
REFUSED = frozenset({("failed", "start_refused")})
CUT_OFF = EXITED
"""Also allowed where the engine was restarted, or a container deleted: it may be seen dead before it is gone."""


def jobs_of_round(number: int, kind: Kind, chance: random.Random) -> list[Job]:
    """A few short jobs in each round, and what makes many requests of this kind."""

    def named(what: str) -> str:
        return f"{number:04}-{what}"

    jobs = [
        Job(named("short"), f"sleep {chance.uniform(0, 0.6):.2f}"),
        Job(named("fails"), FAILS, good=EXITED),
    ]
    if chance.random() < 0.3:
        jobs.append(Job(named("gpu"), GPU, gpu=1, good=REFUSED | COMPLETED))
    if kind is Kind.START:
        jobs.append(Job(named("quick"), "true", priority="HIGH"))
        if chance.random() < 0.5:
            jobs.append(Job(named("regretted"), LONG, stop=Stop.ONCE_SEEN))
    else:
        jobs += _long_ones(named, kind, chance)
    chance.shuffle(jobs)
    if chance.random() < 0.4:
        jobs += list(_preemption(named))
    return jobs


def _long_ones(named: Callable[[str], str], kind: Kind, chance: random.Random) -> Iterator[Job]:
    yield Job(named("long"), LONG, priority="LOW", stop=Stop.RUNNING)
    if kind is Kind.STOP or chance.random() < 0.5:
        yield Job(named("stubborn"), STUBBORN, priority="LOW", stop=Stop.RUNNING)


def _preemption(named: Callable[[str], str]) -> Iterator[Job]:
    """Two that fill the cluster, and an urgent one that needs the room of both."""
    for name, script in (("victim", LONG), ("stubborn victim", STUBBORN)):
        yield Job(named(name), script, priority="LOW", cpu=0.75, stop=Stop.LAST)
    yield Job(named("urgent"), "sleep 0.2", priority="HIGH", cpu=1.5)
