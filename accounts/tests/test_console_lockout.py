"""The console locks a name from one address after too many failures, and neither the name nor the address alone."""

from datetime import timedelta

import pytest
from axes.models import AccessLog
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.tasks import delete_old_sign_ins
from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
FAILURES = 10


@pytest.fixture(autouse=True)
def operators():
    for name in ("dora", "emil"):
        UserFactory(username=name, is_staff=True, is_superuser=True)


def sign_in(client, name, password=PASSWORD, **extra):
    return client.post("/admin/login/", {"username": name, "password": password}, **extra).status_code


def locked_out(client, **extra):
    for _ in range(FAILURES):
        last = sign_in(client, "dora", "wrong", **extra)
    return last == 429


def test_after_ten_failures_even_the_right_password_is_refused_from_there(client):
    assert locked_out(client)
    assert sign_in(client, "dora") == 429


def test_another_operator_at_that_address_and_dora_elsewhere_still_sign_in(client):
    assert locked_out(client)
    assert sign_in(client, "emil") == 302
    assert sign_in(client, "dora", REMOTE_ADDR="192.0.2.7") == 302


@pytest.mark.parametrize(
    "hop", ["192.0.2.9:4711", "[2001:db8::1]:80", "2001:db8::1", "fe80::1%eth0", "unknown", "x" * 300]
)
def test_whatever_a_proxy_writes_for_the_client_the_lock_holds_and_nothing_breaks(client, settings, hop):
    settings.NUM_PROXIES = 1
    assert locked_out(client, headers={"X-Forwarded-For": f"203.0.113.5, {hop}"})
    assert sign_in(client, "dora", headers={"X-Forwarded-For": f"198.51.100.5, {hop}"}) == 429


def test_dora_is_not_locked_out_of_the_api(client, api):
    assert locked_out(client)
    assert api().post("/token", {"username": "dora", "password": PASSWORD}).status_code == 200


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(client, settings):
    settings.NUM_PROXIES = 1
    assert locked_out(client, HTTP_X_FORWARDED_FOR="203.0.113.1, 192.0.2.7")
    assert sign_in(client, "dora", HTTP_X_FORWARDED_FOR="192.0.2.8") == 302
    assert sign_in(client, "dora", HTTP_X_FORWARDED_FOR="203.0.113.2, 192.0.2.7") == 429


def test_old_sign_ins_are_deleted_and_new_ones_stay():
    for days in (1, 31):
        attempt = AccessLog.objects.create(username=f"alice-{days}")
        AccessLog.objects.filter(pk=attempt.pk).update(attempt_time=timezone.now() - timedelta(days=days))
        Session.objects.create(
            session_key=f"key{days}", expire_date=timezone.now() + timedelta(days=16 - days)
        )
    delete_old_sign_ins()
    assert [log.username for log in AccessLog.objects.all()] == ["alice-1"]
    assert [session.session_key for session in Session.objects.all()] == ["key1"]
