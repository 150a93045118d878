"""Webhooks in the console: added, tried, sent again, switched off, deleted; the secret is shown once."""

import re

import pytest
from django.urls import reverse

from organizations.models import Webhook, WebhookDelivery
from organizations.tests.factories import DeliveryFactory, WebhookFactory

ADD = "admin:organizations_webhook_add"
CHANGE = "admin:organizations_webhook_change"


@pytest.fixture
def hook(lab):
    return WebhookFactory(organization=lab)


def test_a_new_one_shows_its_secret_once(console, lab):
    form = {"organization": lab.pk, "url": "https://hooks.example.org/x", "events": ["deployment.failed"]}
    form["active"] = "on"
    shown = console.post(reverse(ADD), form, follow=True).content.decode()
    stored = Webhook.objects.get()
    assert (stored.url, stored.events, stored.active) == (form["url"], form["events"], True)
    assert len(re.findall(r"whsec_[A-Za-z0-9+/]{43}=", shown)) == 1
    assert "whsec_" not in console.get(reverse(CHANGE, args=[stored.pk])).content.decode()


def test_an_address_that_is_refused_is_told_beside_it(console, lab):
    form = {"organization": lab.pk, "url": "https://10.0.0.1/", "active": "on"}
    shown = console.post(reverse(ADD), form).content.decode()
    assert "WEBHOOK_ALLOWED_NETWORKS" in shown
    assert not Webhook.objects.exists()


def test_it_is_changed_and_switched_off(console, hook):
    console.post(
        reverse(CHANGE, args=[hook.pk]), {"url": hook.url, "events": ["cluster", "deployment.failed"]}
    )
    hook.refresh_from_db()
    assert (hook.events, hook.active) == (["cluster", "deployment.failed"], False)


def test_a_test_is_sent_by_a_button(console, hook):
    console.post(reverse("admin:organizations_webhook_act", args=[hook.pk, "test"]), {"confirmed": "yes"})
    assert WebhookDelivery.objects.get().kinds == ["test.test"]


def test_a_message_is_shown_and_sent_once_more(console, hook):
    old = DeliveryFactory(webhook=hook)
    page = reverse("admin:organizations_webhookdelivery_change", args=[old.pk])
    assert "&quot;kind&quot;: &quot;failed&quot;" in console.get(page).content.decode()
    act = reverse("admin:organizations_webhookdelivery_act", args=[old.pk, "redeliver"])
    console.post(act, {"confirmed": "yes"})
    again = WebhookDelivery.objects.exclude(pk=old.pk).get()
    assert (again.body, again.message_id, again.state) == (old.body, old.message_id, "pending")


def test_why_it_is_off_is_shown(console, hook):
    Webhook.objects.update(active=False, disabled_reason="The receiver answered 410.")
    assert "The receiver answered 410." in console.get(reverse(CHANGE, args=[hook.pk])).content.decode()
