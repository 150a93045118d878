"""What happens is told once it is committed: each event once, with what the stream process needs to know of it."""

import orjson
import pytest
from django.db import transaction
from redis import Redis

from clusters import announcing
from clusters.announcing import publish
from clusters.event_protocol import EVENTS_HEADER, LOST, Filter, read_header
from clusters.redis import redis_client
from clusters.services import change_cluster
from clusters.sharing.services import share_cluster
from deployments.log_protocol import FRONT_MARK
from deployments.models import Deployment, DeploymentEvent
from deployments.services.steer import cancel_deployment
from deployments.tests.factories import DeploymentFactory
from organizations.models import WebhookDelivery
from organizations.tests.factories import OrganizationFactory, WebhookFactory


def test_a_batch_is_told_in_one_entry_with_amounts_as_the_api_shows_them(told, api, alice, cluster):
    body = {
        "name": "n",
        "docker_image": "busybox",
        "cluster_id": cluster.pk,
        "required_ram": 1.5,
        "required_cpu": 1,
    }
    events, entries = told(lambda: api(alice).post("/deployments/bulk", {"deployments": [body] * 3}))
    ids = list(Deployment.objects.order_by("pk").values_list("pk", flat=True))
    assert [event[5:] for event in events] == [(id_, cluster.pk, cluster.organization_id) for id_ in ids]
    assert {event[:4] for event in events} == {("deployment", "submitted", "user", "pending")}
    shown = api(alice).get(f"/deployments/{ids[0]}/events").json()["results"][0]["data"]
    assert events[0][4] == shown
    assert (shown["required_ram"], entries) == (1.5, 1)


def test_a_cluster_tells_of_itself_to_its_own_organization(told, alice, cluster):
    events, _ = told(lambda: change_cluster(actor=alice, cluster_id=cluster.pk, changes={"paused": True}))
    assert events == [
        ("cluster", "paused", "user", None, {"old": {"paused": False}, "new": {"paused": True}}, None, cluster.pk,
         cluster.organization_id)
    ]  # fmt: skip


def test_what_is_rolled_back_is_never_told(told, alice, cluster):
    kept, undone = DeploymentFactory.create_batch(2, cluster=cluster)

    def cancel_in_vain():
        with transaction.atomic():
            cancel_deployment(actor=alice, deployment_id=undone.pk)
            raise ZeroDivisionError

    def both():
        with transaction.atomic():
            cancel_deployment(actor=alice, deployment_id=kept.pk)
            with pytest.raises(ZeroDivisionError):
                cancel_in_vain()

    events, _ = told(both)
    assert [event[5] for event in events] == [kept.pk]


def test_a_redis_that_is_away_fails_nobody_and_the_gap_is_told_later(
    monkeypatch, told, event_stream, alice, cluster
):
    one, two = DeploymentFactory.create_batch(2, cluster=cluster)
    gone = Redis(port=1, socket_connect_timeout=0.1)
    monkeypatch.setattr(announcing, "redis_client", lambda: gone)
    assert told(lambda: cancel_deployment(actor=alice, deployment_id=one.pk)) == ([], 0)
    assert Deployment.objects.get(pk=one.pk).status == "cancelled"
    monkeypatch.setattr(announcing, "redis_client", redis_client)
    assert told(lambda: cancel_deployment(actor=alice, deployment_id=two.pk)) == ([], 0), (
        "it is not asked at once"
    )
    monkeypatch.setattr(announcing._Health, "silent_until", 0.0)
    publish([])
    ((_, fields),) = redis_client().xrange(event_stream)
    assert fields == {LOST.encode(): b"1"}


def test_what_happens_is_kept_for_the_webhooks_that_want_it_and_committed_with_it(told, alice, cluster):
    hook = WebhookFactory(organization=cluster.organization, events=["deployment.cancelled"])
    WebhookFactory(organization=cluster.organization, events=["cluster"])
    WebhookFactory()
    one, two = DeploymentFactory.create_batch(2, cluster=cluster)
    told(lambda: cancel_deployment(actor=alice, deployment_id=one.pk))
    with transaction.atomic():
        cancel_deployment(actor=alice, deployment_id=two.pk)
        transaction.set_rollback(True)
    (delivery,) = WebhookDelivery.objects.all()
    assert (delivery.webhook, delivery.state) == (hook, "pending")
    (event,) = orjson.loads(delivery.body)["events"]
    stored = DeploymentEvent.objects.get()
    assert event == {
        "event": "deployment", "kind": "cancelled", "deployment_id": one.pk, "cluster_id": cluster.pk,
        "organization_id": cluster.organization_id, "at": stored.at.isoformat().replace("+00:00", "Z"),
        "source": "user", "data": stored.data, "status": "cancelled",
    }  # fmt: skip


def test_without_a_webhook_nothing_is_kept(told, alice, cluster):
    deployment = DeploymentFactory(cluster=cluster)
    told(lambda: cancel_deployment(actor=alice, deployment_id=deployment.pk))
    assert not WebhookDelivery.objects.exists()


def answer(client, query="", **headers):
    return client.get(f"/events{query}", **{FRONT_MARK: True}, **headers)


def test_the_answer_names_what_its_caller_may_see(api, alice, bob, charlie, cluster):
    guests = OrganizationFactory(owner=charlie)
    share_cluster(actor=alice, cluster_id=cluster.pk, organization_id=guests.pk)
    lab = cluster.organization_id
    deployment = DeploymentFactory(cluster=cluster)
    for user, query, filter_ in (
        (alice, "", Filter(frozenset({lab}))),
        (bob, f"?cluster={cluster.pk}", Filter(frozenset({lab}), cluster.pk)),
        (
            bob,
            f"?organization={lab}&deployment={deployment.pk}",
            Filter(frozenset({lab}), None, deployment.pk),
        ),
        (charlie, f"?cluster={cluster.pk}", Filter(frozenset({guests.pk}), cluster.pk)),
    ):
        found = answer(api(user), query)
        assert (found.status_code, found["Content-Type"]) == (200, "text/event-stream")
        assert read_header(found[EVENTS_HEADER]) == (filter_, "")


@pytest.mark.parametrize("query", ["organization={lab}", "cluster={cluster}", "deployment={deployment}"])
def test_what_is_anothers_is_not_there(api, charlie, cluster, query):
    ids = {
        "lab": cluster.organization_id,
        "cluster": cluster.pk,
        "deployment": DeploymentFactory(cluster=cluster).pk,
    }
    theirs = answer(api(charlie), "?" + query.format(**ids))
    absent = answer(api(charlie), "?" + query.format(**dict.fromkeys(ids, 999_999)))
    assert theirs.status_code == 404
    assert theirs.content == absent.content


def test_the_place_to_resume_from_comes_in_a_header_or_in_the_query(api, alice, lab):
    assert read_header(answer(api(alice), "?last_event_id=5-0.1")[EVENTS_HEADER])[1] == "5-0.1"
    both = answer(api(alice), "?last_event_id=5-0.1", HTTP_LAST_EVENT_ID="6-0")
    assert read_header(both[EVENTS_HEADER])[1] == "6-0"
    strange = answer(api(alice), "?last_event_id=%0d%0aX-Evil:%201%C3%A4")
    assert "X-Evil" not in strange.headers
    assert strange.status_code == 200


@pytest.mark.parametrize(
    "query", ["?cluster=x", "?cluster=0", "?deploymnt=1", "?organization=99999999999999999999"]
)
def test_a_slip_is_refused_by_name(api, alice, lab, query):
    assert answer(api(alice), query).status_code == 400


def test_a_browser_may_ask_with_the_session_of_the_console_and_an_operator_sees_all(
    client, alice, operator, lab
):
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    assert read_header(answer(client)[EVENTS_HEADER])[0] == Filter(None)
    assert read_header(answer(client, f"?organization={lab.pk}")[EVENTS_HEADER])[0] == Filter(
        frozenset({lab.pk})
    )
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    assert read_header(answer(client)[EVENTS_HEADER])[0] == Filter(frozenset({lab.pk}))


def test_an_operators_token_sees_what_is_theirs_as_on_every_other_call(api, operator, lab):
    assert read_header(answer(api(operator))[EVENTS_HEADER])[0] == Filter(frozenset())


def test_without_the_stream_process_the_answer_says_where_to_ask(api, alice, lab):
    found = api(alice).get("/events")
    assert (found.status_code, found["Content-Type"]) == (503, "application/problem+json")
    assert "stream process" in found.json()["detail"]


def test_who_accepts_nothing_but_events_is_served(api, alice, lab):
    assert answer(api(alice), HTTP_ACCEPT="text/event-stream").status_code == 200
    assert api().get("/events", HTTP_ACCEPT="text/event-stream").status_code == 401
