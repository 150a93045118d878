"""The demo in a terminal: a live picture for people, a line now and then for logs, and the final tables."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hypervisor.demo.measures import Count, percentile
from hypervisor.demo.progress import PRIORITIES, Progress

LINE_EVERY_SECONDS = 5.0
BAR_WIDTH = 40
COLOURS = {3: "red", 2: "yellow", 1: "green"}


class Screen:
    """Shows the progress on a console. `trouble` is a line that is worth a person's eye."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live: Live | None = None
        self._line_at = -LINE_EVERY_SECONDS

    @contextmanager
    def opened(self) -> Iterator[None]:
        """The live picture lives inside; logs get lines instead."""
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, refresh_per_second=4, transient=True) as self._live:
            yield
        self._live = None

    def show(self, progress: Progress) -> None:
        """The picture now."""
        if self._live:
            self._live.update(picture(progress))
        elif progress.done or progress.elapsed - self._line_at >= LINE_EVERY_SECONDS:
            self._line_at = progress.elapsed
            self.console.print(line(progress), highlight=False, soft_wrap=True)

    def trouble(self, text: str) -> None:
        """A line above the picture."""
        self.console.print(Text(f"{time.strftime('%H:%M:%S')}  {text}", style="yellow"), soft_wrap=True)


def line(progress: Progress) -> str:
    """All of it in one line."""
    total = progress.total
    by_priority = " ".join(f"{name} {progress.of_priority(p).pending}" for p, name in PRIORITIES.items())
    return (
        f"{progress.elapsed:4.0f} s  submitted {len(progress.accepted):3}/{progress.jobs}"
        f"  running {total.running:3}  pending {total.pending:3} ({by_priority})"
        f"  done {total.completed:3}  preemptions {total.preemptions:3}  GPUs {_gpu_share(progress):3.0f} %"
    )


def picture(progress: Progress) -> RenderableType:
    """How far it is, who runs and waits by priority, and how full each cluster is."""
    total = progress.total
    head = Table.grid(padding=(0, 2))
    submitted, ended = len(progress.accepted), progress.ended
    for label, value in (("submitted", submitted), ("ended", ended)):
        head.add_row(
            Text(label, style="bold"),
            ProgressBar(progress.jobs, value, width=BAR_WIDTH),
            f"{value}/{progress.jobs}",
        )
    head.add_row(
        Text("preempted", style="bold"),
        f"{total.preemptions} times",
        f"[dim]after {progress.elapsed:.0f} s[/]",
    )
    return Group(Text(), head, _states(progress, total), _clusters(progress), Text())


def _states(progress: Progress, total: Count) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True, header_style="bold", footer_style="bold"
    )
    counts = {priority: progress.of_priority(priority) for priority in PRIORITIES}
    table.add_column("priority", footer="all", min_width=9)
    columns = ("pending", "running", "stopping", "completed", "failed", "preemptions")
    for name in columns:
        table.add_column(name, footer=str(getattr(total, name)), justify="right")
    for priority, name in PRIORITIES.items():
        cells = [str(getattr(counts[priority], column)) for column in columns]
        table.add_row(Text(name, style=COLOURS[priority]), *cells)
    return table


def _clusters(progress: Progress) -> Table:
    grid = Table.grid(padding=(0, 2))
    for cluster in progress.clusters:
        used, total = cluster["allocated_gpu"], cluster["total_gpu"]
        grid.add_row(
            Text(cluster["name"], style="bold"),
            ProgressBar(
                max(1, total), used, width=BAR_WIDTH, complete_style="cyan", finished_style="bright_cyan"
            ),
            Text(f"{used:g}/{total:g} GPUs", justify="right"),
            Text(f"{progress.waiting_on(cluster['id'])} waiting", justify="right"),
        )
    return grid


def summary(progress: Progress, waits: Mapping[int, float | None]) -> RenderableType:
    """The final table; waits by deployment in seconds, from when it could have started."""
    table = Table(
        title="What became of the jobs", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD,
        pad_edge=False, show_footer=True, header_style="bold", footer_style="bold",
    )  # fmt: skip
    groups = {name: [r for r in progress.rows if r["priority"] == p] for p, name in PRIORITIES.items()}
    groups["all"] = list(progress.rows)
    lines = {name: _summary_cells(progress, rows, waits) for name, rows in groups.items()}
    headings = ("jobs", "scheduled", "preempted", "unschedulable", "completed", "wait p50", "p95", "longest")
    table.add_column("priority", footer="all")
    for heading, footer in zip(headings, lines.pop("all"), strict=True):
        table.add_column(heading, footer=footer, justify="right")
    for (name, cells), style in zip(lines.items(), COLOURS.values(), strict=True):
        table.add_row(Text(name, style=style), *cells)
    return Group(table, _use(progress))


def _summary_cells(
    progress: Progress, rows: list[Mapping[str, object]], waits: Mapping[int, float | None]
) -> list[str]:
    ids = {int(str(row["id"])) for row in rows}
    known = [wait for id_, wait in waits.items() if id_ in ids and wait is not None]
    times = (percentile(known, 0.5), percentile(known, 0.95), max(known, default=None))
    count = Count.of(rows)
    return [
        str(len(rows)),
        str(len(ids & progress.ever_started)),
        str(count.preemptions),
        str(len(ids & progress.ever_waited)),
        str(count.completed),
        *("–" if wait is None else f"{wait:.1f} s" for wait in times),
    ]


def _use(progress: Progress) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    arrivals = progress.arrived_after or progress.elapsed
    rows = [
        (f"all, while jobs arrived ({arrivals:.0f} s)", progress.while_arriving.percent),
        (f"all, to the end ({progress.elapsed:.0f} s)", progress.over_all.percent),
        *(
            (f"{cluster['name']}, {cluster['total_gpu']:g} GPUs", progress.per_cluster[cluster["id"]].percent)
            for cluster in progress.clusters
        ),
    ]
    for label, percent in rows:
        grid.add_row(
            label,
            ProgressBar(100, percent, width=BAR_WIDTH, complete_style="cyan"),
            Text(f"{percent:.1f} %", justify="right"),
        )
    notes = (
        "Unschedulable: a cycle ever had to leave it in the queue. A wait begins when a job could have",
        "started (it was queued, and what it depends on had completed) and ends with its first start.",
    )
    explained = [Text(note, style="dim") for note in notes]
    return Group(Text("GPUs in use, weighted by time", style="bold"), grid, Text(), *explained)


def _gpu_share(progress: Progress) -> float:
    total = sum(cluster["total_gpu"] for cluster in progress.clusters)
    return 100 * sum(cluster["allocated_gpu"] for cluster in progress.clusters) / total if total else 0.0
