"""What a simulation replays: jobs, and the cluster that they are replayed on. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from scheduling.core.amounts import Amount, fits

RESOURCES = ("gpu", "cpu", "ram")
SECOND = 1_000_000
"""Microseconds, in which the planner counts."""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work. Times in microseconds; `submit` counts from the first submit of its workload.

    `need`: milli-GPU, milli-CPU, MiB. `expected`: what its user said that it would take. `checkpoint`: it saves its
    work each time it has run so long; None: never.
    """

    name: str
    submit: int
    duration: int
    need: Amount
    priority: int = 2
    organization: int = 0
    user: int = 0
    expected: int | None = None
    checkpoint: int | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """Jobs in order of submit, and the cluster's total. `left_out`: why rows of the source are no jobs → how many."""

    name: str
    total: Amount
    jobs: tuple[Job, ...]
    left_out: dict[str, int] = field(default_factory=dict)
    weights: Mapping[int, int] = field(default_factory=dict)
    """Of organizations' shares, 1 where one is not named; so `user_weights` of users'."""
    user_weights: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, name: str, total: Amount, jobs: Iterable[Job], left_out: dict[str, int] | None = None
    ) -> "Workload":
        """Sort the jobs, count times from the first submit, and leave out what can never run in `total`."""
        told = {reason: count for reason, count in (left_out or {}).items() if count}
        fitting, too_large = [], 0
        for job in jobs:
            if fits(job.need, total):
                fitting.append(job)
            else:
                too_large += 1
        if too_large:
            told["ask for more than the whole cluster has"] = too_large
        first = min((job.submit for job in fitting), default=0)
        if first:
            fitting = [replace(job, submit=job.submit - first) for job in fitting]
        fitting.sort(key=lambda job: job.submit)
        return cls(name, total, tuple(fitting), told)

    @property
    def work_resource(self) -> int:
        """The position of the resource whose use over time is counted as work: GPUs, cores where there are none."""
        return 0 if self.total[0] else 1

    @property
    def work_unit(self) -> str:
        return ("GPU", "core")[self.work_resource]

    @property
    def last_submit(self) -> int:
        """Microseconds from the first submit to the last."""
        return self.jobs[-1].submit if self.jobs else 0

    @property
    def load(self) -> float:
        """Work asked for up to the last submit, as a share of what the cluster can give until then; 0 of no time."""
        there = self.total[self.work_resource] * self.last_submit
        asked = sum(job.need[self.work_resource] * job.duration for job in self.jobs)
        return asked / there if there else 0.0
