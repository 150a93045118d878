"""The console's start page: what needs attention, the fleet, and what it did over time."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.admin.display import NOTHING, ago, link, list_of
from accounts.admin.panels import Panel, Way
from clusters.amounts import to_wire
from clusters.models import Cluster
from clusters.selectors import IN_USE
from deployments.admin import wording
from deployments.models import Deployment, Outcome, Run
from deployments.states import Status
from hypervisor.console import charts, fleet
from hypervisor.console.attention import attention
from organizations.models import Organization
from scheduling import heartbeat
from scheduling.figures import Slot
from scheduling.models import Cycle, FleetMinute

SHOWN = 10
RECENTLY = timedelta(hours=24)


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Fills the start page's context."""
    now = timezone.now()
    chosen = charts.chosen_range(request.GET)
    drawings, slots = charts.charts(chosen, now)
    page, rows = fleet.rows(request.GET.get("page"))
    return context | {
        "title": "Overview",
        "live": "?",
        "steps": _first_steps(page.paginator.count),
        "attention": attention(),
        "cards": _cards(chosen.words, slots),
        "fleet": {
            "columns": fleet.COLUMNS,
            "rows": rows,
            "page": page,
            "address": list_of(Cluster),
            "ways": _pages(request, page),
        },
        "charts": drawings,
        "ranges": charts.ways(request.GET, chosen),
        "panels": [_failed(now)],
    }


def _first_steps(clusters: int) -> list[dict[str, str]]:
    """What to do first, as long as there is something to do first."""
    if clusters and Deployment.objects.exists():
        return []
    organizations = Organization.objects.filter(deleted_at=None).exists()
    steps = [
        ("Make an organization", "Tenants own clusters and deployments.",
         reverse("admin:organizations_organization_add"), organizations),
        ("Add a cluster", "A simulated one needs nothing; Docker and Kubernetes need a connection.",
         reverse("admin:clusters_cluster_add"), bool(clusters)),
        ("Submit a deployment", "POST /deployments; the API's page shows how, and sends it.", "/docs", False),
    ]  # fmt: skip
    return [
        {"title": title, "about": about, "address": address, "done": "yes" if done else ""}
        for title, about, address, done in steps
    ]


def _cards(words: str, slots: list[Slot]) -> list[dict[str, Any]]:
    last = heartbeat.last()
    alive = ago(datetime.fromtimestamp(last, UTC)) if last else "never"
    gpus: Any = Cluster.objects.filter(IN_USE).aggregate(total=Sum("total_gpu"), held=Sum("allocated_gpu"))
    total, held = gpus["total"] or 0, gpus["held"] or 0
    newest = FleetMinute.objects.order_by("-at").first()
    queues = [getattr(newest, f"queue_{name}", None) for name in ("low", "medium", "high")]
    waits = None if queues == [None] * 3 else sum(queue or 0 for queue in queues)
    # Before the first minute is added up nobody knows; 0 would deny what the tables below show.
    started, failed = (
        sum(slot.sums[name] for slot in slots) if newest else None for name in ("starts", "failures")
    )
    return [
        _card("GPUs in use", f"{100 * held / total:.0f} %" if total else NOTHING,
              f"{to_wire('gpu', held):,} of {to_wire('gpu', total):,}", list_of(Cluster)),
        _counted("Waiting", waits, "as of a minute ago", list_of(Deployment, status__exact=Status.PENDING)),
        _counted("Started", started, f"in the last {words}", list_of(Run)),
        _counted("Failed", failed, f"in the last {words}", list_of(Deployment, status__exact=Status.FAILED)),
        _card("Scheduler", alive, "last sign of life", list_of(Cycle)),
    ]  # fmt: skip


def _counted(title: str, number: float | None, note: str, address: str) -> dict[str, Any]:
    known = number is not None
    return _card(
        title, f"{number:,.0f}" if known else NOTHING, note if known else "counted each minute", address
    )


def _card(title: str, figure: Any, note: str, address: str) -> dict[str, Any]:
    return {"title": title, "figure": figure, "note": note, "address": address}


def _pages(request: HttpRequest, page: Any) -> list[Way]:
    if page.paginator.num_pages == 1:
        return []
    found = []
    for number in page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1):
        if isinstance(number, int):
            there = request.GET.copy()
            there["page"] = str(number)
            found.append(Way(str(number), f"?{there.urlencode()}#fleet", number == page.number))
    return found


def _failed(now: datetime) -> Panel:
    rows = (
        Run.objects.filter(outcome=Outcome.FAILED, ended_at__gt=now - RECENTLY)
        .select_related("deployment", "organization", "cluster")
        .order_by("-ended_at")[:SHOWN]
    )
    return Panel(
        "Failed last",
        ("Deployment", "Organization", "Cluster", "Reason", "Exit code", "Ended"),
        [
            (
                link(row.deployment), row.organization, row.cluster, wording.reason(row.failure),
                "" if row.exit_code is None else row.exit_code, ago(row.ended_at),
            )
            for row in rows
        ],
        list_of(Deployment, status__exact=Status.FAILED),
        "Nothing failed in the last 24 h.",
    )  # fmt: skip
