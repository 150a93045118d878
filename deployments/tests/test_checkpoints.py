"""Reporting that a run has saved its work."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEntry
from deployments.models import Deployment, DeploymentEvent
from deployments.states import HOLDS_CAPACITY, Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import evict, exits, in_state, live, run
from organizations.tests.factories import MembershipFactory


def report(api, who, deployment, status=200, **body):
    answer = api(who).post(f"/deployments/{deployment.pk}/checkpoint", body or None)
    assert answer.status_code == status, answer.content
    return answer.json()


def events(deployment):
    return DeploymentEvent.objects.filter(deployment=deployment, kind="checkpoint")


@pytest.fixture
def running(cluster, bob):
    one = DeploymentFactory(cluster=cluster, created_by=bob)
    run(one)
    return one


@pytest.mark.parametrize("status", Status)
def test_only_what_holds_capacity_has_work_to_save(status, api, alice, cluster):
    deployment = in_state(cluster, status)
    if status in HOLDS_CAPACITY:
        assert report(api, alice, deployment)["status"] == status
        assert live(deployment).checkpointed_at is not None
    else:
        refused = report(api, alice, deployment, 409)
        assert refused["state"] == status
        assert "report a checkpoint" not in refused["allowed"]
        assert refused["allowed"]


def test_without_a_moment_it_is_now(api, bob, running):
    before = timezone.now()
    report(api, bob, running)
    assert before <= live(running).checkpointed_at <= timezone.now()


def test_the_latest_moment_counts_whatever_the_order_of_reports(api, bob, running):
    moment = timezone.now()
    report(api, bob, running, at=moment.isoformat())
    report(api, bob, running, at=(moment - timedelta(microseconds=5)).isoformat())
    assert live(running).checkpointed_at == moment
    shown = api(bob).get(f"/deployments/{running.pk}/runs").json()["results"][0]
    assert shown["checkpointed_at"] == moment.isoformat().replace("+00:00", "Z")


def test_a_moment_in_the_future_or_before_the_start_is_refused(api, bob, running):
    for wrong, word in (
        (timezone.now() + timedelta(minutes=1), "has not come yet"),
        (live(running).booked_at - timedelta(microseconds=1), "was started at"),
    ):
        refused = report(api, bob, running, 400, at=wrong.isoformat())
        assert refused["errors"][0]["field"] == "at"
        assert word in refused["errors"][0]["detail"]
    assert live(running).checkpointed_at is None


def test_a_client_that_reports_all_the_time_fills_no_table(api, bob, running):
    client = api(bob)
    for _ in range(5):
        assert client.post(f"/deployments/{running.pk}/checkpoint").status_code == 200
    (told,) = events(running)
    assert (told.actor, told.run, told.source) == (bob, live(running), "user")
    assert AuditEntry.objects.filter(action="deployment.checkpoint").count() == 1


def test_each_run_begins_with_nothing_saved(api, bob, running):
    report(api, bob, running)
    exits(running, 0)
    Deployment.objects.filter(pk=running.pk).update(status=Status.PENDING)
    run(running)
    assert live(running).checkpointed_at is None
    report(api, bob, running)
    assert events(running).count() == 2


def test_what_is_being_preempted_may_still_save_its_work(api, bob, running):
    high = DeploymentFactory(cluster=running.cluster, priority=3)
    evict(running, high)
    assert report(api, bob, running)["status"] == "stopping"
    assert live(running).checkpointed_at is not None


def test_who_may_stop_it_may_report(api, alice, bob, charlie, lab, running):
    member, viewer = (MembershipFactory(organization=lab, role=role).user for role in ("member", "viewer"))
    report(api, alice, running)
    report(api, bob, running)
    report(api, member, running, 403)
    report(api, viewer, running, 403)
    report(api, charlie, running, 404)


def test_the_interval_is_submitted_changed_while_pending_and_copied_into_the_run(api, alice, cluster):
    body = {
        "name": "n",
        "docker_image": "busybox",
        "cluster_id": cluster.pk,
        "required_ram": 1,
        "required_cpu": 1,
    }
    made = api(alice).post("/deployments", body | {"checkpoint_interval_seconds": 600}).json()
    assert made["checkpoint_interval_seconds"] == 600
    address = f"/deployments/{made['id']}"
    assert api(alice).patch(address, {"checkpoint_interval_seconds": 60}).status_code == 200
    deployment = Deployment.objects.get(pk=made["id"])
    run(deployment)
    assert live(deployment).spec["checkpoint_interval_seconds"] == 60
    assert api(alice).patch(address, {"checkpoint_interval_seconds": None}).status_code == 409


def test_a_batch_takes_the_interval_too(api, alice, cluster):
    one = {
        "name": "n",
        "docker_image": "busybox",
        "cluster_id": cluster.pk,
        "required_ram": 1,
        "required_cpu": 1,
    }
    entries = [one, one | {"checkpoint_interval_seconds": 5}]
    assert api(alice).post("/deployments/bulk", {"deployments": entries}).status_code == 201
    stored = Deployment.objects.order_by("id").values_list("checkpoint_interval_seconds", flat=True)
    assert list(stored) == [None, 5]


def test_the_database_itself_refuses_an_interval_of_nothing(cluster):
    with pytest.raises(IntegrityError), transaction.atomic():
        DeploymentFactory(cluster=cluster, checkpoint_interval_seconds=0)
