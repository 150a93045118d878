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


def by_policy(workload: Workload, outcomes: Sequence[Outcome]) -> Cells:
    """What each policy made of it, in a line."""
    unit = workload.work_unit
    headers = [
        "policy",
        "goodput\n%",
        "mean wait\nh",
        f"wasted\n{unit} h",
        "preemptions",
        "Jain\nindex",
        "took\ns",
    ]
    rows = [
        [
            outcome.policy.name,
            f"{outcome.figures.goodput:.1f}",
            f"{outcome.figures.waits.mean:,.1f}",
            f"{outcome.figures.waste:,.0f}",
            f"{outcome.figures.preemptions:,}",
            f"{outcome.figures.jain:.2f}",
            f"{outcome.seconds:.1f}",
        ]
        for outcome in outcomes
    ]
    return headers, rows


def by_priority(outcomes: Sequence[Outcome]) -> Cells:
    """The waits of all and of each priority, under each policy."""
    present = sorted({one for outcome in outcomes for one in outcome.figures.by_priority}, reverse=True)
    rows = [["all", outcome.policy.name, *_waits(outcome.figures.waits)] for outcome in outcomes]
    rows += [
        [PRIORITIES.get(priority, str(priority)), outcome.policy.name, *_waits(waits)]
        for priority in present
        for outcome in outcomes
        if (waits := outcome.figures.by_priority.get(priority))
    ]
    return ["priority", "policy", "jobs", *(f"{name}\nh" for name in WAITS)], rows


def said(workload: Workload, *, window_seconds: float, grace_seconds: float) -> list[str]:
    """What was replayed, on what, and what was left out of it."""
    gpus, cores, ram = workload.total
    days = workload.last_submit / 86_400_000_000
    lines = [
        f"{workload.name}: {len(workload.jobs):,} {'job' if len(workload.jobs) == 1 else 'jobs'}, "
        f"submitted over {days:,.1f} days, "
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


def _waits(waits: Waits) -> list[str]:
    hours = (waits.mean, waits.p50, waits.p95, waits.p99, waits.longest)
    return [f"{waits.jobs:,}", *(f"{one:,.1f}" for one in hours)]
