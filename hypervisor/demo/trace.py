"""The jobs of a real trace on compressed time. Pure: the same arguments give the same tasks."""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

TRACE = Path(__file__).with_name("philly_400.csv")
LOW, MEDIUM, HIGH = 1, 2, 3
CORES_PER_GPU = (2, 4, 6, 8, 12)
GB_PER_GPU = (16, 32, 48, 64, 96)
ESTIMATES = (1, 1.5, 2, 5, 10)
"""How many times too long users expect their jobs to take."""
LONGEST, SHORTEST = 0.2, 0.5
"""A job lasts at most this share of the time of all arrivals, so that the demo ends, and at least these seconds."""
WITH_DEPENDENCY = 0.12
"""The share of jobs that wait for the job before them of the same virtual cluster."""


@dataclass(frozen=True, slots=True)
class Job:
    """One line of the trace; times in its own seconds."""

    job_id: str
    vc: str
    submit_s: int
    duration_s: int
    gpus: int


@dataclass(frozen=True, slots=True)
class Site:
    """A cluster of the demo: 8 cores and 64 GB a GPU."""

    name: str
    gpus: int

    @property
    def cores(self) -> int:
        return 8 * self.gpus

    @property
    def ram(self) -> int:
        return 64 * self.gpus


SITES = (Site("redmond", 64), Site("cambridge", 48), Site("beijing", 32))


@dataclass(frozen=True, slots=True)
class Task:
    """A deployment to submit `at` seconds after the first; it runs `seconds` once it has started."""

    name: str
    vc: str
    at: float
    seconds: float
    expected_seconds: int
    gpus: int
    cores: int
    ram: int
    priority: int
    site: int
    after: str | None


def load(path: Path = TRACE) -> list[Job]:
    """The jobs of the file, in order of arrival."""
    with path.open(newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        jobs = [
            Job(row["job_id"], row["vc"], int(row["submit_s"]), int(row["duration_s"]), int(row["gpus"]))
            for row in rows
        ]
    return sorted(jobs, key=lambda job: (job.submit_s, int(job.job_id)))


def share(*words: str) -> float:
    """A number from 0 up to 1 that depends on the words alone: the trace has no priority, cores or memory."""
    digest = blake2b("|".join(words).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def priority_of(job_id: str) -> int:
    """10 % HIGH, 30 % MEDIUM, 60 % LOW."""
    drawn = share("prio", f"ph{job_id}")
    return HIGH if drawn < 0.1 else MEDIUM if drawn < 0.4 else LOW


def compress(jobs: Sequence[Job], *, seconds: float, sites: Sequence[Site] = SITES) -> list[Task]:
    """The jobs with all arrivals within so many seconds, and durations shortened by the same factor, within bounds."""
    return list(_compressed(jobs, seconds, sites))


def _compressed(jobs: Sequence[Job], seconds: float, sites: Sequence[Site]) -> Iterator[Task]:
    if not jobs:
        return
    began = jobs[0].submit_s
    factor = seconds / max(1, jobs[-1].submit_s - began)
    previous: dict[str, str] = {}
    given = [0.0] * len(sites)
    for job in jobs:
        key, name = f"ph{job.job_id}", f"philly-{int(job.job_id):05d}"
        lasts = round(min(LONGEST * seconds, max(SHORTEST, job.duration_s * factor)), 3)
        site = _least_loaded(given, sites, job.gpus)
        given[site] += job.gpus * lasts
        per_core, per_gb = int(5 * share("cpu", key)), int(5 * share("ram", key))
        waits = share("after", key) < WITH_DEPENDENCY
        yield Task(
            name=name,
            vc=job.vc,
            at=round((job.submit_s - began) * factor, 3),
            seconds=lasts,
            expected_seconds=math.ceil(lasts * ESTIMATES[int(5 * share("est", key))]),
            gpus=job.gpus,
            # What a whole cluster cannot give would be refused at submit.
            cores=min(job.gpus * CORES_PER_GPU[per_core], sites[site].cores),
            ram=min(job.gpus * GB_PER_GPU[per_gb], sites[site].ram),
            priority=priority_of(job.job_id),
            site=site,
            after=previous.get(job.vc) if waits else None,
        )
        previous[job.vc] = name


def _least_loaded(given: Sequence[float], sites: Sequence[Site], gpus: int) -> int:
    """Of the clusters that are large enough, the one with the fewest GPU-seconds a GPU so far, as a user would pick."""
    large_enough = [index for index, site in enumerate(sites) if site.gpus >= gpus]
    return min(large_enough, key=lambda index: (given[index] / sites[index].gpus, index))
