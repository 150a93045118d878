"""`python -m hypervisor.bench.flow`: the whole service at scale, each figure beside its yardstick.

In a service of its own, with PostgreSQL as durable as ever: tens of thousands of deployments of a thousand tenants
from their submission until all run; then one at a time among a hundred thousand that wait elsewhere.
"""

import argparse
import json
import os
import statistics
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from redis import Redis
from rich.console import Console
from rich.table import Table

from hypervisor.bench import flow_bare
from hypervisor.bench.fleet import (
    Caller,
    batch,
    cpu_seconds,
    database_of,
    location_of,
    make_tenants,
    make_waiting,
)
from hypervisor.demo.chaos.service import NotServing, Service, own_service
from scheduling import tally

LONGEST_SECONDS = 1800.0
LOOK_SECONDS = 0.25
POLL_SECONDS = 0.002
SLEEP_SECONDS = 0.25
AT_ONCE = 4
"""Callers at the same time: as many as a machine of two cores can use."""


@dataclass(frozen=True, slots=True)
class ManyFigure:
    """Seconds from the first submission until all were accepted, booked and running. `bare`: COPY of their rows."""

    deployments: int
    tenants: int
    calls: int
    submitted_seconds: float
    booked_seconds: float
    running_seconds: float
    rows: int
    bare_seconds: float
    ratio: float
    cpu_seconds: dict[str, float]
    load: tuple[float, float]
    """Of the machine over a minute, before and after."""


@dataclass(slots=True)
class OneFigure:
    """Milliseconds from the submission of one until it was seen as starting. `bare`: a submission and a look."""

    waiting: int
    count: int
    p50_ms: float
    p99_ms: float
    longest_ms: float
    bare_p50_ms: float
    ratio: float
    cycles: int
    """Of any cluster meanwhile: the beat at its interval, and hints."""
    load: tuple[float, float]
    times: list[float] = field(default_factory=list)


def main() -> int:
    """0 if both figures are within their promise."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--deployments", type=int, default=50_000)
    parser.add_argument("--tenants", type=int, default=1000)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--singles", type=int, default=300)
    parser.add_argument("--out", type=Path, help="also write the figures here, as JSON")
    given = parser.parse_args()
    console = Console(width=118, highlight=False)
    with own_service() as service:
        caller = Caller(service, username="bench", at_once=AT_ONCE)
        with database_of(service) as connection:
            each = given.deployments // given.tenants
            clusters = list(make_tenants(connection, user=caller.user_id, tenants=given.tenants, gpus=each))
            many = measure_many(service, caller, connection, clusters, each)
            _print_many(console, many)

            one = measure_one(service, caller, connection, clusters, given.waiting, given.singles)
        books = service.manage("check_books")
        if books.returncode:
            raise NotServing(f"The books are wrong: {books.stdout[-500:]}")
    figures = {"harness": _harness(), "many": asdict(many), "one": asdict(one)}
    _print_one(console, one)
    if given.out:
        given.out.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if many.running_seconds < 60 and one.p99_ms < 1000 else 1


def measure_many(
    service: Service, caller: Caller, connection: psycopg.Connection[Any], clusters: list[int], each: int
) -> ManyFigure:
    """Submit `each` deployments to each of the clusters, and wait until all run."""
    bodies = [batch(cluster, each) for cluster in clusters]
    expected, load, before = each * len(clusters), os.getloadavg()[0], cpu_seconds(service)
    began = time.monotonic()
    caller.post_all("/deployments/bulk", bodies)
    submitted = time.monotonic() - began
    booked = _wait(connection, "status IN ('starting', 'running')", expected, began)
    running = _wait(connection, "status = 'running'", expected, began)
    cpu = {name: round(seconds - before[name], 1) for name, seconds in cpu_seconds(service).items()}
    after = os.getloadavg()[0]
    bare, rows = flow_bare.measure(service, clusters)
    return ManyFigure(
        expected,
        len(clusters),
        len(bodies),
        submitted,
        booked,
        running,
        rows,
        bare,
        running / bare,
        cpu,
        (load, after),
    )


def measure_one(
    service: Service,
    caller: Caller,
    connection: psycopg.Connection[Any],
    clusters: list[int],
    waiting: int,
    count: int,
) -> OneFigure:
    """Fill the queues of the full clusters, then submit one after the other where there is room."""
    make_waiting(connection, user=caller.user_id, clusters=clusters, each=waiting // len(clusters))
    _wait(
        connection,
        "status = 'pending' AND reason IS NOT NULL",
        waiting // len(clusters) * len(clusters),
        None,
    )
    organization = caller.post("/organizations", {"name": "aside"})["id"]
    size = {"organization_id": organization, "total_ram": count, "total_cpu": count, "total_gpu": count}
    room = caller.post("/clusters", {"name": "room", **size})["id"]
    shut = caller.post("/clusters", {"name": "shut", "paused": True, **size})["id"]
    load, cycles = os.getloadavg()[0], _cycles(service)
    times, bare = [], []
    for number in range(count):
        began = time.perf_counter()
        made = caller.post("/deployments", _one(room))["id"]
        while _status(connection, made) == "pending":
            time.sleep(POLL_SECONDS)
        times.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        caller.get(f"/deployments/{caller.post('/deployments', _one(shut))['id']}")
        bare.append((time.perf_counter() - began) * 1000)
        time.sleep(0.05 + number % 7 * 0.03)  # never in step with the beat
    p50, bare_p50 = statistics.median(times), statistics.median(bare)
    return OneFigure(
        waiting, count, p50, sorted(times)[int(len(times) * 0.99)], max(times), bare_p50, p50 / bare_p50,
        _cycles(service) - cycles, (load, os.getloadavg()[0]), [round(one, 1) for one in times],
    )  # fmt: skip


def _one(cluster: int) -> dict[str, Any]:
    size = {"required_ram": 1, "required_cpu": 1, "required_gpu": 1}
    return {"name": "one", "docker_image": "ubuntu:24.04", "cluster_id": cluster, **size}


def _status(connection: psycopg.Connection[Any], deployment: int) -> str:
    row = connection.execute(
        "SELECT status FROM deployments_deployment WHERE id = %s", [deployment]
    ).fetchone()
    return str(row[0]) if row else ""


def _cycles(service: Service) -> int:
    """Cycles of a cluster until now, as the scheduler itself counts them."""
    with Redis(unix_socket_path=str(location_of(service).valkey_socket)) as client:
        counted: Any = client.hget(tally.KEY, "cycles")
    return int(counted or 0)


def _wait(connection: psycopg.Connection[Any], what: str, count: int, began: float | None) -> float:
    """Seconds since `began` when so many deployments were so."""
    deadline = time.monotonic() + LONGEST_SECONDS
    query = f"SELECT count(*) FROM deployments_deployment WHERE {what}"  # noqa: S608
    while True:
        row = connection.execute(query).fetchone()
        if row and row[0] >= count:
            return time.monotonic() - (began or 0)
        if time.monotonic() > deadline:
            raise NotServing(f"After {LONGEST_SECONDS:g} s only {row[0] if row else 0} of {count}: {what}.")
        time.sleep(LOOK_SECONDS)


def _harness() -> dict[str, float]:
    """The clock that measures must see a sleep of known length as such."""
    began = time.monotonic()
    time.sleep(SLEEP_SECONDS)
    return {"slept": SLEEP_SECONDS, "measured": time.monotonic() - began}


def _print_many(console: Console, many: ManyFigure) -> None:
    table = Table(title=f"{many.deployments:,} deployments of {many.tenants:,} tenants", title_justify="left")
    for name in ("calls", "accepted s", "booked s", "running s", "bare s", "ratio", "load"):
        table.add_column(name, justify="right")
    seconds = (
        many.submitted_seconds,
        many.booked_seconds,
        many.running_seconds,
        many.bare_seconds,
        many.ratio,
    )
    table.add_row(f"{many.calls:,}", *(f"{value:.1f}" for value in seconds), _load(many.load))
    console.print(table)
    console.print(
        f"bare: the same {many.rows:,} rows inserted by COPY, in as many commits. CPU s: {many.cpu_seconds}\n"
    )


def _print_one(console: Console, one: OneFigure) -> None:
    table = Table(title=f"One more, while {one.waiting:,} wait elsewhere", title_justify="left")
    for name in ("submitted", "ms p50", "ms p99", "longest", "bare ms", "ratio", "cycles meanwhile", "load"):
        table.add_column(name, justify="right")
    figures = (one.p50_ms, one.p99_ms, one.longest_ms, one.bare_p50_ms, one.ratio)
    table.add_row(str(one.count), *(f"{value:.1f}" for value in figures), str(one.cycles), _load(one.load))
    console.print(table)
    console.print("bare: the same submission to a paused cluster, and a look at it (median).")


def _load(load: tuple[float, float]) -> str:
    return f"{load[0]:.1f} → {load[1]:.1f}"


if __name__ == "__main__":
    sys.exit(main())
