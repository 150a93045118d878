"""Reading what the scheduler has to look at, and what it has done with the fleet."""

from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, QuerySet

from clusters.amounts import RESOURCES
from clusters.models import Cluster
from clusters.selectors import IN_USE
from deployments.models import Deployment
from deployments.states import HOLDS_CAPACITY, Status
from scheduling.models import Cycle, EvictionCertificate


def clusters_with_waiting() -> list[int]:
    """The ids of the clusters where anybody waits, in order."""
    # A look at the first of each queue: a list of all that wait would be a hundred times as long.
    waits = Exists(Deployment.objects.filter(cluster=OuterRef("pk"), status=Status.PENDING))
    return list(Cluster.objects.filter(waits).order_by("pk").values_list("pk", flat=True))


def capacity_by_cluster() -> QuerySet[Any]:
    """A row a cluster: total and allocated of each resource, in whole inner units."""
    columns = [f"{kind}_{name}" for kind in ("total", "allocated") for name in RESOURCES]
    rows: QuerySet[Any] = Cluster.objects.filter(IN_USE).order_by("id").values("id", *columns)
    return rows


def load_by_cluster() -> QuerySet[Any]:
    """A row a cluster, status and priority of what waits or holds capacity: how many, and queued since when."""
    rows: QuerySet[Any] = (
        Deployment.objects.filter(status__in=[Status.PENDING, *HOLDS_CAPACITY])
        .order_by("cluster_id", "status", "priority")
        .values("cluster_id", "status", "priority")
        .annotate(count=Count("id"), oldest=Min("queued_at"))
    )
    return rows


def cycles_of(*, cluster_id: int) -> QuerySet[Any]:
    """Rows of the cluster's cycles, newest first."""
    rows: QuerySet[Any] = (
        Cycle.objects.filter(cluster_id=cluster_id)
        .order_by("-id")
        .values(
            "id", "at", "policy", "pending", "scheduled", "preempted", "unschedulable", "held", "read_ms", "plan_ms",
            "write_ms", "batch",
        )
    )  # fmt: skip
    return rows


def certificates_of(*, cluster_id: int) -> QuerySet[Any]:
    """Rows of the cluster's certificates, newest first."""
    rows: QuerySet[Any] = (
        EvictionCertificate.objects.filter(cluster_id=cluster_id)
        .order_by("-id")
        .values("id", "cluster_id", "at", "policy", "lost_seconds", "numbers")
    )
    return rows
