"""Deployments in the console: steered through the same services as the API's."""

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from accounts import secrets
from accounts.models import AuditEntry
from clusters.models import Cluster
from deployments.admin import wording
from deployments.models import Dependency, Deployment, DeploymentEvent
from deployments.services.booking import Eviction, book_evictions, book_starts
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.verdicts import Failure

LIST = "admin:deployments_deployment_changelist"


def page(deployment):
    return reverse("admin:deployments_deployment_change", args=[deployment.pk])


def said(answer):
    return " ".join(map(str, get_messages(answer.wsgi_request)))


def act(console, action, *rows, confirmed=True):
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return console.post(reverse(LIST), chosen | ({"confirmed": "yes"} if confirmed else {}))


def started(cluster, **more):
    deployment = DeploymentFactory(cluster=cluster, **more)
    book_starts(deployment_ids=[deployment.pk], now=timezone.now())
    deployment.refresh_from_db()
    return deployment


def status_of(deployment):
    return Deployment.objects.get(pk=deployment.pk).status


def test_stopping_asks_first_and_says_how_many(console, cluster):
    rows = [started(cluster), started(cluster)]
    answer = act(console, "stop", *rows, confirmed=False)
    assert "Stop 2 deployments?" in answer.content.decode()
    assert {status_of(row) for row in rows} == {Status.STARTING}


def test_a_question_about_all_rows_keeps_all_rows(console, cluster):
    rows = [DeploymentFactory(cluster=cluster) for _ in range(3)]
    chosen = {"action": "cancel", "_selected_action": [rows[0].pk], "select_across": "1"}
    question = console.post(reverse(LIST), chosen)
    assert "Cancel 3 deployments?" in question.content.decode()
    console.post(reverse(LIST), dict(question.context["hidden"]))
    assert {status_of(row) for row in rows} == {Status.CANCELLED}


def test_a_stop_goes_through_the_service_and_is_told_everywhere(console, cluster, operator):
    deployment = started(cluster)
    act(console, "stop", deployment)
    assert status_of(deployment) == Status.STOPPING
    assert DeploymentEvent.objects.get(deployment=deployment, kind="stop_requested").actor == operator
    assert AuditEntry.objects.filter(action="deployment.stop_requested", actor=operator).exists()


def test_a_selection_does_what_it_may_and_tells_why_not_the_rest(console, cluster):
    pending, running = DeploymentFactory(cluster=cluster), started(cluster)
    told = said(act(console, "cancel", pending, running))
    assert status_of(pending) == Status.CANCELLED
    assert status_of(running) == Status.STARTING
    assert "1 deployment cancelled" in told
    assert f"Deployment {running.pk} is starting, so you cannot cancel it." in told


def test_queueing_anew_gives_fresh_retries(console, cluster):
    deployment = DeploymentFactory(
        cluster=cluster, status=Status.FAILED, retries_used=3, reason="exited_with_error"
    )
    act(console, "requeue", deployment, confirmed=False)
    deployment.refresh_from_db()
    assert (deployment.status, deployment.retries_used, deployment.reason) == (Status.PENDING, 0, None)


def test_too_many_rows_at_once_are_refused(console, cluster, monkeypatch):
    monkeypatch.setattr("accounts.admin.actions.MOST_ROWS", 1)
    rows = [DeploymentFactory(cluster=cluster) for _ in range(2)]
    assert "at most 1" in said(act(console, "cancel", *rows))
    assert {status_of(row) for row in rows} == {Status.PENDING}


def test_a_page_offers_only_what_the_state_allows(console, cluster):
    offered = {
        Status.PENDING: {"cancel", "start", "explain"},
        Status.RUNNING: {"stop", "checkpoint"},
        Status.COMPLETED: {"requeue"},
    }
    for status, actions in offered.items():
        row = DeploymentFactory(cluster=cluster, status=status)
        shown = console.get(page(row)).context["actions_detail"]
        assert {action["path"].rstrip("/").rsplit("/", 1)[1] for action in shown} == actions


def test_name_and_priority_are_edited_through_the_service(console, cluster, operator):
    deployment = DeploymentFactory(cluster=cluster, seat_granted_at=timezone.now())
    console.post(page(deployment), {"name": "renamed", "priority": "3"})
    deployment.refresh_from_db()
    assert (deployment.name, deployment.priority) == ("renamed", 3)
    # The service's rule, not the form's: a new priority ends a seat.
    assert deployment.seat_granted_at is None
    assert AuditEntry.objects.get(action="deployment.changed").actor == operator


def test_requirements_are_not_editable_here(console, cluster):
    deployment = DeploymentFactory(cluster=cluster)
    console.post(
        page(deployment), {"name": deployment.name, "priority": "2", "required_gpu": "0", "status": "running"}
    )
    deployment.refresh_from_db()
    assert (deployment.required_gpu, deployment.status) == (1000, Status.PENDING)


def test_what_has_ended_can_only_be_read(console, cluster):
    deployment = DeploymentFactory(cluster=cluster, status=Status.COMPLETED)
    assert console.post(page(deployment), {"name": "renamed", "priority": "3"}).status_code == 403
    deployment.refresh_from_db()
    assert deployment.name != "renamed"


def test_a_deployment_that_others_wait_for_is_not_deleted_and_the_reason_is_shown(console, cluster):
    first, second = DeploymentFactory(cluster=cluster), DeploymentFactory(cluster=cluster)
    Dependency.objects.create(deployment=second, depends_on=first)
    answer = console.post(reverse("admin:deployments_deployment_delete", args=[first.pk]), {"post": "yes"})
    assert "wait for this one" in said(answer)
    assert Deployment.objects.get(pk=first.pk).deleted_at is None


def test_nothing_is_submitted_here(console):
    assert console.get(reverse("admin:deployments_deployment_add")).status_code == 403


def test_secret_values_are_never_shown(console, cluster):
    token = secrets.encrypt({"TOKEN": "hush"})
    deployment = started(cluster, secret_env=token, secret_env_names=["TOKEN"])
    run = deployment.runs.get()
    for address in (page(deployment), reverse("admin:deployments_run_change", args=[run.pk])):
        text = console.get(address).content.decode()
        assert token not in text
        assert "hush" not in text
    assert "TOKEN (set, hidden)" in console.get(page(deployment)).content.decode()


def test_a_run_names_its_preemptor_as_a_link(console, cluster):
    victim, preemptor = started(cluster), DeploymentFactory(cluster=cluster, priority=3)
    book_evictions(evictions=[Eviction(victim.pk, preemptor.pk)], now=timezone.now())
    text = console.get(page(victim)).content.decode()
    assert f'preempted by <a class="console-link" href="{page(preemptor)}">#{preemptor.pk}</a>' in text


def test_neighbours_are_listed_with_their_state(console, cluster):
    first, second = (
        DeploymentFactory(cluster=cluster, name="first"),
        DeploymentFactory(cluster=cluster, name="second"),
    )
    Dependency.objects.create(deployment=second, depends_on=first)
    waits_for, waiting = (console.get(page(row)).context["panels"] for row in (second, first))
    assert "first" in str(next(panel for panel in waits_for if panel.title == "Waits for").rows[0][0])
    assert "second" in str(next(panel for panel in waiting if panel.title == "Waiting for it").rows[0][0])


def test_a_page_shows_only_the_newest_events_and_the_way_to_all(console, cluster):
    deployment = DeploymentFactory(cluster=cluster)
    for _ in range(30):
        DeploymentEvent.objects.create(
            deployment=deployment,
            organization=deployment.organization,
            kind="seat_granted",
            source="scheduler",
        )
    panel = next(panel for panel in console.get(page(deployment)).context["panels"] if "story" in panel.title)
    assert len(panel.rows) == 20
    assert len(console.get(panel.all_of_it).context["cl"].result_list) == 30


@pytest.mark.parametrize("query", [{"q": "resnet"}, {"q": "special/image"}, {"status__exact": "failed"},
                                   {"priority__exact": "3"}, {"reason": "exited_with_error"}])  # fmt: skip
def test_the_list_is_searched_and_filtered(console, cluster, query):
    DeploymentFactory(cluster=cluster)
    wanted = DeploymentFactory(
        cluster=cluster, name="resnet", docker_image="special/image", status=Status.FAILED, priority=3,
        reason="exited_with_error",
    )  # fmt: skip
    assert list(console.get(reverse(LIST), query).context["cl"].result_list) == [wanted]


def test_a_cluster_counts_what_runs_waits_and_stops(console, cluster):
    started(cluster, gpu=1)
    victim, preemptor = started(cluster, gpu=2), DeploymentFactory(cluster=cluster, priority=3)
    book_evictions(evictions=[Eviction(victim.pk, preemptor.pk)], now=timezone.now())
    (row,) = console.get(reverse("admin:clusters_cluster_changelist")).context["cl"].result_list
    assert (row.running_count, row.pending_count, row.stopping_gpu) == (2, 1, 2000)
    assert (
        "3 of 8 GPUs, 2 stopping"
        in console.get(reverse("admin:clusters_cluster_changelist")).content.decode()
    )


def test_every_failure_has_words():
    assert {failure.value for failure in Failure} <= wording.REASONS.keys()


@pytest.mark.parametrize(
    ("kind", "data", "sentence"),
    [
        ("submitted", {"priority": 3}, "Submitted with priority HIGH"),
        ("changed", {"old": {"priority": 1}, "new": {"priority": 3}}, "Changed: priority LOW → HIGH"),
        ("changed", {"old": {}, "new": {}, "hidden": ["env"]}, "Changed: env (values hidden)"),
        ("stop_requested", {"as_failed": True}, "Told to stop, to end as failed"),
        ("something_new", {}, "Something new"),
    ],
)
def test_an_event_is_a_sentence(kind, data, sentence):
    assert wording.told(DeploymentEvent(kind=kind, data=data)) == sentence


def test_an_organization_with_work_is_not_deleted_and_the_reason_is_shown(console, lab, cluster):
    DeploymentFactory(cluster=cluster)
    answer = console.post(reverse("admin:organizations_organization_delete", args=[lab.pk]), {"post": "yes"})
    assert "run or wait" in said(answer)
    lab.refresh_from_db()
    assert lab.deleted_at is None


def test_a_cluster_with_work_is_not_deleted_and_the_reason_is_shown(console, cluster):
    DeploymentFactory(cluster=cluster)
    answer = console.post(reverse("admin:clusters_cluster_delete", args=[cluster.pk]), {"post": "yes"})
    assert "1 deployments wait here" in said(answer)
    assert Cluster.objects.get(pk=cluster.pk).deleted_at is None


def test_the_page_is_told_of_this_deployments_events(console, cluster):
    row = DeploymentFactory(cluster=cluster)
    text = console.get(reverse("admin:deployments_deployment_change", args=[row.pk])).content.decode()
    assert f'data-live-events="?deployment={row.pk}"' in text
