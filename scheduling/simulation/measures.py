"""The figures of a replay, defined so that they can be laid beside other engines'. Pure; seconds, hours and shares."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from scheduling.simulation.replay import Replayed
from scheduling.simulation.workload import SECOND, Workload

HOUR = 3600 * SECOND


@dataclass(frozen=True, slots=True)
class Waits:
    """How long jobs waited: hours from submit to end, less their duration; work that was done again counts."""

    jobs: int
    mean: float
    p50: float
    p95: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What one policy made of a workload.

    `goodput`: percent of what the cluster could give from the first submit to the last that became work of a completed
    job. `waste`: GPU hours (core hours where the cluster has none) that evictions destroyed, to the end of the replay.
    `jain`: fairness over organizations of (sum of durations / sum of times from submit to end), 1 is even.
    """

    goodput: float
    waits: Waits
    by_priority: dict[int, Waits]
    waste: float
    preemptions: int
    jain: float
    unfinished: int
    cycles: int
    days: float
    """From the first submit to the last end."""


def measure(workload: Workload, replayed: Replayed) -> Figures:
    """Work the figures out."""
    jobs, index, horizon = workload.jobs, workload.work_resource, workload.last_submit
    finished: dict[int, int] = {}
    useful = wasted = preemptions = 0
    for stint in replayed.stints:
        amount = jobs[stint.job].need[index]
        useful += amount * max(0, min(stint.began + stint.kept, horizon) - stint.began)
        wasted += amount * (stint.ended - stint.began - stint.kept)
        preemptions += not stint.completed
        if stint.completed:
            finished[stint.job] = stint.ended
    waits: dict[int, list[int]] = defaultdict(list)
    durations: dict[int, int] = defaultdict(int)
    times: dict[int, int] = defaultdict(int)
    for id_, ended in finished.items():
        job = jobs[id_]
        waits[job.priority].append(ended - job.submit - job.duration)
        durations[job.organization] += job.duration
        times[job.organization] += ended - job.submit
    capacity = workload.total[index] * horizon
    return Figures(
        goodput=100 * useful / capacity if capacity else 0.0,
        waits=_waits([wait for some in waits.values() for wait in some]),
        by_priority={priority: _waits(waits[priority]) for priority in sorted(waits, reverse=True)},
        waste=wasted / 1000 / HOUR,
        preemptions=preemptions,
        jain=jain([durations[one] / times[one] for one in durations if times[one]]),
        unfinished=replayed.unfinished,
        cycles=replayed.cycles,
        days=max(finished.values(), default=0) / HOUR / 24,
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed; 0 of none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def jain(values: Sequence[float]) -> float:
    """Jain's index: 1 where all are equal, 1/n where one has all; 1 of none."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


def _waits(microseconds: Sequence[int]) -> Waits:
    ordered = sorted(one / HOUR for one in microseconds)
    return Waits(
        jobs=len(ordered),
        mean=math.fsum(ordered) / len(ordered) if ordered else 0.0,
        p50=percentile(ordered, 0.5),
        p95=percentile(ordered, 0.95),
        p99=percentile(ordered, 0.99),
        longest=ordered[-1] if ordered else 0.0,
    )
