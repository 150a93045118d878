"""What persons did to their accounts is on record, with the address and without a secret."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.urls import reverse

from accounts.audit import record
from accounts.models import AuditEntry
from accounts.tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
HERE = {"REMOTE_ADDR": "192.0.2.7"}
NEW_PASSWORD = "another battery staple"


def records():
    return [(entry.action, entry.target, entry.detail) for entry in AuditEntry.objects.order_by("id")]


def test_each_deed_is_one_line_with_actor_target_and_address(api):
    answer = api().post("/register", {"username": "dora", "password": PASSWORD}, **HERE)
    target = f"user:{answer.json()['id']}"
    client = api()
    token = client.post("/token", {"username": "dora", "password": PASSWORD}, **HERE).json()["access_token"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    client.patch("/me", {"username": "dora", "email": "dora@example.org"}, **HERE)
    client.patch("/me", {"username": "dora", "email": "dora@example.org"}, **HERE)
    client.post("/me/password", {"current_password": PASSWORD, "new_password": NEW_PASSWORD}, **HERE)
    assert records() == [
        ("account.registered", target, {}),
        ("session.started", target, {}),
        ("account.changed", target, {"fields": ["email"]}),
        ("account.password_changed", target, {}),
    ]
    assert {(entry.actor.username, entry.address) for entry in AuditEntry.objects.all()} == {
        ("dora", "192.0.2.7")
    }


def test_what_was_refused_is_not_on_record(api, alice):
    api().post("/token", {"username": "alice", "password": "wrong"})
    api().post("/register", {"username": "alice", "password": PASSWORD})
    api(alice).post("/me/password", {"current_password": "wrong", "new_password": NEW_PASSWORD})
    assert records() == []


def test_no_secret_is_on_record(api):
    test_each_deed_is_one_line_with_actor_target_and_address(api)
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(accounts_auditentry::text, ' ') FROM accounts_auditentry")
        text = cursor.fetchone()[0]
    assert "dora@" not in text
    for secret in (PASSWORD, NEW_PASSWORD, "argon2", "md5", "eyJ"):
        assert secret not in text


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("unknown", None),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("x" * 5000, None),
    ],
)
def test_what_a_proxy_calls_an_address_is_kept_only_if_it_is_one(api, settings, written, kept):
    settings.NUM_PROXIES = 1
    answer = api().post("/register", {"username": "dora", "password": PASSWORD}, HTTP_X_FORWARDED_FOR=written)
    assert answer.status_code == 201
    assert AuditEntry.objects.get().address == kept


def test_the_door_is_on_record(api, alice, console):
    api(alice).patch("/me", {"username": "alicia"})
    console.post(reverse("admin:organizations_organization_add"), {"name": "new"})
    doors = dict(AuditEntry.objects.values_list("action", "channel"))
    assert (doors["account.changed"], doors["organization.created"]) == ("api", "console")
    record(actor_id=alice.pk, action="command.run")
    assert AuditEntry.objects.get(action="command.run").channel == ""


def test_a_line_about_no_organization_is_superusers_alone(api, alice, lab):
    for organization_id in (None, lab.pk):
        record(actor_id=alice.pk, action="something.done", organization_id=organization_id)
    assert [entry.organization_id for entry in AuditEntry.objects.visible_to(alice)] == [lab.pk]
    assert not AuditEntry.objects.visible_to(AnonymousUser()).exists()
