"""Deployments brought through their life by the services, on the real simulated engine of their cluster."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from clusters.locks import lock_clusters
from clusters.models import Cluster
from clusters.redis import redis_client
from clusters.runtimes.simulated_engine import SimulatedEngine
from deployments.models import Deployment, Outcome, Run
from deployments.services.booking import Eviction, book_evictions, book_starts
from deployments.services.reconciliation import reconcile_cluster
from deployments.states import HOLDS_CAPACITY, Status
from deployments.tests.factories import DeploymentFactory


def engine_of(cluster: Cluster) -> SimulatedEngine:
    """The machine room of the cluster's engine."""
    return SimulatedEngine(redis_client(), cluster.engine_id.hex)


def book(*deployments: Deployment) -> None:
    """Pending → starting, as a cycle does it."""
    with transaction.atomic():
        lock_clusters({deployment.cluster_id for deployment in deployments})
        book_starts(deployment_ids=[deployment.pk for deployment in deployments], now=timezone.now())


def evict(victim: Deployment, preemptor: Deployment) -> None:
    """Starting or running → stopping, as a cycle does it."""
    with transaction.atomic():
        lock_clusters([victim.cluster_id])
        book_evictions(evictions=[Eviction(victim.pk, preemptor.pk)], now=timezone.now())


def look(cluster: Cluster) -> None:
    """One reconcile pass."""
    assert reconcile_cluster(cluster_id=cluster.pk)


def run(*deployments: Deployment) -> None:
    """Pending → running."""
    book(*deployments)
    for cluster in {deployment.cluster for deployment in deployments}:
        look(cluster)


def exits(deployment: Deployment, code: int) -> None:
    """Its container ends by itself, and our books learn of it."""
    engine_of(deployment.cluster).lie(live(deployment).container_name, exit_code=code)
    look(deployment.cluster)


def live(deployment: Deployment) -> Run:
    """Its run that has not ended."""
    found: Run = Run.objects.get(deployment=deployment, outcome=None)
    return found


def last(deployment: Deployment) -> Run:
    """Its newest run."""
    found: Run = Run.objects.filter(deployment=deployment).order_by("-pk")[0]
    return found


def now_is(deployment: Deployment) -> tuple[str, str | None]:
    """Status and reason, read anew."""
    deployment.refresh_from_db()
    return deployment.status, deployment.reason


def kinds(deployment: Deployment) -> list[str]:
    """What happened to it, oldest first."""
    return list(deployment.events.order_by("pk").values_list("kind", flat=True))


def in_state(cluster: Cluster, status: Status, **fields: Any) -> Deployment:
    """One in this state, come there by legal ways; for a stopping one the cause is `stop_cause`, a user by default."""
    cause = fields.pop("stop_cause", "user")
    deployment: Deployment = DeploymentFactory(cluster=cluster, **fields)
    steps: list[dict[str, Any]] = []
    if status in HOLDS_CAPACITY | {Status.COMPLETED, Status.FAILED}:
        book(deployment)
    if status in HOLDS_CAPACITY - {Status.STARTING}:
        steps = [{"status": status}]
    if status == Status.RUNNING:
        Run.objects.filter(deployment=deployment).update(running_at=timezone.now())
    if status == Status.STOPPING:
        Run.objects.filter(deployment=deployment).update(
            stop_cause=cause, stop_requested_at=timezone.now() - timedelta(seconds=1)
        )
    if status in {Status.COMPLETED, Status.FAILED}:
        _end(deployment, Outcome.COMPLETED if status == Status.COMPLETED else Outcome.FAILED)
    if status in {Status.COMPLETED, Status.FAILED, Status.CANCELLED}:
        steps = [{"status": status, "ended_at": timezone.now()}]
    for step in steps:
        Deployment.objects.filter(pk=deployment.pk).update(**step)
    deployment.refresh_from_db()
    return deployment


def _end(deployment: Deployment, outcome: Outcome) -> None:
    now = timezone.now()
    run = live(deployment)
    run.allocations.update(released_at=now)
    Run.objects.filter(pk=run.pk).update(outcome=outcome, ended_at=now)
    held = deployment.required
    cluster = Cluster.objects.get(pk=deployment.cluster_id)
    cluster.allocated_gpu -= held.gpu
    cluster.allocated_cpu -= held.cpu
    cluster.allocated_ram -= held.ram
    cluster.save()
