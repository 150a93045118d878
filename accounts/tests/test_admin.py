"""Persons and the audit log in the console."""

from importlib import import_module

import pytest
from django.contrib import admin
from django.db import connection
from django.urls import reverse

from accounts import sessions
from accounts.models import AuditEntry, User
from accounts.tests.factories import PASSWORD

NEW_PASSWORD = "quite another battery"
ADDRESS = "203.0.113.9"


def change_page(user):
    return reverse("admin:accounts_user_change", args=[user.pk])


def form_of(user, **changes):
    fields = {"username": user.username, "email": user.email, "is_active": "on"}
    if user.is_superuser:
        fields |= {"is_staff": "on", "is_superuser": "on"}
    return {name: value for name, value in (fields | changes).items() if value is not None}


def audited(action):
    return AuditEntry.objects.get(action=action)


def test_an_operator_adds_a_user_who_can_sign_in(console, api):
    fields = {"username": "dora", "email": "dora@example.org", "password1": PASSWORD, "password2": PASSWORD}
    console.post(reverse("admin:accounts_user_add"), fields | {"usable_password": "true"})
    assert api().post("/token", {"username": "dora", "password": PASSWORD}).status_code == 200
    entry = audited("user.created")
    assert entry.target == f"user:{User.objects.get(username='dora').pk}"
    assert entry.detail["new"] == {"username": "dora", "email": "dora@example.org"}


def test_passwords_that_were_once_written_into_the_log_are_forgotten(operator):
    written = {"username": "dora", "password1": PASSWORD, "password2": PASSWORD}
    AuditEntry.objects.create(
        actor=operator, action="user.created", target="user:7", detail={"old": {}, "new": written}
    )
    forget = import_module("accounts.migrations.0006_no_passwords_in_audit").FORGET
    with connection.cursor() as cursor:
        cursor.execute(forget)
    assert audited("user.created").detail == {"old": {}, "new": {"username": "dora"}}


def test_a_deactivated_user_is_out_from_the_next_request_on(
    console, api, alice, django_capture_on_commit_callbacks
):
    browser = api(alice)
    assert browser.get("/me").status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        console.post(change_page(alice), form_of(alice, is_active=None))
    assert browser.get("/me").status_code == 401
    assert sessions.current(alice.pk).version == 0
    assert audited("user.changed").detail["new"] == {"is_active": "False"}


def test_a_password_set_in_the_console_ends_the_sessions_and_is_not_in_the_log(
    console, api, alice, django_capture_on_commit_callbacks
):
    browser = api(alice)
    with django_capture_on_commit_callbacks(execute=True):
        console.post(
            reverse("admin:auth_user_password_change", args=[alice.pk]),
            {
                "password1": NEW_PASSWORD,
                "password2": NEW_PASSWORD,
                "set-password": "",
                "usable_password": "true",
            },
        )
    assert browser.get("/me").status_code == 401
    assert api().post("/token", {"username": "alice", "password": NEW_PASSWORD}).status_code == 200
    assert audited("user.password_set").detail == {}


def test_an_operator_cannot_lock_themselves_out(console, operator):
    for field in ("is_active", "is_superuser"):
        answer = console.post(change_page(operator), form_of(operator, **{field: None}))
        assert "Ask another superuser" in answer.content.decode()
    operator.refresh_from_db()
    assert operator.is_active
    assert operator.is_superuser


def test_nobody_is_deleted_in_the_console(console, alice):
    assert (
        console.post(reverse("admin:accounts_user_delete", args=[alice.pk]), {"post": "yes"}).status_code
        == 403
    )
    assert User.objects.filter(pk=alice.pk).exists()


@pytest.mark.parametrize("page", ["auditentry", "refreshfamily"])
def test_history_is_read_only(console, alice, page):
    AuditEntry.objects.create(actor=alice, action="account.changed")
    assert console.get(reverse(f"admin:accounts_{page}_add")).status_code == 403
    assert b'name="action"' not in console.get(reverse(f"admin:accounts_{page}_changelist")).content


def test_the_audit_log_knows_where_a_change_came_from(console, alice):
    console.post(change_page(alice), form_of(alice, email="new@example.org"), REMOTE_ADDR=ADDRESS)
    entry = audited("user.changed")
    assert entry.address == ADDRESS
    assert entry.actor.username == "operator"
    assert entry.detail == {"old": {"email": "alice@example.org"}, "new": {"email": "new@example.org"}}


def test_the_audit_log_refuses_to_be_edited(console, alice):
    entry = AuditEntry.objects.create(actor=alice, action="account.changed")
    address = reverse("admin:accounts_auditentry_change", args=[entry.pk])
    assert console.post(address, {"action": "nothing"}).status_code == 403
    entry.refresh_from_db()
    assert entry.action == "account.changed"


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ({"old": {"total_gpu": 8000}, "new": {"total_gpu": 16_000}}, "total_gpu 8 GPUs → 16 GPUs"),
        ({"old": "lab", "new": "new lab"}, "lab → new lab"),
        ({"preempted": 0, "scheduled": 3}, "preempted 0, scheduled 3"),
        ({"old": {"env": 1}, "new": {}, "hidden": []}, ""),
        ({}, ""),
    ],
)
def test_a_line_of_the_audit_log_is_told_in_words(console, detail, told):
    AuditEntry.objects.create(action="cluster.changed", target="cluster:7", detail=detail)
    entry = AuditEntry.objects.get()
    page = admin.site._registry[AuditEntry]
    assert page.told(entry).replace("\N{NO-BREAK SPACE}", " ") == told
    assert console.get(reverse("admin:accounts_auditentry_changelist")).status_code == 200


def test_the_history_of_a_row_is_what_the_audit_log_says_of_it(console, alice, bob):
    console.post(change_page(alice), form_of(alice, email="new@example.org"))
    console.post(change_page(bob), form_of(bob, email="other@example.org"))
    answer = console.get(reverse("admin:accounts_user_history", args=[alice.pk]), follow=True)
    assert [entry.target for entry in answer.context["cl"].result_list] == [f"user:{alice.pk}"]
