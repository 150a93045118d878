"""`python -m hypervisor.bench.console`: every page of the console, and the API's lists, at a million deployments.

Run it beside a throwaway database, as `make bench-console` does; one that has deployments already is measured as it is.
"""

import argparse
import json
import os
import statistics
import sys
import time
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hypervisor.settings")
os.environ["SCHEDULER_HINTS"] = "false"
os.environ["LOG_LEVEL"] = "ERROR"
warnings.filterwarnings("ignore", message=".*naive datetime")  # unfold's ranges
django.setup()

from django.core.management import call_command  # noqa: E402 — only after setup
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.tokens import issue  # noqa: E402
from deployments.models import Deployment  # noqa: E402
from hypervisor.bench import console_pages, console_rows  # noqa: E402

MOST_QUERIES = 20
MOST_MS = {"start": 300.0}
MOST_MS_ELSE = 200.0
API = (
    "/deployments", "/deployments?limit=1000", "/deployments?status=failed", "/deployments?status=pending",
    "/clusters", "/organizations",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageFigure:
    """A whole request: milliseconds that passed, and `cpu_ms` of this process and of PostgreSQL's together.

    What passes depends on who else is at work here, so that a page is judged by its CPU. `slowest`: the statement that
    took longest, once, and its milliseconds.
    """

    kind: str
    what: str
    address: str
    queries: int
    rows: int
    cpu_ms: float
    p50_ms: float
    worst_ms: float
    slowest: str
    slowest_ms: float

    @property
    def is_good(self) -> bool:
        return self.queries <= MOST_QUERIES and self.cpu_ms <= MOST_MS.get(self.kind, MOST_MS_ELSE)


def main() -> int:
    """0 if every page of the console keeps to its queries and to its milliseconds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--deployments", type=int, default=1_000_000)
    parser.add_argument("--clusters", type=int, default=1000)
    parser.add_argument("--organizations", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5, help="times that each page is opened")
    parser.add_argument("--only", default="", help="measure only pages with this in their name")
    parser.add_argument("--all", action="store_true", help="print every page, not only the slowest")
    parser.add_argument("--out", type=Path, help="also write the figures here, as JSON")
    given = parser.parse_args()
    screen = Console(width=150, highlight=False)
    call_command("migrate", verbosity=0, interactive=False)
    load, filled = os.getloadavg()[0], time.monotonic()
    if not Deployment.objects.exists():
        console_rows.fill(
            deployments=given.deployments, clusters=given.clusters, organizations=given.organizations
        )
    filled = time.monotonic() - filled
    operator, _ = User.objects.get_or_create(username="operator", is_staff=True, is_superuser=True)
    client = Client(SERVER_NAME="localhost")
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    figures = [
        _measure(client, page, given.rounds)
        for page in console_pages.pages(client)
        if given.only in page.what
    ]
    compared = [] if given.only else _api(given.rounds)
    _print(screen, figures, compared, everything=given.all or bool(given.only))
    screen.print(f"Filled in {filled:.0f} s. Load {load:.1f} → {os.getloadavg()[0]:.1f}.")
    if given.out:
        saved = {
            "deployments": Deployment.objects.count(),
            "filled_seconds": round(filled, 1),
            "load": [load, os.getloadavg()[0]],
            "pages": [asdict(figure) for figure in figures],
            "api": [asdict(figure) for figure in compared],
        }
        given.out.write_text(json.dumps(saved, indent=1) + "\n")
    return 0 if all(figure.is_good for figure in figures) else 1


def _measure(client: Client, page: console_pages.Page, rounds: int) -> PageFigure:
    client.get(page.address, follow=True)
    times, spent = [], _cpu_ms()
    for _ in range(rounds):
        began = time.perf_counter()
        answer = client.get(page.address, follow=True)
        times.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code} instead of 200: {page.address}")
    spent = _cpu_ms() - spent
    # Once more for the statements: keeping their texts takes time of its own.
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(page.address, follow=True)
    slowest = max(captured.captured_queries, key=lambda one: float(one["time"]), default=None)
    return PageFigure(
        page.kind, page.what, page.address, len(captured), _rows(answer), spent / rounds,
        statistics.median(times), max(times),
        slowest["sql"] if slowest else "", float(slowest["time"]) * 1000 if slowest else 0.0,
    )  # fmt: skip


def _cpu_ms() -> float:
    """Of this process, and of the one that serves its connection."""
    spent = time.process_time() * 1000
    connection.ensure_connection()
    # Nanoseconds on a CPU. With PostgreSQL elsewhere only our own part is known.
    with suppress(OSError):
        words = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text().split()
        spent += int(words[0]) / 1e6
    return spent


def _rows(answer: Any) -> int:
    if changelist := (getattr(answer, "context_data", None) or {}).get("cl"):
        return len(changelist.result_list)
    if answer.headers["Content-Type"].startswith("application/json"):
        return len(answer.json()["results"])
    return 0


def _api(rounds: int) -> list[PageFigure]:
    """The API's lists as a member sees them, who belongs to a whole organization's work."""
    member = User.objects.get(username="user-1")
    token = issue(user=member)["access_token"]
    client = Client(SERVER_NAME="localhost", headers={"authorization": f"Bearer {token}"})
    return [_measure(client, console_pages.Page("api", f"GET {path}", path), rounds) for path in API]


def _print(
    screen: Console, figures: list[PageFigure], compared: list[PageFigure], *, everything: bool
) -> None:
    slow = [figure for figure in figures if not figure.is_good]
    title = f"{len(figures)} pages; {len(slow)} beyond {MOST_MS_ELSE:g} ms of CPU, {MOST_QUERIES} queries"
    shown = figures if everything else sorted(figures, key=lambda one: -one.cpu_ms)[: max(40, len(slow))]
    screen.print(_table(title, shown))
    if compared:
        screen.print(_table("The API's lists, for comparison", compared))


def _table(title: str, figures: list[PageFigure]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("page", "queries", "rows", "CPU ms", "p50 ms", "worst", "slowest statement ms", ""):
        table.add_column(name, justify="left" if name in ("page", "") else "right")
    for one in figures:
        table.add_row(
            one.what,
            str(one.queries),
            str(one.rows),
            f"{one.cpu_ms:.0f}",
            f"{one.p50_ms:.0f}",
            f"{one.worst_ms:.0f}",
            f"{one.slowest_ms:.0f}",
            "" if one.is_good else "✗",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
