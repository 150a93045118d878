"""`manage.py run_scheduler`: one scheduling cycle by hand, shown as a table."""

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, close_old_connections
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clusters.models import Cluster
from deployments.models import Deployment
from scheduling.passes import Outcome, run_pass

COUNTS = ("pending", "scheduled", "preempted", "unschedulable", "held")
UNBOUND_WIDTH = 120
"""Columns of the table where nobody's terminal sets them."""
SHOWN = 12
"""Deployments named in one line of a dry run; the rest are counted."""


class Command(BaseCommand):
    help = "Run one scheduling cycle of all clusters where anybody waits, or of one, and show the totals."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--cluster", type=int, metavar="ID", help="only this cluster")
        parser.add_argument("--loop", type=float, metavar="SECONDS", help="again and again, until Ctrl-C")
        parser.add_argument("--dry-run", action="store_true", help="change nothing; say what would happen")
        parser.add_argument("--json", action="store_true", help="one JSON object a pass, for scripts")

    def handle(self, *_: Any, **options: Any) -> None:
        every, cluster_id = options["loop"], options["cluster"]
        if every is not None and not 0 < every <= 86_400:
            raise CommandError("--loop takes seconds above 0, up to 86400. Write for example --loop 5.")
        try:
            refuse_unknown(cluster_id)
            while True:
                try:
                    self._pass(cluster_id, options)
                except OperationalError as error:
                    if every is None:
                        raise CommandError(f"The database does not answer: {error}") from error
                    self.stderr.write(f"The database does not answer, trying again in {every:g} s: {error}")
                if every is None:
                    return
                time.sleep(every)
                close_old_connections()
        except KeyboardInterrupt:
            self.stderr.write("Stopped.")

    def _pass(self, cluster_id: int | None, options: dict[str, Any]) -> None:
        dry_run, at = options["dry_run"], datetime.now(UTC)
        began = time.perf_counter()
        outcomes = run_pass(cluster_id=cluster_id, dry_run=dry_run)
        milliseconds = round((time.perf_counter() - began) * 1000, 1)
        if options["json"]:
            self.stdout.write(
                json.dumps(as_json(outcomes, at=at, dry_run=dry_run, milliseconds=milliseconds))
            )
            return
        console = Console(
            file=cast(Any, self.stdout),
            # A log has no width of its own, and rich would take 80 columns for one.
            width=None if self.stdout.isatty() else UNBOUND_WIDTH,
            no_color=options["no_color"],
            highlight=False,
            emoji=False,
        )
        console.print(as_table(outcomes, at=at, dry_run=dry_run, milliseconds=milliseconds))
        for outcome in outcomes if dry_run else ():
            for line in _would_do(outcome):
                console.print(Text(line))
        for outcome in outcomes:
            if outcome.problem:
                console.print(Text(f"cluster {outcome.cluster_id}: {outcome.problem}", style="yellow"))


def as_json(
    outcomes: Iterable[Outcome], *, at: datetime, dry_run: bool, milliseconds: float
) -> dict[str, Any]:
    """The pass for scripts: totals and ids per cluster, and the sums over all."""
    rows = list(outcomes)
    return {
        "at": at.isoformat(),
        "dry_run": dry_run,
        "clusters": [
            {"cluster_id": row.cluster_id, "name": row.name, "ms": row.milliseconds}
            | _counts(row)
            | _ids(row)
            | ({"problem": row.problem} if row.problem else {})
            for row in rows
        ],
        "total": _sums(rows) | {"ms": milliseconds},
    }


def as_table(outcomes: Iterable[Outcome], *, at: datetime, dry_run: bool, milliseconds: float) -> Table:
    """The pass for people: a line a cluster, and their sums."""
    rows = list(outcomes)
    title = "Dry run: nothing was changed" if dry_run else "Scheduling cycle"
    table = Table(
        title=f"{title} · {at:%H:%M:%S} UTC",
        title_justify="left",
        show_footer=bool(rows),
        header_style="bold",
        footer_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    sums: dict[str, Any] = _sums(rows)
    plural = "" if len(rows) == 1 else "s"
    table.add_column("cluster", footer="total", justify="right", no_wrap=True)
    table.add_column("name", footer=f"{len(rows)} cluster{plural}", overflow="fold")
    for name in COUNTS:
        table.add_column(name, footer=str(sums[name]), justify="right", no_wrap=True)
    table.add_column("ms", footer=f"{milliseconds:.1f}", justify="right")
    for row in rows:
        counts = [Text(str(count), style="" if count else "dim") for count in _counts(row).values()]
        table.add_row(
            str(row.cluster_id), Text(printable(row.name)), *counts, f"{row.milliseconds:.1f}",
            style="yellow" if row.problem else None,
        )  # fmt: skip
    if not rows:
        table.caption = "Nobody waits in any cluster."
        table.caption_justify = "left"
    return table


def printable(name: str) -> str:
    """A user's word without what would steer the terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in name)


def refuse_unknown(cluster_id: int | None) -> None:
    """Raise CommandError, naming the clusters there are, if this one is not there."""
    if cluster_id is None or Cluster.objects.filter(pk=cluster_id, deleted_at=None).exists():
        return
    known = list(Cluster.objects.filter(deleted_at=None).order_by("pk").values_list("pk", flat=True)[:20])
    shown = f"There are: {', '.join(map(str, known))}." if known else "There is no cluster yet."
    raise CommandError(f"There is no cluster {cluster_id}. {shown}")


def _counts(row: Outcome) -> dict[str, int]:
    plan = row.plan
    return {
        "pending": row.pending,
        "scheduled": plan.scheduled if plan else 0,
        "preempted": plan.preempted if plan else 0,
        "unschedulable": plan.unschedulable if plan else 0,
        "held": plan.held if plan else 0,
    }


def _sums(rows: list[Outcome]) -> dict[str, int]:
    return {name: sum(_counts(row)[name] for row in rows) for name in COUNTS}


def _ids(row: Outcome) -> dict[str, Any]:
    plan = row.plan
    return {
        "started": list(plan.starts) if plan else [],
        "seated": list(plan.seats) if plan else [],
        "evicted": [
            {"deployment_id": eviction.victim, "for": eviction.preemptor}
            for eviction in (plan.evictions if plan else ())
        ],
    }


def _would_do(row: Outcome) -> list[str]:
    plan = row.plan
    if plan is None:
        return []
    pairs = [(eviction.victim, eviction.preemptor) for eviction in plan.evictions]
    named = {*plan.starts, *plan.seats, *(id_ for pair in pairs for id_ in pair)}
    names = dict(Deployment.objects.filter(pk__in=named).values_list("pk", "name"))

    def show(id_: int) -> str:
        return f"{printable(names.get(id_, ''))} (#{id_})"

    parts = {
        "start": [show(id_) for id_ in plan.starts],
        "preempt": [f"{show(victim)} for {show(preemptor)}" for victim, preemptor in pairs],
        "promise room to": [show(id_) for id_ in plan.seats],
    }
    return [
        f"cluster {row.cluster_id} would {verb}: {', '.join(words[:SHOWN])}"
        + (f" and {len(words) - SHOWN} more" if len(words) > SHOWN else "")
        for verb, words in parts.items()
        if words
    ]
