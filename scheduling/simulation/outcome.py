"""One policy's outcome: the replay, measured and summed up, and its form in JSON. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scheduling.core.policy import Policy
from scheduling.simulation.measures import Figures, measure
from scheduling.simulation.policies import as_words
from scheduling.simulation.replay import replay
from scheduling.simulation.series import Series, series
from scheduling.simulation.workload import RESOURCES, SECOND, Workload

PRIORITIES = {3: "HIGH", 2: "MEDIUM", 1: "LOW"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one policy made of a workload. `seconds`: how long the replay took, where somebody looked at a clock."""

    policy: Policy
    figures: Figures
    series: Series
    seconds: float = 0.0


def play(
    workload: Workload,
    policy: Policy,
    *,
    window_seconds: float,
    grace_seconds: float,
    progress: Callable[[float], None] = lambda share: None,
) -> Outcome:
    """Replay the workload under this policy; `progress` is told the share of jobs that have ended."""
    replayed = replay(
        workload,
        policy,
        window=round(window_seconds * SECOND),
        grace=round(grace_seconds * SECOND),
        progress=progress,
    )
    return Outcome(policy, measure(workload, replayed), series(workload, replayed))


def as_json(
    workload: Workload, outcomes: Sequence[Outcome], *, window_seconds: float, grace_seconds: float
) -> dict[str, Any]:
    """Everything for scripts. Units are in the names; `useful`, `lost` and `waiting` are averages over `span_hours`."""
    return {
        "workload": {
            "name": workload.name,
            "jobs": len(workload.jobs),
            "left_out": workload.left_out,
            "total": dict(zip(RESOURCES, workload.total, strict=True)),
            "work_unit": workload.work_unit,
            "load_percent": 100 * workload.load,
            "submits_over_days": workload.last_submit / SECOND / 86_400,
        },
        "window_seconds": window_seconds,
        "grace_seconds": grace_seconds,
        "policies": [_outcome(outcome, workload.work_unit) for outcome in outcomes],
    }


def _outcome(outcome: Outcome, unit: str) -> dict[str, Any]:
    figures = outcome.figures
    return {
        "policy": outcome.policy.name,
        "settings": as_words(outcome.policy),
        "goodput_percent": figures.goodput,
        "wait_hours": asdict(figures.waits),
        "wait_hours_by_priority": {
            PRIORITIES.get(priority, str(priority)): asdict(waits)
            for priority, waits in figures.by_priority.items()
        },
        f"wasted_{unit.lower()}_hours": figures.waste,
        "preemptions": figures.preemptions,
        "jain_index": figures.jain,
        "unfinished_jobs": figures.unfinished,
        "cycles": figures.cycles,
        "last_end_days": figures.days,
        "took_seconds": outcome.seconds,
        "over_time": {
            "span_hours": outcome.series.span / SECOND / 3600,
            "useful": _rounded(outcome.series.useful),
            "lost": _rounded(outcome.series.lost),
            "waiting": _rounded(outcome.series.waiting),
        },
    }


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 3) for value in values]
