"""What the start page says needs an operator: each line comes, and goes once it is seen to."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from clusters.models import Cluster
from clusters.redis import redis_client
from clusters.tests.factories import ClusterFactory
from deployments.models import Run
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import in_state, live
from hypervisor.console.attention import MOST
from scheduling import heartbeat, refusals
from scheduling.beat import seed_schedule
from scheduling.models import FleetMinute
from scheduling.rollup_sql import SUMS
from scheduling.services import run_cycle


@pytest.fixture(autouse=True)
def all_is_well(db):
    """The scheduler runs, and no refusal is left of another test."""
    redis_client().delete(refusals.KEY)
    heartbeat.beat()
    yield
    redis_client().delete(refusals.KEY)


@pytest.fixture
def lines(console):
    def read() -> list[str]:
        answer = console.get(reverse("admin:index"))
        items = answer.context["attention"]
        assert (b"Nothing needs you." in answer.content) == (not items)
        for item in items:
            assert item.what.encode() in answer.content
            assert console.get(item.address, follow=True).status_code == 200
        return [item.what for item in items]

    return read


def later(**fields):
    return timezone.now() - timedelta(**fields)


def test_nothing_needs_anybody_where_all_is_well(lines, cluster):
    in_state(cluster, Status.RUNNING)
    in_state(cluster, Status.STARTING)
    in_state(cluster, Status.STOPPING)
    assert lines() == []


def test_an_engine_that_does_not_answer(lines, cluster):
    Cluster.objects.update(unreachable_since=later(minutes=2))
    assert lines() == ["gpu-box: its engine does not answer"]
    Cluster.objects.update(unreachable_since=None)
    assert lines() == []


def test_a_run_that_does_not_stop_within_its_grace(lines, cluster):
    run = live(in_state(cluster, Status.STOPPING, name="stubborn", grace_period_seconds=30))
    Run.objects.filter(pk=run.pk).update(
        stop_requested_at=later(seconds=100), stop_delivered_at=later(seconds=80)
    )
    assert lines() == []
    Run.objects.filter(pk=run.pk).update(stop_delivered_at=later(seconds=95))
    assert lines() == ["stubborn: does not stop"]
    Run.objects.filter(pk=run.pk).update(outcome="stopped", ended_at=timezone.now())
    assert lines() == []


def test_a_run_that_does_not_start(lines, cluster, settings):
    settings.START_TIMEOUT_SECONDS = 600
    run = live(in_state(cluster, Status.STARTING, name="slow"))
    Run.objects.filter(pk=run.pk).update(booked_at=later(seconds=301))
    assert lines() == ["slow: does not start"]
    Run.objects.filter(pk=run.pk).update(running_at=timezone.now())
    assert lines() == []


def test_a_cycle_that_failed_until_one_does_well(lines, cluster):
    refusals.note(cluster_id=cluster.pk, told="1 cluster would hold more than it has")
    assert lines() == ["gpu-box: its last cycle failed, and nothing was written"]
    run_cycle(cluster_ids=[cluster.pk])
    assert lines() == []


def test_a_cluster_that_holds_more_than_it_has(lines, cluster):
    Cluster.objects.update(allocated_gpu=9000)
    assert lines() == ["gpu-box: holds more than it has"]
    Cluster.objects.update(allocated_gpu=8000)
    assert lines() == []


def test_a_scheduler_that_has_not_run(lines, cluster):
    DeploymentFactory(cluster=cluster)
    redis_client().set(heartbeat.KEY, later(minutes=5).timestamp())
    assert lines() == ["The scheduler"]
    redis_client().delete(heartbeat.KEY)
    assert lines() == ["The scheduler"]
    heartbeat.beat()
    assert lines() == []


def test_a_task_of_ours_that_somebody_disabled(lines):
    seed_schedule()
    PeriodicTask.objects.filter(name="scheduling.sweep").update(enabled=False)
    assert lines() == ["scheduling.sweep: disabled"]
    PeriodicTask.objects.update(enabled=True)
    assert lines() == []


def test_a_paused_cluster_only_where_somebody_waits(lines, cluster):
    Cluster.objects.update(paused=True)
    assert lines() == []
    waiting = DeploymentFactory(cluster=cluster)
    assert lines() == ["gpu-box: paused, and somebody waits there"]
    type(waiting).objects.update(status=Status.CANCELLED)
    assert lines() == []


def test_figures_that_are_behind(lines):
    row = FleetMinute.objects.create(at=later(minutes=9), waits=[], **dict.fromkeys(SUMS, 0))
    assert lines() == ["The figures below are behind"]
    FleetMinute.objects.filter(pk=row.pk).update(at=later(minutes=2))
    assert lines() == []


def test_many_of_a_kind_are_counted_and_those_of_others_stay_in_sight(lines, lab):
    ClusterFactory.create_batch(MOST + 3, organization=lab, unreachable_since=later(hours=1))
    ClusterFactory(organization=lab, name="small", allocated_gpu=9000)
    told = lines()
    assert len(told) == MOST + 2
    assert told[MOST:] == ["And 3 more clusters whose engines do not answer", "small: holds more than it has"]
