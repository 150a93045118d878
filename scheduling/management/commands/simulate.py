"""`manage.py simulate`: what would these policies have done with this workload?"""

import json
import time
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from clusters.models import Cluster
from scheduling import simulating
from scheduling.core.policy import PRESETS, Policy
from scheduling.history import workload_of
from scheduling.management.commands.run_scheduler import UNBOUND_WIDTH, printable, refuse_unknown
from scheduling.simulation import chart, policies, tables, traces
from scheduling.simulation.outcome import Outcome, as_json
from scheduling.simulation.workload import Workload
from scheduling.simulation_policies import named

PROCESSES = 2
LONGEST_DAYS = 3660


class Command(BaseCommand):
    help = (
        "Replay a workload under one or more policies in virtual time, by the scheduler's own planner, and "
        "compare them. Nothing is written to the database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        source = parser.add_argument_group("what to replay")
        source.add_argument(
            "--trace", required=True, metavar="FILE|history",
            help="a CSV file, plain or gzip (Philly, openb, or our own columns: docs/scheduling.md), "
            "or history: what ran on --cluster",
        )  # fmt: skip
        source.add_argument("--cluster", type=int, metavar="ID", help="of history: the cluster")
        source.add_argument(
            "--days", type=float, default=30, metavar="N", help="of history: how far back (30)"
        )
        source.add_argument("--gpus", type=float, metavar="N", help="on a cluster of so many GPUs")
        source.add_argument("--cores", type=float, metavar="N", help="and of so many cores")
        source.add_argument("--ram", type=float, metavar="GB", help="and of so much memory")
        how = parser.add_argument_group("how")
        how.add_argument(
            "--policy", action="append", metavar="NAME[,SETTING=VALUE…]",
            help=f"one of {', '.join(PRESETS)}, or cluster:ID for what a cluster follows now; with settings changed; "
            "repeat it to compare (all presets)",
        )  # fmt: skip
        how.add_argument(
            "--set", action="append", default=[], metavar="SETTING=VALUE",
            help="of all policies: for example reservation_after_seconds=3600, most_evictions=3, may_preempt=3:1+2/2:1",
        )  # fmt: skip
        how.add_argument(
            "--no-shares", action="store_true", help="do not order by the shares of organizations and users"
        )
        how.add_argument(
            "--window", type=float, default=60, metavar="SECONDS",
            help="what happens within this time is planned together (60)",
        )  # fmt: skip
        how.add_argument(
            "--grace", type=float, default=0, metavar="SECONDS", help="a victim stays so long (0)"
        )
        how.add_argument("--processes", type=int, default=PROCESSES, metavar="N", help="policies at once (2)")
        result = parser.add_argument_group("the result")
        result.add_argument(
            "--out", type=Path, metavar="DIR",
            help="write result.json, tables.txt, use.svg and waiting.svg there",
        )  # fmt: skip
        result.add_argument("--json", action="store_true", help="print JSON instead of tables")

    def handle(self, *_: Any, **options: Any) -> None:
        _refuse_numbers(options)
        chosen = _policies(options)
        out = Path(options["out"]) if options["out"] else None
        if out:
            _make(out)
        workload = self._workload(options)
        began = time.perf_counter()
        try:
            outcomes = self._compare(workload, chosen, options)
        except KeyboardInterrupt:
            raise CommandError("Stopped; nothing was written.") from None
        seconds = time.perf_counter() - began
        how = {"window_seconds": options["window"], "grace_seconds": options["grace"]}
        result = as_json(workload, outcomes, **how)
        if options["json"]:
            self.stdout.write(json.dumps(result))
        else:
            self._print(self._console(self.stdout, options), workload, outcomes, seconds, how)
        if out:
            self._write(out, result, workload, outcomes, seconds, how)
            self.stderr.write(f"Written to {out}: result.json, tables.txt, use.svg, waiting.svg")

    def _workload(self, options: dict[str, Any]) -> Workload:
        try:
            is_history = options["trace"] == "history"
            workload = _history(options) if is_history else traces.read(Path(options["trace"]))
            workload = traces.sized(
                workload, gpus=options["gpus"], cores=options["cores"], ram_gb=options["ram"]
            )
        except traces.BadTrace as error:
            raise CommandError(str(error)) from error
        if not workload.jobs:
            reasons = "".join(
                f" Left out: {count:,} that {reason}." for reason, count in workload.left_out.items()
            )
            raise CommandError(f"There is nothing to replay.{reasons}")
        return workload

    def _compare(self, workload: Workload, chosen: list[Policy], options: dict[str, Any]) -> list[Outcome]:
        bar = self._bar(options)
        with bar or nullcontext():
            tasks = [bar.add_task(policy.name, total=1.0) for policy in chosen] if bar else []

            def tell(shares: simulating.Shares) -> None:
                for task, share in zip(tasks, shares, strict=False):
                    cast(Progress, bar).update(task, completed=share)

            return simulating.compare(
                workload,
                chosen,
                window_seconds=options["window"],
                grace_seconds=options["grace"],
                processes=options["processes"],
                progress=tell,
            )

    def _bar(self, options: dict[str, Any]) -> Progress | None:
        if not self.stderr.isatty():
            return None
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("of the jobs ended"),
            TimeElapsedColumn(),
            console=self._console(self.stderr, options),
            transient=True,
        )

    def _console(self, stream: Any, options: dict[str, Any]) -> Console:
        return Console(
            file=stream,
            # A file has no width of its own, and rich would take 80 columns for one.
            width=None if stream.isatty() else UNBOUND_WIDTH,
            no_color=options["no_color"],
            highlight=False,
            emoji=False,
        )

    def _print(
        self,
        console: Console,
        workload: Workload,
        outcomes: list[Outcome],
        seconds: float,
        how: dict[str, float],
    ) -> None:
        for line in tables.said(workload, **how):
            console.print(Text(printable(line)))
        console.print()
        console.print(tables.as_table(tables.by_policy(workload, outcomes), title="By policy"))
        console.print(
            tables.as_table(
                tables.by_priority(workload, outcomes),
                title="Waits, from submit to end less the duration",
                words=2,
            )
        )
        for line in tables.unfinished(outcomes):
            console.print(Text(line, style="yellow"))
        console.print(Text(f"Took {seconds:.1f} s.", style="dim"))

    def _write(
        self,
        out: Path,
        result: dict[str, Any],
        workload: Workload,
        outcomes: list[Outcome],
        seconds: float,
        how: dict[str, float],
    ) -> None:
        (out / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        (out / "use.svg").write_text(chart.use_over_time(workload, outcomes), encoding="utf-8")
        (out / "waiting.svg").write_text(chart.waiting_over_time(workload, outcomes), encoding="utf-8")
        with (out / "tables.txt").open("w", encoding="utf-8") as file:
            plain = Console(file=file, width=UNBOUND_WIDTH, no_color=True, highlight=False, emoji=False)
            self._print(plain, workload, outcomes, seconds, how)


def _refuse_numbers(options: dict[str, Any]) -> None:
    for name, lowest, highest in (
        ("window", 0, 86_400), ("grace", 0, 86_400), ("processes", 1, 64), ("days", 0.01, LONGEST_DAYS),
        ("gpus", 0, 10**9), ("cores", 0, 10**9), ("ram", 0, 10**9),
    ):  # fmt: skip
        value = options[name]
        if value is not None and not lowest <= value <= highest:
            raise CommandError(f"--{name} takes a number from {lowest:g} to {highest:g}.")


def _policies(options: dict[str, Any]) -> list[Policy]:
    try:
        settings = policies.SHARES if options["no_shares"] else {}
        settings = {**settings, **policies.parse_settings(options["set"])}
        return named(options["policy"] or list(PRESETS), settings=settings)
    except policies.BadPolicy as error:
        raise CommandError(str(error)) from error


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"--out: {error}. Name a folder that can be written.") from error


def _history(options: dict[str, Any]) -> Workload:
    if options["cluster"] is None:
        raise CommandError("--trace history needs --cluster ID: whose past to replay.")
    refuse_unknown(options["cluster"])
    until = timezone.now()
    return workload_of(
        Cluster.objects.get(pk=options["cluster"]), since=until - timedelta(days=options["days"]), until=until
    )
