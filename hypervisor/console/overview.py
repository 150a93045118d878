"""The console's start page: what runs, what waits, what failed, and whether the scheduler is alive."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.display import ago, link, list_of, stacked
from accounts.admin.panels import Panel
from clusters.admin.capacity import amount_in_words, cluster_bar
from clusters.admin.cluster import ClusterAdmin, state
from clusters.models import Cluster
from clusters.selectors import IN_USE
from deployments.admin import wording
from deployments.models import Deployment, Priority
from deployments.states import HOLDS_CAPACITY, Status
from scheduling import heartbeat
from scheduling.models import Cycle

SHOWN = 10
RECENTLY = timedelta(hours=24)


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Fills the start page's context."""
    return context | {"title": "Overview", "cards": _cards(), "panels": [_clusters(), _queue(), _failed()]}


def _cards() -> list[dict[str, Any]]:
    counted = Deployment.objects.filter(status__in=[Status.PENDING, *HOLDS_CAPACITY]).aggregate(
        running=Count("pk", filter=Q(status__in=HOLDS_CAPACITY)),
        stopping=Count("pk", filter=Q(status=Status.STOPPING)),
        pending=Count("pk", filter=Q(status=Status.PENDING)),
        high=Count("pk", filter=Q(status=Status.PENDING, priority=Priority.HIGH)),
    )
    failed = Deployment.objects.filter(status=Status.FAILED, ended_at__gt=timezone.now() - RECENTLY).count()
    last = heartbeat.last()
    alive = ago(datetime.fromtimestamp(last, UTC)) if last else "never"
    stopping, pending, high = counted["stopping"], counted["pending"], counted["high"]

    def those(status: Status) -> str:
        return list_of(Deployment, status__exact=status)

    return [
        _card("Running", counted["running"], f"{stopping} of them stopping", those(Status.RUNNING)),
        _card("Pending", pending, f"{high} of priority HIGH", those(Status.PENDING)),
        _card("Failed", failed, "in the last 24 h", those(Status.FAILED)),
        _card("Scheduler", alive, "last sign of life", list_of(Cycle)),
    ]


def _card(title: str, figure: Any, note: str, address: str) -> dict[str, Any]:
    return {"title": title, "figure": figure, "note": note, "address": address}


def _clusters() -> Panel:
    rows = (
        Cluster.objects.filter(IN_USE)
        .select_related("organization")
        .annotate(**ClusterAdmin.annotations)
        .order_by("-pending_count", "-running_count", "pk")[:SHOWN]
    )
    return Panel(
        "Clusters, the busiest first",
        ("Cluster", "State", "GPU", "CPU", "RAM", "Running", "Pending"),
        [
            (
                stacked(link(row), row.organization), state(row), cluster_bar(row, "gpu"), cluster_bar(row, "cpu"),
                cluster_bar(row, "ram"), row.running_count, row.pending_count,
            )
            for row in rows
        ],
        list_of(Cluster),
        "No cluster yet. An organization's owner adds one with POST /clusters, or you do here.",
    )  # fmt: skip


def _queue() -> Panel:
    rows = _deployments().filter(status=Status.PENDING).order_by("queued_at", "pk")[:SHOWN]
    return Panel(
        "Waiting longest",
        ("Deployment", "Priority", "Cluster", "Needs", "Reason", "Time"),
        [
            (
                stacked(link(row), row.organization), wording.priority(row.priority), row.cluster,
                amount_in_words(row.required), wording.reason(row.reason), wording.since(row),
            )
            for row in rows
        ],
        list_of(Deployment, status__exact=Status.PENDING),
        "Nothing waits.",
    )  # fmt: skip


def _failed() -> Panel:
    rows = (
        _deployments()
        .filter(status=Status.FAILED, ended_at__gt=timezone.now() - RECENTLY)
        .order_by("-ended_at")[:SHOWN]
    )
    return Panel(
        "Failed last",
        ("Deployment", "Organization", "Cluster", "Reason", "Exit code", "Ended"),
        [
            (
                link(row), row.organization, row.cluster, wording.reason(row.reason),
                "" if row.exit_code is None else row.exit_code, ago(row.ended_at),
            )
            for row in rows
        ],
        list_of(Deployment, status__exact=Status.FAILED),
        "Nothing failed in the last 24 h.",
    )  # fmt: skip


def _deployments() -> Any:
    return Deployment.objects.filter(deleted_at=None).select_related("organization", "cluster")
