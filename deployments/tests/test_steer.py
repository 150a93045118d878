"""Stop, cancel, queue anew and delete, with the engine that they act upon."""

import pytest
from django.utils import timezone

from accounts.errors import Conflict, NotFound
from clusters.models import Cluster
from deployments.books import differences_between_books_and_runs
from deployments.models import Outcome, StopCause
from deployments.services.steer import (
    cancel_deployment,
    delete_deployment,
    requeue_deployment,
    stop_deployment,
)
from deployments.states import FINAL, Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import book, engine_of, evict, in_state, kinds, last, live, look, now_is, run

pytestmark = pytest.mark.usefixtures("only_legal_moves")


@pytest.fixture
def running(cluster):
    deployment = DeploymentFactory(cluster=cluster)
    run(deployment)
    return deployment


def test_a_stopped_one_holds_its_capacity_until_the_engine_says_that_it_is_gone(alice, cluster, running):
    engine_of(cluster).slow(stop_seconds=30)
    stop_deployment(actor=alice, deployment_id=running.pk)
    look(cluster)
    look(cluster)
    assert now_is(running)[0] == "stopping"
    cluster.refresh_from_db()
    assert cluster.allocated_gpu == 1000
    engine_of(cluster).wind_clock(30)
    look(cluster)
    assert now_is(running)[0] == "completed"
    cluster.refresh_from_db()
    assert cluster.allocated_gpu == 0
    assert last(running).outcome == Outcome.STOPPED


def test_a_stop_as_failed_fails_with_that_reason(alice, cluster, running):
    stop_deployment(actor=alice, deployment_id=running.pk, as_failed=True)
    look(cluster)
    assert now_is(running) == ("failed", "stopped_as_failed")


def test_a_stop_before_the_start_keeps_it_from_starting(alice, cluster):
    deployment = DeploymentFactory(cluster=cluster)
    book(deployment)
    stop_deployment(actor=alice, deployment_id=deployment.pk)
    look(cluster)
    assert now_is(deployment)[0] == "completed"
    assert engine_of(cluster).starts(last(deployment).container_name) == 0


def test_a_users_stop_wins_over_an_eviction(alice, cluster, running):
    evict(running, DeploymentFactory(cluster=cluster, priority=3))
    assert now_is(running)[0] == "stopping"
    stop_deployment(actor=alice, deployment_id=running.pk)
    assert live(running).stop_cause == StopCause.USER
    look(cluster)
    running.refresh_from_db()
    assert (running.status, running.preemption_count) == ("completed", 0)


def test_a_second_stop_is_a_conflict_that_offers_no_stop(alice, cluster, running):
    stop_deployment(actor=alice, deployment_id=running.pk)
    with pytest.raises(Conflict) as refused:
        stop_deployment(actor=alice, deployment_id=running.pk)
    assert "stop" not in refused.value.allowed


def test_one_stopping_for_a_preemption_offers_a_stop(alice, cluster, running):
    evict(running, DeploymentFactory(cluster=cluster, priority=3))
    with pytest.raises(Conflict) as refused:
        cancel_deployment(actor=alice, deployment_id=running.pk)
    assert "stop" in refused.value.allowed


def test_a_cancelled_one_loses_its_seat_and_says_who_cancelled_it(alice, cluster):
    deployment = DeploymentFactory(
        cluster=cluster, seat_granted_at=timezone.now(), reason="waiting_for_eviction"
    )
    cancel_deployment(actor=alice, deployment_id=deployment.pk)
    assert now_is(deployment) == ("cancelled", None)
    assert deployment.seat_granted_at is None
    event = deployment.events.get()
    assert (event.kind, event.actor, event.data) == (
        "cancelled",
        alice,
        {"from": "pending", "to": "cancelled"},
    )


@pytest.mark.parametrize("status", sorted(FINAL))
def test_queued_anew_it_is_as_if_it_were_new_and_keeps_its_story(status, alice, cluster):
    deployment = in_state(
        cluster, status, retries_used=2, lost_count=3, preemption_count=1, exit_code=3, max_retries=2
    )
    before = deployment.queued_at
    requeue_deployment(actor=alice, deployment_id=deployment.pk)
    deployment.refresh_from_db()
    assert deployment.queued_at > before
    fresh = (
        "status",
        "reason",
        "retries_used",
        "lost_count",
        "exit_code",
        "started_at",
        "ended_at",
        "retry_at",
    )
    assert [getattr(deployment, field) for field in fresh] == ["pending", None, 0, 0, None, None, None, None]
    assert deployment.preemption_count == 1
    assert kinds(deployment)[-1] == "requeued"


def test_queueing_anew_is_refused_once_the_cluster_is_gone(alice, cluster):
    deployment = in_state(cluster, Status.COMPLETED)
    Cluster.objects.filter(pk=cluster.pk).update(deleted_at=timezone.now())
    with pytest.raises(Conflict, match="cluster was deleted"):
        requeue_deployment(actor=alice, deployment_id=deployment.pk)


def test_queueing_anew_is_refused_where_it_can_never_fit_any_more(alice, cluster):
    deployment = in_state(cluster, Status.FAILED)
    Cluster.objects.filter(pk=cluster.pk).update(total_gpu=500)
    with pytest.raises(Conflict, match=r"0\.5 GPUs.*Submit it anew"):
        requeue_deployment(actor=alice, deployment_id=deployment.pk)


def test_deleting_a_pending_one_cancels_it_first_and_ends_its_seat(alice, cluster):
    deployment = DeploymentFactory(cluster=cluster, seat_granted_at=timezone.now())
    delete_deployment(actor=alice, deployment_id=deployment.pk)
    deployment.refresh_from_db()
    assert (deployment.status, deployment.seat_granted_at) == ("cancelled", None)
    assert kinds(deployment) == ["cancelled", "deleted"]


def test_deleting_hides_it_from_every_verb_and_keeps_its_runs(alice, cluster, running):
    stop_deployment(actor=alice, deployment_id=running.pk)
    look(cluster)
    delete_deployment(actor=alice, deployment_id=running.pk)
    assert last(running).outcome == Outcome.STOPPED
    for verb in (stop_deployment, cancel_deployment, requeue_deployment, delete_deployment):
        with pytest.raises(NotFound):
            verb(actor=alice, deployment_id=running.pk)


@pytest.mark.parametrize("status", Status)
def test_the_books_balance_in_every_state(status, cluster):
    in_state(cluster, status)
    in_state(cluster, Status.RUNNING)
    assert differences_between_books_and_runs() == []


def test_a_misspelt_parameter_of_stop_is_named_and_stops_nothing(api, alice, cluster):
    deployment = DeploymentFactory(cluster=cluster, created_by=alice)
    refused = api(alice).post(f"/deployments/{deployment.pk}/stop?stauts=failed")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "stauts"
