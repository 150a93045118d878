"""Declaring a cluster lost: what runs there ends, what it held is free, and nothing starts there."""

import pytest
from django.utils import timezone

from accounts.errors import InvalidInput
from accounts.models import AuditEntry
from clusters.models import Cluster
from deployments.books import differences_between_books_and_runs
from deployments.models import HeldDevice, Outcome
from deployments.services.give_up import declare_lost
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import book, in_state, kinds, last, now_is

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("only_legal_moves")]


def lose_contact(cluster):
    Cluster.objects.filter(pk=cluster.pk).update(unreachable_since=timezone.now(), missed_observations=3)


def give_up(alice, cluster):
    lose_contact(cluster)
    return declare_lost(actor=alice, cluster_id=cluster.pk, confirm=cluster.name)


@pytest.mark.parametrize("status", [Status.STARTING, Status.RUNNING])
def test_what_runs_there_is_queued_anew_and_loses_nothing_for_it(alice, cluster, status):
    job = in_state(cluster, status, lost_count=4, retries_used=1)
    place = job.queued_at
    assert give_up(alice, cluster) == 1
    assert now_is(job) == ("pending", None)
    assert (job.lost_count, job.retries_used, job.queued_at, job.retry_at) == (4, 1, place, None)
    assert (last(job).outcome, kinds(job)[-1]) == (Outcome.LOST, "requeued_after_loss")


@pytest.mark.parametrize(
    ("cause", "as_failed", "becomes"),
    [
        ("user", False, ("completed", None)),
        ("user", True, ("failed", "stopped_as_failed")),
        ("time_limit", False, ("failed", "time_limit")),
        ("preemption", False, ("pending", None)),
    ],
)
def test_a_stop_under_way_gets_what_it_asked_for(alice, cluster, cause, as_failed, becomes):
    job = in_state(cluster, Status.STOPPING, stop_cause=cause)
    job.runs.update(stop_as_failed=as_failed)
    give_up(alice, cluster)
    assert now_is(job) == becomes
    assert last(job).outcome == Outcome.LOST


def test_the_books_are_empty_afterwards_the_numbered_gpus_too(alice, cluster):
    Cluster.objects.filter(pk=cluster.pk).update(runtime="docker")
    cluster.refresh_from_db()
    book(DeploymentFactory(cluster=cluster, gpu=2))
    in_state(cluster, Status.STOPPING)
    assert HeldDevice.objects.count() == 3
    give_up(alice, cluster)
    cluster.refresh_from_db()
    assert not any(cluster.allocated)
    assert not HeldDevice.objects.exists()
    assert not differences_between_books_and_runs()


def test_it_is_told_to_those_who_ask_later(alice, cluster):
    in_state(cluster, Status.RUNNING)
    give_up(alice, cluster)
    event = cluster.events.get(kind="declared_lost")
    assert (event.actor, event.data) == (alice, {"runs": 1})
    assert AuditEntry.objects.filter(action="cluster.declared_lost", actor=alice).count() == 1


@pytest.mark.parametrize("confirm", [None, "", "GPU-BOX", "yes"])
def test_it_asks_twice_and_says_how_many_runs_end(alice, cluster, confirm):
    job = in_state(cluster, Status.RUNNING)
    lose_contact(cluster)
    with pytest.raises(InvalidInput, match=r'1 run ends as lost.*"confirm": "gpu-box"'):
        declare_lost(actor=alice, cluster_id=cluster.pk, confirm=confirm)
    assert now_is(job)[0] == "running"


def test_over_http_it_is_refused_while_the_engine_answers(api, alice, cluster):
    answer = api(alice).post(f"/clusters/{cluster.pk}/declare-lost", {"confirm": cluster.name})
    assert (answer.status_code, answer.json()["state"]) == (409, "ready")
    assert answer.json()["allowed"] == ["change", "check", "pause"]


def test_over_http_it_needs_the_name_and_then_shows_the_cluster(api, alice, cluster):
    in_state(cluster, Status.RUNNING)
    lose_contact(cluster)
    address = f"/clusters/{cluster.pk}/declare-lost"
    asked = api(alice).post(address, {})
    assert (asked.status_code, asked.json()["errors"][0]["field"]) == (400, "confirm")
    shown = api(alice).post(address, {"confirm": "gpu-box"}).json()
    assert (shown["state"], shown["allocated_gpu"]) == ("unreachable", 0)
    again = api(alice).post(address, {"confirm": "gpu-box"})
    assert again.status_code == 409
    assert "already" in again.json()["detail"]
