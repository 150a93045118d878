"""Rows for the console's pages: enough of every model that a query for each would be noticed."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask

from accounts.models import AuditEntry, RefreshFamily
from accounts.tests.factories import UserFactory
from clusters.models import ClusterEvent, ClusterShare
from clusters.tests.factories import ClusterFactory, CredentialFactory
from deployments.models import (
    Allocation,
    Dependency,
    Deployment,
    DeploymentEvent,
    Outcome,
    Run,
    Source,
    StopCause,
)
from deployments.states import HOLDS_CAPACITY, Status
from deployments.tests.factories import DeploymentFactory
from organizations.tests.factories import DeliveryFactory, MembershipFactory, OrganizationFactory
from scheduling.models import ClusterPolicy, Cycle, EvictionCertificate, SeededInterval, Simulation

MANY = 55


def fill(lab: Any) -> None:
    """More rows of every model than one page shows; one cluster and one deployment that have them all."""
    now = timezone.now()
    users = UserFactory.create_batch(MANY)
    for user in users:
        MembershipFactory(organization=lab, user=user)
        OrganizationFactory()
        place = ClusterFactory(organization=lab)
        ClusterPolicy.objects.create(cluster=place, preset="balanced", most_evictions=3)
        ClusterShare.objects.create(cluster=place, organization=OrganizationFactory())
        CredentialFactory(organization=lab, password="never shown")
        DeliveryFactory(webhook__organization=lab, webhook__secret="never shown")
    cluster = ClusterFactory(organization=lab, name="full", paused=True)
    statuses = list(Status)
    deployments = [
        DeploymentFactory(
            cluster=cluster,
            created_by=user,
            status=statuses[index % len(statuses)],
            priority=index % 3 + 1,
            reason="insufficient_capacity" if statuses[index % len(statuses)] == Status.PENDING else None,
            started_at=now - timedelta(minutes=index),
            ended_at=now,
        )
        for index, user in enumerate(users)
    ]
    first = deployments[0]
    Dependency.objects.bulk_create(
        [Dependency(deployment=first, depends_on=other) for other in deployments[1:25]]
        + [Dependency(deployment=other, depends_on=first) for other in deployments[25:]]
    )
    runs = Run.objects.bulk_create(
        [
            run_of(deployment, cluster, now, live=deployment.status in HOLDS_CAPACITY)
            for deployment in deployments
        ]
        + [run_of(first, cluster, now, live=False) for _ in range(MANY)]
    )
    Allocation.objects.bulk_create(
        [Allocation(run=run, cluster=cluster, gpu=1000, cpu=1000, ram=1024) for run in runs]
    )
    for rows in (deployments, [first] * MANY):
        DeploymentEvent.objects.bulk_create(
            [
                DeploymentEvent(
                    deployment=deployment, organization=lab, kind="submitted", source=Source.USER, actor=user
                )
                for deployment, user in zip(rows, users, strict=True)
            ]
        )
    ClusterEvent.objects.bulk_create(
        [ClusterEvent(cluster=cluster, organization=lab, kind="paused", actor=user) for user in users]
    )
    Cycle.objects.bulk_create([cycle_of(cluster, now) for _ in users])
    EvictionCertificate.objects.bulk_create([certificate_of(cluster, now) for _ in users])
    Simulation.objects.bulk_create([simulation_of(cluster, user) for user in users])
    AuditEntry.objects.bulk_create([AuditEntry(actor=user, action="cluster.paused") for user in users])
    RefreshFamily.objects.bulk_create(
        [RefreshFamily(user=user, current_jti="never shown", expires_at=now) for user in users]
    )
    _beat(now)


def run_of(deployment: Deployment, cluster: Any, now: Any, *, live: bool) -> Run:
    return Run(
        deployment=deployment,
        organization_id=deployment.organization_id,
        cluster=cluster,
        priority=deployment.priority,
        booked_at=now - timedelta(hours=2),
        spec={"docker_image": deployment.docker_image, "secret_env": "never shown"},
        ended_at=None if live else now,
        outcome=None if live else Outcome.PREEMPTED,
        stop_cause=None if live else StopCause.PREEMPTION,
        preempted_by=None if live else deployment,
    )


def cycle_of(cluster: Any, now: Any) -> Cycle:
    return Cycle(
        cluster=cluster, organization_id=cluster.organization_id, at=now, policy="two_phase", pending=9, scheduled=3,
        preempted=1, unschedulable=6, held=2, read_ms=1.5, plan_ms=0.25, write_ms=2.25,
    )  # fmt: skip


def certificate_of(cluster: Any, now: Any) -> EvictionCertificate:
    return EvictionCertificate(
        cluster=cluster, organization_id=cluster.organization_id, at=now, policy="two_phase", victims=1,
        lost_seconds=360.0, numbers={"victim_order": "oldest"},
    )  # fmt: skip


def simulation_of(cluster: Any, user: Any) -> Simulation:
    return Simulation(
        cluster=cluster,
        asked_by=user,
        days=7,
        policies=["two_phase", "balanced"],
        state="failed",
        error="no jobs",
    )


def _beat(now: Any) -> None:
    SeededInterval.objects.create(task="some.task", seconds=5)
    for number in range(MANY):
        interval = IntervalSchedule.objects.create(every=number + 1, period=IntervalSchedule.SECONDS)
        PeriodicTask.objects.create(name=f"task {number}", task="scheduling.sweep", interval=interval)
        CrontabSchedule.objects.create(minute=str(number))
        ClockedSchedule.objects.create(clocked_time=now + timedelta(minutes=number))
