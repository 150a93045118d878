"""Webhooks: what is committed is sent, signed, in order, again if need be; and nothing after it was unwanted."""

import base64
import hashlib
import hmac
import threading
from datetime import timedelta
from types import SimpleNamespace

import orjson
import pytest
from cryptography.fernet import Fernet
from django.db import transaction
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tests.factories import UserFactory
from organizations.models import Webhook, WebhookDelivery
from organizations.services import delete_organization
from organizations.tests.factories import OrganizationFactory
from organizations.tests.receiver import Receiver
from organizations.webhooks import delivering, outbox
from organizations.webhooks.delivering import BACKOFF_SECONDS, prune_deliveries, send_due
from organizations.webhooks.services import (
    MOST_WEBHOOKS,
    change_webhook,
    create_webhook,
    delete_webhook,
    redeliver,
    rotate_secret,
    send_test,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = ("127.0.0.0/8",)


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def hook(alice, lab, receiver):
    made, made.revealed = create_webhook(actor=alice, organization_id=lab.pk, url=receiver.url)
    return made


def event(kind, topic="deployment", **more):
    return {"event": topic, "kind": kind, "at": timezone.now(), "status": kind} | more


def happen(organization, *events):
    """As an event's transaction does it."""
    with transaction.atomic():
        outbox.store(outbox.listening([organization.pk]), {organization.pk: events})


def later(seconds):
    """As if so much time had passed."""
    past = timedelta(seconds=seconds)
    for row in Webhook.objects.exclude(retry_at=None):
        Webhook.objects.filter(pk=row.pk).update(retry_at=row.retry_at - past)
    for row in Webhook.objects.exclude(failing_since=None):
        Webhook.objects.filter(pk=row.pk).update(failing_since=row.failing_since - past)
    for row in WebhookDelivery.objects.exclude(next_attempt_at=None):
        WebhookDelivery.objects.filter(pk=row.pk).update(next_attempt_at=row.next_attempt_at - past)


def kinds(receiver):
    return [one["kind"] for _, body in receiver.requests for one in orjson.loads(body)["events"]]


def verified(secret, headers, body):
    """As docs/watching.md has it, without the freshness."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, one) for one in headers["webhook-signature"].split())


def test_a_receiver_can_verify_what_it_gets_as_the_documentation_says(lab, hook, receiver):
    happen(lab, event("failed", deployment_id=7))
    assert send_due() == 1
    ((headers, body),) = receiver.requests
    assert verified(hook.revealed, headers, body)
    assert abs(timezone.now().timestamp() - int(headers["webhook-timestamp"])) < 60
    assert (headers["content-type"], headers["path"]) == ("application/json", "/hook?team=vision")
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    sent = orjson.loads(body)
    assert (sent["organization_id"], sent["events"][0]["deployment_id"]) == (lab.pk, 7)
    log = WebhookDelivery.objects.get()
    assert (log.state, log.attempts, log.response_status, log.error) == ("delivered", 1, 204, "")
    assert (log.body.encode(), str(log.message_id)) == (body, headers["webhook-id"])
    assert send_due() == 0


def test_a_new_secret_and_the_old_one_both_verify_for_a_day(alice, lab, hook, receiver):
    new = rotate_secret(actor=alice, webhook_id=hook.pk)
    for _ in range(2):
        happen(lab, event("failed"))
        send_due()
        Webhook.objects.update(old_secret_until=timezone.now())
    (during, after) = receiver.requests
    assert (verified(new, *during), verified(hook.revealed, *during)) == (True, True)
    assert (verified(new, *after), verified(hook.revealed, *after)) == (True, False)


def test_a_secret_that_was_replaced_twice_verifies_nothing(alice, lab, hook, receiver):
    between = rotate_secret(actor=alice, webhook_id=hook.pk)
    rotate_secret(actor=alice, webhook_id=hook.pk)
    happen(lab, event("failed"))
    send_due()
    assert (verified(hook.revealed, *receiver.requests[0]), verified(between, *receiver.requests[0])) == (
        False,
        True,
    )
    assert between not in str(AuditEntry.objects.values_list("detail", flat=True))


def test_over_http_a_new_secret_is_shown_once(api, alice, lab, hook):
    address = f"/organizations/{lab.pk}/webhooks/{hook.pk}"
    rotated = api(alice).post(f"{address}/rotate-secret")
    assert (rotated.status_code, rotated.json()["secret"].startswith("whsec_")) == (200, True)
    assert api(alice).get(address).json() == {k: v for k, v in rotated.json().items() if k != "secret"}
    assert rotated.json()["old_secret_until"] is not None


@pytest.fixture
def unreadable(settings, hook):
    """The hook, of whose secret the key is gone."""
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    return hook


def test_a_secret_that_no_key_reads_is_told_and_keeps_no_other_webhook_from_its_turn(
    unreadable, receiver, lab
):
    other, _ = create_webhook(actor=UserFactory(), organization_id=OrganizationFactory().pk, url=receiver.url)
    happen(lab, event("failed"))
    happen(other.organization, event("running"))
    assert send_due() == 2
    assert kinds(receiver) == ["running"]
    log = WebhookDelivery.objects.get(webhook=unreadable)
    assert (log.state, log.attempts, log.response_status) == ("pending", 1, None)
    assert ("rotate-secret" in log.error, "ENCRYPTION_KEYS" in log.error) == (True, True)


def test_a_new_secret_replaces_at_once_one_that_no_key_reads(alice, lab, unreadable, receiver):
    happen(lab, event("failed"))
    send_due()
    new = rotate_secret(actor=alice, webhook_id=unreadable.pk)
    later(15)
    assert send_due() == 1
    assert verified(new, *receiver.requests[0])
    assert WebhookDelivery.objects.get().state == "delivered"


def test_an_error_in_one_turn_is_logged_and_the_others_have_theirs(monkeypatch, alice, lab, hook, receiver):
    create_webhook(actor=alice, organization_id=lab.pk, url=receiver.url)
    record, broken, told = delivering.record_outcome, [hook.pk], []

    def record_outcome(delivery, outcome):
        if delivery.webhook_id in broken:
            raise ZeroDivisionError
        return record(delivery, outcome)

    monkeypatch.setattr(delivering, "record_outcome", record_outcome)
    monkeypatch.setattr(delivering.log, "exception", lambda *what, **more: told.append((*what, more)))
    happen(lab, event("failed"))
    send_due()
    assert told == [("webhook_turn_failed", {"webhook_id": hook.pk})]
    assert len(receiver.requests) == 2
    assert send_due() == 0, "it waits, and does not come up first for ever"
    broken.clear()
    later(delivering.TROUBLE_SECONDS)
    assert send_due() == 1
    stored = Webhook.objects.get(pk=hook.pk)
    assert (stored.failures, stored.retry_at) == (0, None)


def test_the_secret_is_stored_encrypted(hook):
    stored = Webhook.objects.get().secret
    assert hook.revealed.removeprefix("whsec_") not in stored


def test_a_filter_lets_through_what_it_names(alice, lab, hook, receiver):
    change_webhook(actor=alice, webhook_id=hook.pk, changes={"events": ["deployment.failed", "cluster"]})
    happen(lab, event("failed"), event("running"), event("paused", "cluster"))
    happen(lab, event("running"))
    send_due()
    assert kinds(receiver) == ["failed", "paused"]
    assert len(receiver.requests) == 1


def test_thousands_of_one_transaction_go_in_few_messages_in_order(lab, hook, receiver):
    happen(lab, *(event("scheduled", deployment_id=n) for n in range(250)))
    assert send_due() == 3
    sent = [one["deployment_id"] for _, body in receiver.requests for one in orjson.loads(body)["events"]]
    assert sent == list(range(250))


def test_what_is_rolled_back_and_what_others_do_is_not_sent(lab, hook, receiver):
    with transaction.atomic():
        happen(lab, event("failed"))
        transaction.set_rollback(True)
    happen(OrganizationFactory(), event("failed"))
    assert send_due() == 0


def test_a_failure_is_tried_again_after_longer_and_longer_pauses_then_given_up(lab, hook, receiver):
    receiver.statuses.extend([500] * 7)
    happen(lab, event("failed"))
    for number, pause in enumerate(BACKOFF_SECONDS, 1):
        assert send_due() == 1
        log = WebhookDelivery.objects.get()
        assert (log.state, log.attempts, log.response_status) == ("pending", number, 500)
        assert log.error == "It answered 500."
        wait = (log.next_attempt_at - log.attempted_at).total_seconds()
        assert pause * 0.8 <= wait <= pause * 1.2
        assert send_due() == 0, "not before its time"
        later(pause * 1.25)
    assert send_due() == 1
    assert WebhookDelivery.objects.get().state == "failed"
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 1


def test_a_receiver_that_is_down_gets_one_attempt_not_one_for_each_event(lab, hook, receiver):
    receiver.statuses.append(503)
    happen(lab, event("running"))
    happen(lab, event("completed"))
    assert send_due() == 1
    later(15)
    assert send_due() == 2
    assert kinds(receiver) == ["running", "running", "completed"]
    assert Webhook.objects.get().failures == 0


def test_what_failed_is_not_overtaken_by_younger_ones_however_the_dice_fall(monkeypatch, lab, hook, receiver):
    # The first pause that is drawn is long, all others short.
    drawn = [1.2]
    dice = SimpleNamespace(uniform=lambda low, _: drawn.pop() if drawn else low)
    monkeypatch.setattr(delivering, "random", dice)
    receiver.statuses.append(503)
    happen(lab, event("running"))
    happen(lab, event("completed"))
    send_due()
    later(9)
    send_due()
    later(4)
    send_due()
    assert kinds(receiver) == ["running", "running", "completed"]


def test_one_that_failed_often_is_waited_for_also_where_the_receiver_took_another(alice, lab, hook, receiver):
    receiver.statuses.extend([503, 503, 204, 503])
    happen(lab, event("running"))
    send_due()
    later(15)
    send_due()
    send_test(actor=alice, webhook_id=hook.pk)
    send_due()
    later(80)
    send_due()
    happen(lab, event("completed"))
    later(15)
    assert send_due() == 0, "the third pause is minutes long"
    later(400)
    send_due()
    assert kinds(receiver) == ["running", "running", "test", "running", "running", "completed"]


def test_after_days_of_nothing_but_failures_it_is_switched_off_and_says_why(alice, lab, hook, receiver):
    receiver.statuses.extend([500] * 2)
    happen(lab, event("failed"))
    send_due()
    later(3 * 86_400)
    happen(lab, event("completed"))
    assert send_due() == 1
    stored = Webhook.objects.get()
    assert (stored.active, "3 days" in stored.disabled_reason) == (False, True)
    assert "It answered 500." in stored.disabled_reason
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) <= {"cancelled", "failed"}
    happen(lab, event("failed"))
    assert send_due() == 0
    change_webhook(actor=alice, webhook_id=hook.pk, changes={"active": True})
    happen(lab, event("running"))
    assert send_due() == 1
    stored.refresh_from_db()
    assert (stored.failures, stored.disabled_reason) == (0, "")


def test_a_receiver_that_says_gone_is_left_alone(lab, hook, receiver):
    receiver.statuses.append(410)
    happen(lab, event("failed"))
    send_due()
    stored = Webhook.objects.get()
    assert (stored.active, "410" in stored.disabled_reason) == (False, True)


@pytest.mark.parametrize("end", ["deleted", "off", "organization"])
def test_nothing_is_sent_any_more_once_it_is_unwanted(alice, lab, hook, receiver, end):
    happen(lab, event("failed"))
    if end == "deleted":
        delete_webhook(actor=alice, webhook_id=hook.pk)
    elif end == "off":
        change_webhook(actor=alice, webhook_id=hook.pk, changes={"active": False})
    else:
        delete_organization(actor=alice, organization=lab)
    happen(lab, event("completed"))
    assert send_due() == 0
    assert receiver.requests == []


def test_a_redirect_is_not_followed(lab, hook, receiver):
    receiver.statuses.append(302)
    receiver.headers["Location"] = receiver.url
    happen(lab, event("failed"))
    send_due()
    assert len(receiver.requests) == 1
    assert "redirect" in WebhookDelivery.objects.get().error


def test_who_answers_too_late_has_failed_and_who_is_not_there_too(monkeypatch, alice, lab, hook, receiver):
    monkeypatch.setattr("organizations.webhooks.sending.TOTAL_SECONDS", 0.2)
    receiver.held = threading.Event()
    happen(lab, event("failed"))
    send_due()
    receiver.held.set()
    log = WebhookDelivery.objects.get()
    assert (log.response_status, log.error) == (None, "No answer within 0.2 s.")
    change_webhook(actor=alice, webhook_id=hook.pk, changes={"url": "http://127.0.0.1:1/"})
    later(15)
    send_due()
    log.refresh_from_db()
    assert log.error == "Nothing answers there."


def test_one_webhook_is_served_by_one_worker_at_a_time_and_a_dead_ones_lease_ends(lab, hook, receiver):
    Webhook.objects.update(leased_until=timezone.now() + timedelta(seconds=5))
    happen(lab, event("failed"))
    assert send_due() == 0
    Webhook.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert send_due() == 1
    assert Webhook.objects.get().leased_until is None


def test_no_more_are_served_at_once_than_there_are_places(monkeypatch, alice, lab, hook, receiver):
    monkeypatch.setattr(delivering, "MOST_AT_ONCE", 1)
    other, _ = create_webhook(actor=alice, organization_id=lab.pk, url=receiver.url)
    Webhook.objects.filter(pk=other.pk).update(leased_until=timezone.now() + timedelta(seconds=5))
    happen(lab, event("failed"))
    assert send_due() == 0


def test_a_person_tries_it_and_sends_again_at_once_also_while_it_waits(alice, lab, hook, receiver):
    receiver.statuses.append(500)
    happen(lab, event("failed"))
    send_due()
    send_test(actor=alice, webhook_id=hook.pk)
    assert send_due() == 1
    assert kinds(receiver) == ["failed", "test"]
    first = WebhookDelivery.objects.order_by("pk").first()
    again = redeliver(actor=alice, webhook_id=hook.pk, delivery_id=first.pk)
    assert send_due() == 1
    assert receiver.requests[-1][1] == receiver.requests[0][1]
    again.refresh_from_db()
    assert (again.state, again.message_id) == ("delivered", first.message_id)


def test_old_deliveries_go(lab, hook):
    happen(lab, event("failed"))
    happen(lab, event("failed"))
    old = WebhookDelivery.objects.order_by("pk").first()
    WebhookDelivery.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=31))
    assert prune_deliveries() == 1
    assert not WebhookDelivery.objects.filter(pk=old.pk).exists()


def test_over_http_the_secret_is_shown_once_and_all_else_as_it_is(api, alice, lab, receiver):
    address = f"/organizations/{lab.pk}/webhooks"
    made = api(alice).post(address, {"url": receiver.url, "events": ["deployment.failed"]})
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    one = made["Location"]
    assert "secret" not in api(alice).get(one).json()
    assert api(alice).get(one).json() == {k: v for k, v in made.json().items() if k != "secret"}
    tested = api(alice).post(f"{one}/test")
    assert (tested.status_code, tested.json()["state"]) == (202, "pending")
    send_due()
    (log,) = api(alice).get(f"{one}/deliveries").json()["results"]
    assert (log["state"], log["response_status"], log["kinds"]) == ("delivered", 204, ["test.test"])
    detail = api(alice).get(f"{one}/deliveries/{log['id']}").json()
    assert detail["body"].encode() == receiver.requests[0][1]
    assert api(alice).post(f"{one}/deliveries/{log['id']}/redeliver").status_code == 202
    assert (
        api(alice).get(f"{one}/deliveries?state=pending").json()["results"][0]["message_id"]
        == log["message_id"]
    )
    off = api(alice).patch(one, {"active": False})
    assert (off.status_code, off.json()["active"]) == (200, False)
    refused = api(alice).post(f"{one}/test")
    assert (refused.status_code, "Switch it on" in refused.json()["detail"]) == (409, True)
    assert api(alice).delete(one).status_code == 204
    assert api(alice).get(one).status_code == 404


def test_an_unknown_event_is_refused_and_the_known_are_named(api, alice, lab, receiver):
    body = {"url": receiver.url, "events": ["deployment.faild"]}
    answer = api(alice).post(f"/organizations/{lab.pk}/webhooks", body)
    assert answer.status_code == 400
    assert "deployment.failed" in answer.json()["errors"][0]["detail"]


def test_an_organization_has_only_so_many(alice, lab, receiver, api):
    for _ in range(MOST_WEBHOOKS):
        create_webhook(actor=alice, organization_id=lab.pk, url=receiver.url)
    assert api(alice).post(f"/organizations/{lab.pk}/webhooks", {"url": receiver.url}).status_code == 409
