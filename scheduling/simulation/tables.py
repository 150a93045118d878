"""A comparison as tables for people: units in the headers, a line a policy. Pure."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from scheduling.simulation.measures import Waits
from scheduling.simulation.outcome import PRIORITIES, Outcome
from scheduling.simulation.workload import Workload

WAITS_TITLE = "Waits: from submit to end, less the duration"
WAITS = ("mean", "p50", "p95", "p99", "max")
Cells = tuple[list[str], list[list[str]]]
"""Headers, and rows of as many cells."""
HOUR = 3_600_000_000
UNITS = (("s", HOUR, 3600), ("min", 24 * HOUR, 60), ("h", 0, 1))
"""A unit of time, up to which span of submissions it is told, and how many of it make an hour."""


def unit_of(workload: Workload) -> tuple[str, int]:
    """In what its times are told, and how many of it make an hour: seconds for what was submitted within an hour,
    minutes within a day.
    """
    fitting = ((name, in_hour) for name, most, in_hour in UNITS if workload.last_submit < most or not most)
    return next(fitting)


def by_policy(workload: Workload, outcomes: Sequence[Outcome]) -> Cells:
    """What each policy made of it, in a line."""
    unit, (time, in_hour) = workload.work_unit, unit_of(workload)
    headers = [
        "policy",
        "goodput\n%",
        f"mean wait\n{time}",
        f"wasted\n{unit} {time}",
        "preemptions",
        "Jain\nindex",
        "took\ns",
    ]
    rows = [
        [
            outcome.policy.name,
            f"{outcome.figures.goodput:.1f}",
            f"{outcome.figures.waits.mean * in_hour:,.1f}",
            f"{outcome.figures.waste * in_hour:,.0f}",
            f"{outcome.figures.preemptions:,}",
            f"{outcome.figures.jain:.2f}",
            f"{outcome.seconds:.1f}",
        ]
        for outcome in outcomes
    ]
    return headers, rows


def by_priority(workload: Workload, outcomes: Sequence[Outcome]) -> Cells:
    """The waits of all and of each priority, under each policy."""
    time, in_hour = unit_of(workload)
    present = sorted({one for outcome in outcomes for one in outcome.figures.by_priority}, reverse=True)
    rows = [["all", outcome.policy.name, *_waits(outcome.figures.waits, in_hour)] for outcome in outcomes]
    rows += [
        [PRIORITIES.get(priority, str(priority)), outcome.policy.name, *_waits(waits, in_hour)]
        for priority in present
        for outcome in outcomes
        if (waits := outcome.figures.by_priority.get(priority))
    ]
    return ["priority", "policy", "jobs", *(f"{name}\n{time}" for name in WAITS)], rows


def said(workload: Workload, *, window_seconds: float, grace_seconds: float) -> list[str]:
    """What was replayed, on what, and what was left out of it."""
    gpus, cores, ram = workload.total
    time, in_hour = unit_of(workload)
    span = workload.last_submit / HOUR
    told = f"{span / 24:,.1f} days" if time == "h" else f"{span * in_hour:,.0f} {time}"
    lines = [
        f"{workload.name}: {len(workload.jobs):,} {'job' if len(workload.jobs) == 1 else 'jobs'}, "
        f"submitted over {told}, "
        f"on {gpus / 1000:,g} GPUs, {cores / 1000:,g} cores and {ram / 1024:,g} GB: "
        f"{100 * workload.load:.0f} % of the {workload.work_unit}s asked for.",
        f"Planned {window_seconds:g} s after the first change, by the scheduler's own planner; "
        f"a victim is gone {'at once' if not grace_seconds else f'after {grace_seconds:g} s'}.",
    ]
    lines += [f"Left out: {count:,} that {reason}." for reason, count in workload.left_out.items()]
    return lines


def unfinished(outcomes: Sequence[Outcome]) -> list[str]:
    """Who would wait for ever; nobody, as a rule."""
    return [
        f"{outcome.policy.name}: {outcome.figures.unfinished:,} jobs never ended, and count in no wait."
        for outcome in outcomes
        if outcome.figures.unfinished
    ]


def as_table(cells: Cells, *, title: str, words: int = 1) -> Table:
    """For a terminal or a file. The first `words` columns hold words, the others figures."""
    headers, rows = cells
    table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for index, header in enumerate(headers):
        is_word = index < words
        table.add_column(header, justify="left" if is_word else "right", overflow="fold", no_wrap=not is_word)
    for row in rows:
        table.add_row(*row)
    return table


def _waits(waits: Waits, in_hour: int) -> list[str]:
    hours = (waits.mean, waits.p50, waits.p95, waits.p99, waits.longest)
    return [f"{waits.jobs:,}", *(f"{one * in_hour:,.1f}" for one in hours)]
