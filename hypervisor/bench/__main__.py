"""`python -m hypervisor.bench [--out FILE]`: run beside a throwaway database, as `make bench` does."""

import argparse
import json
import os
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hypervisor.settings")
os.environ["SCHEDULER_HINTS"] = "false"
os.environ["LOG_LEVEL"] = "ERROR"
django.setup()

from django.core.management import call_command  # noqa: E402 — only after setup
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from hypervisor.bench import api, cycle, planning, quiet  # noqa: E402

SLEEP_SECONDS = 0.25
TABLES = (
    "deployments_deploymentevent", "deployments_allocation", "deployments_run", "deployments_dependency",
    "deployments_deployment", "scheduling_cycle", "clusters_cluster", "organizations_organization", "accounts_user",
)  # fmt: skip


def main() -> None:
    """Measure, print, and save as JSON where `--out` says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="also write the figures here, as JSON")
    options = parser.parse_args()
    call_command("migrate", verbosity=0, interactive=False)
    _empty()
    harness = _harness()
    cycles = []
    for workload in (cycle.FULL, cycle.ROOM):
        cycles.append(asdict(cycle.measure(workload)))
        _empty()
    still = [asdict(figure) for figure in quiet.measure()]
    _empty()
    calls = [asdict(figure) for figure in api.measure()]
    plans = [asdict(figure) for figure in planning.measure()]
    figures = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system()},
        "harness": harness,
        "cycles": cycles,
        "quiet": still,
        "api": calls,
        "planning": plans,
    }
    _print(figures)
    if options.out:
        options.out.write_text(json.dumps(figures, indent=2) + "\n")


def _harness() -> dict[str, float]:
    """The clock that measures must see a sleep of known length as such."""
    began = time.perf_counter()
    time.sleep(SLEEP_SECONDS)
    return {"slept": SLEEP_SECONDS, "measured": time.perf_counter() - began}


def _empty() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY CASCADE")


def _print(figures: dict[str, Any]) -> None:
    console = Console(width=118)
    harness = figures["harness"]
    console.print(f"Harness: a sleep of {harness['slept']} s was measured as {harness['measured']:.3f} s.\n")
    table = Table(title="A whole cold cycle: lock, read, decide, check, write, commit", title_justify="left")
    for name in (
        "workload",
        "clusters",
        "pending",
        "commits",
        "started",
        "reasons",
        "cycle s",
        "bare s",
        "ratio",
    ):
        table.add_column(name, justify="left" if name == "workload" else "right")
    for row in figures["cycles"]:
        table.add_row(
            row["workload"],
            *(f"{row[name]:,}" for name in ("clusters", "pending", "commits", "started", "reasons")),
            *(f"{row[name]:.2f}" for name in ("seconds", "bare_seconds", "ratio")),
        )
    console.print(table)
    console.print("bare: the same rows read and written by plain psycopg in as many commits.\n")
    table = Table(title="A cycle of a full cluster where thousands wait", title_justify="left")
    for name in (
        "what is new",
        "pending",
        "ms least",
        "p50",
        "p99",
        "CPU ms",
        "rows written",
        "bare ms",
        "ratio",
    ):
        table.add_column(name, justify="left" if name == "what is new" else "right")
    for row in figures["quiet"]:
        table.add_row(
            row["what"], f"{row['pending']:,}",
            *(f"{row[name]:.2f}" for name in ("least_ms", "p50_ms", "p99_ms", "cpu_ms")), str(row["rows"]),
            f"{row['bare_ms']:.2f}", f"{row['ratio']:.2f}",
        )  # fmt: skip
    console.print(table)
    console.print("bare: the cluster's row locked and its queue counted, in one transaction.\n")
    console.print(planning.table(figures["planning"]))
    console.print(f"{planning.EXPLAINED}\n")
    table = Table(title="CPU of a request in the web process", title_justify="left")
    for name in ("call", "CPU ms", "× /healthz"):
        table.add_column(name, justify="left" if name == "call" else "right")
    for row in figures["api"]:
        table.add_row(row["call"], f"{row['cpu_ms']:.2f}", f"{row['ratio']:.1f}")
    console.print(table)


if __name__ == "__main__":
    main()
