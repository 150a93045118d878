"""What ends a session holds from the next request on, whoever does it and whether or not Redis is there."""

import socket
from io import StringIO

import pytest
from django.contrib.auth.management.commands import changepassword
from django.core.cache import cache, caches
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from accounts import sessions
from accounts.models import User
from accounts.tests.factories import PASSWORD
from accounts.tokens import issue

pytestmark = pytest.mark.django_db(transaction=True)
NEW_PASSWORD = "another battery staple"


@pytest.fixture
def signed_in(api, alice):
    """Alice's client, whose session is in the cache."""
    client = api(alice)
    assert client.get("/me").status_code == 200
    return client


def sign_in(api, password):
    return api().post("/token", {"username": "alice", "password": password})


def test_a_new_password_ends_every_session_and_only_the_new_one_signs_in(api, alice, signed_in):
    other = api(alice)
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert signed_in.post("/me/password", body).status_code == 204
    for client in (signed_in, other):
        answer = client.get("/me")
        assert answer.status_code == 401
        assert "Sign in again" in answer.json()["detail"]
    assert sign_in(api, PASSWORD).status_code == 401
    assert sign_in(api, NEW_PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"current_password": "wrong"}, "current_password"),
        ({"new_password": "short"}, "new_password"),
        ({"new_password": "alice@example.org"}, "new_password"),
        ({"new_password": None}, "new_password"),
        ({"new_password": 7}, "new_password"),
        ({"username": "bob"}, "username"),
    ],
)
def test_a_refused_password_is_named_and_ends_nothing(signed_in, change, field):
    answer = signed_in.post(
        "/me/password", {"current_password": PASSWORD, "new_password": NEW_PASSWORD} | change
    )
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert signed_in.get("/me").status_code == 200


def deactivated_by_save(alice):
    alice.is_active = False
    alice.save()


def password_by_save(alice):
    alice.set_password(NEW_PASSWORD)
    alice.save()


def password_by_command(alice):
    command = changepassword.Command(stdout=StringIO())
    command._get_pass = lambda prompt="": NEW_PASSWORD
    call_command(command, "alice")


@pytest.mark.parametrize("change", [deactivated_by_save, password_by_save, password_by_command])
def test_a_change_outside_of_the_services_holds_from_the_next_request_on(alice, signed_in, change):
    change(alice)
    assert signed_in.get("/me").status_code == 401


@pytest.mark.parametrize("column", ["password = 'x'", "is_active = false"])
def test_a_change_in_sql_holds_once_the_cache_has_forgotten(alice, signed_in, column):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE accounts_user SET {column} WHERE id = %s", [alice.pk])
    assert sessions.CACHE_SECONDS <= 30
    caches["default"].delete(f"session:{alice.pk}")
    assert signed_in.get("/me").status_code == 401


def test_who_is_activated_again_signs_in_anew_and_old_sessions_stay_ended(api, alice, signed_in):
    deactivated_by_save(alice)
    assert sign_in(api, PASSWORD).status_code == 401
    alice.is_active = True
    alice.save()
    assert signed_in.get("/me").status_code == 401
    assert sign_in(api, PASSWORD).status_code == 200


def test_saving_an_old_copy_of_a_user_revives_no_session(alice, signed_in):
    old = User.objects.get(pk=alice.pk)
    password_by_save(alice)
    ended = User.objects.get(pk=alice.pk).session_version
    old.save(update_fields=["session_version"])
    assert User.objects.get(pk=alice.pk).session_version == ended
    assert signed_in.get("/me").status_code == 401


def test_other_changes_end_no_session(alice, signed_in):
    assert signed_in.patch("/me", {"username": "alicia"}).status_code == 200
    assert signed_in.get("/me").json()["username"] == "alicia"
    assert sessions.current(alice.pk).username == "alicia"


class SlowCache:
    """A cache before whose first write another change happens, whole."""

    def __init__(self, meanwhile):
        self.meanwhile = [meanwhile]

    def set(self, *args):
        if self.meanwhile:
            self.meanwhile.pop()()
        cache.set(*args)

    def __getattr__(self, name):
        return getattr(cache, name)


def test_a_slow_writer_leaves_the_newest_version_in_the_cache(alice, signed_in, monkeypatch):
    monkeypatch.setattr(sessions, "cache", SlowCache(lambda: password_by_save(alice)))
    User.objects.get(pk=alice.pk).save(update_fields=["email"])
    assert sessions.current(alice.pk) == sessions.stored(alice.pk)
    assert signed_in.get("/me").status_code == 401


def test_a_slow_reader_does_not_overwrite_what_a_change_wrote(alice, signed_in):
    old = (1, "alice", False, False)
    password_by_save(alice)
    assert not cache.add(f"session:{alice.pk}", old, 30)
    assert signed_in.get("/me").status_code == 401


@pytest.fixture
def redis_away(settings):
    """A cache address where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    away = settings.CACHES["default"] | {"LOCATION": f"redis://127.0.0.1:{port}/0"}
    return override_settings(CACHES={"default": away})


def test_without_redis_sessions_are_read_from_the_database(api, alice, redis_away):
    with redis_away:
        client = api(alice)
        assert client.get("/me").status_code == 200
        password_by_save(alice)
        assert client.get("/me").status_code == 401
        assert sign_in(api, NEW_PASSWORD).status_code == 200


def test_what_ended_while_redis_was_away_is_never_renewed_and_soon_forgotten(
    api, alice, signed_in, redis_away
):
    token = issue(user=alice)["refresh_token"]
    with redis_away:
        password_by_save(alice)
    # The cache still has what it knew, and nobody can have told it: that is what its short life is for.
    assert signed_in.get("/me").status_code == 200
    assert 0 < seconds_left(f"session:{alice.pk}") <= 30
    assert api().post("/token", {"grant_type": "refresh_token", "refresh_token": token}).status_code == 401


def seconds_left(key):
    cache = caches["default"]
    return cache._cache.get_client().ttl(cache.make_key(key))


def test_a_token_of_a_deleted_user_is_a_401(api, charlie):
    client = api(charlie)
    User.objects.filter(pk=charlie.pk).delete()
    assert client.get("/me").status_code == 401
