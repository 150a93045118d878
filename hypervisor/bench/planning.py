"""`python -m hypervisor.bench.planning [--out FILE]`: how long deciding takes, from a snapshot in memory; no database.

It times the `decide` and `verify` that a cycle calls. Garbage is collected before each call and not within it.
"""

import argparse
import gc
import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from hypervisor.bench.fleets import HIGH, LOW, MEDIUM, contended, fleet
from scheduling.core.decide import decide
from scheduling.core.policy import PRESETS, TWO_PHASE
from scheduling.core.state import Snapshot
from scheduling.core.verification import verify

TIMES = 7
EACH = 4000
"""HIGH ones, and as many lower runs, in the one contended cluster."""
MIXED = (HIGH, *(LOW,) * 6, *(MEDIUM,) * 3)


@dataclass(frozen=True, slots=True)
class PlanningFigure:
    """Milliseconds of one call, the best and the median of several, beside a yardstick taken just before and after.

    `cpu_ms`: the least processor time of one call, which tells more where others use the machine, too.
    `yardstick_ms`: a plain Python loop that asks of each pending row if its first need fits; `ratio`: `best_ms` by it.
    """

    workload: str
    policy: str
    clusters: int
    pending: int
    running: int
    started: int
    evicted: int
    best_ms: float
    median_ms: float
    cpu_ms: float
    verify_ms: float
    yardstick_ms: float
    ratio: float


def workloads() -> list[tuple[str, str, Callable[[], Snapshot], int]]:
    """All that is measured: name, policy, how to build it, how many times."""
    listed: list[tuple[str, str, Callable[[], Snapshot], int]] = []
    for name, policy in PRESETS.items():
        listed += [
            ("1 % of capacity free", name, partial(fleet, policy=policy, running=99), TIMES),
            ("room for 20,000 starts", name, partial(fleet, policy=policy, running=60), TIMES),
        ]
    mixed = partial(fleet, policy=TWO_PHASE, running=99, runs_priority=LOW, priorities=MIXED)
    listed.append(("a tenth HIGH, lower runs give way", TWO_PHASE.name, mixed, 3))
    for name, policy in PRESETS.items():
        label = f"{EACH:,} HIGH against {EACH:,} lower"
        listed.append((label, name, partial(contended, policy=policy, each=EACH), 3))
    return listed


def measure() -> list[PlanningFigure]:
    """Measure all workloads, one after the other."""
    return [_measure(*each) for each in workloads()]


def _measure(workload: str, policy: str, build: Callable[[], Snapshot], times: int) -> PlanningFigure:
    snapshot = build()
    needs, room = snapshot.pending.need[:, 0].tolist(), int(snapshot.heads.total[0, 0])
    yards = _milliseconds(lambda: _one_comparison_a_row(needs, room), 3)
    took = _milliseconds(lambda: decide(snapshot), times)
    cpu = _milliseconds(lambda: decide(snapshot), times, time.thread_time)
    yards += _milliseconds(lambda: _one_comparison_a_row(needs, room), 3)
    plan = decide(snapshot)
    return PlanningFigure(
        workload=workload,
        policy=policy,
        clusters=len(snapshot),
        pending=len(snapshot.pending.id),
        running=len(snapshot.running.id),
        started=sum(len(one.starts) for one in plan.clusters),
        evicted=sum(len(one.evictions) for one in plan.clusters),
        best_ms=round(min(took), 2),
        median_ms=round(statistics.median(took), 2),
        cpu_ms=round(min(cpu), 2),
        verify_ms=round(min(_milliseconds(lambda: verify(snapshot, plan), times)), 2),
        yardstick_ms=round(min(yards), 3),
        ratio=round(min(took) / min(yards), 1),
    )


def _one_comparison_a_row(needs: list[int], room: int) -> int:
    fitting = 0
    for need in needs:
        if need <= room:
            fitting += 1
    return fitting


def _milliseconds(
    call: Callable[[], Any], times: int, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    took = []
    for _ in range(times):
        gc.collect()
        gc.disable()
        try:
            began = clock()
            call()
            took.append((clock() - began) * 1000)
        finally:
            gc.enable()
    return took


def table(figures: list[dict[str, Any]]) -> Table:
    """The figures for people."""
    found = Table(title="Deciding, from a snapshot in memory", title_justify="left")
    for name in ("workload", "policy"):
        found.add_column(name)
    for name in ("clusters", "pending", "starts", "evicts", "best ms", "median", "cpu", "verify", "ratio"):
        found.add_column(name, justify="right")
    for row in figures:
        found.add_row(
            row["workload"],
            row["policy"],
            *(f"{row[name]:,}" for name in ("clusters", "pending", "started", "evicted")),
            *(f"{row[name]:.1f}" for name in ("best_ms", "median_ms", "cpu_ms", "verify_ms", "ratio")),
        )
    return found


EXPLAINED = "ratio: best to a plain Python loop with one comparison for each who waits, in the same minute."


def main() -> None:
    """Measure, print, and save as JSON where `--out` says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="also write the figures here, as JSON")
    options = parser.parse_args()
    figures = [asdict(figure) for figure in measure()]
    console = Console(width=118)
    console.print(table(figures))
    console.print(EXPLAINED)
    console.print(
        f"numpy {np.__version__}, load average {', '.join(f'{load:.1f}' for load in os.getloadavg())}"
    )
    if options.out:
        options.out.write_text(json.dumps({"planning": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
