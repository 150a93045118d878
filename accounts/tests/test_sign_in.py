"""POST /token with a password."""

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import MD5PasswordHasher

from accounts.errors import NotSignedIn
from accounts.services import sign_in
from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


class CountingHasher(MD5PasswordHasher):
    """Counts how often it was made to work."""

    algorithm = "counting"
    runs = 0

    def encode(self, password, salt):
        type(self).runs += 1
        return super().encode(password, salt)


def test_a_form_and_json_answer_a_pair_that_must_not_be_cached(api, alice):
    form = f"grant_type=password&username=alice&password={PASSWORD.replace(' ', '+')}&scope=&client_id="
    for answer in (
        api().generic("POST", "/token", form, content_type=FORM),
        api().post("/token", {"username": "alice", "password": PASSWORD}),
    ):
        assert answer.status_code == 200, answer.content
        assert answer.json().keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
        assert answer.json()["token_type"] == "bearer"
        assert answer.json()["expires_in"] == 1800
        assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_access_token_opens_me_in_whatever_case_the_scheme_is_written(api, alice, scheme):
    token = api().post("/token", {"username": "alice", "password": PASSWORD}).json()["access_token"]
    answer = api().get("/me", HTTP_AUTHORIZATION=f"{scheme} {token}")
    assert answer.json()["username"] == "alice"


@pytest.mark.parametrize("name", ["alice", "ALICE", "ａｌｉｃｅ"])
def test_a_name_is_the_same_in_whatever_case_or_form(api, alice, name):
    assert api().post("/token", {"username": name, "password": PASSWORD}).status_code == 200


def test_a_password_that_is_hashed_anew_at_sign_in_gives_tokens_that_are_good(api, alice, settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher", *settings.PASSWORD_HASHERS]
    tokens = api().post("/token", {"username": "alice", "password": PASSWORD}).json()
    alice.refresh_from_db()
    assert alice.password.startswith("counting$")
    assert api().get("/me", HTTP_AUTHORIZATION=f"Bearer {tokens['access_token']}").status_code == 200
    renewal = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert api().post("/token", renewal).status_code == 200


def test_a_password_that_changes_during_the_sign_in_is_refused(alice, rf, monkeypatch):
    proved = ModelBackend.authenticate

    def and_then_it_changes(*args, **options):
        user = proved(*args, **options)
        alice.set_password("another good password")
        alice.save()
        return user

    monkeypatch.setattr(ModelBackend, "authenticate", and_then_it_changes)
    with pytest.raises(NotSignedIn):
        sign_in(username="alice", password=PASSWORD, request=rf.post("/token"))


def test_unknown_wrong_and_deactivated_answer_alike_in_words_and_work(api, alice, settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    alice.set_password(PASSWORD)
    alice.save()
    UserFactory(username="gone", is_active=False, password=PASSWORD)
    seen = set()
    for name, password in (("alice", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("gone", "wrong")):
        CountingHasher.runs = 0
        answer = api().post("/token", {"username": name, "password": password})
        seen.add((answer.status_code, answer.content, answer["WWW-Authenticate"], CountingHasher.runs))
    (only,) = seen
    assert (only[0], only[2], only[3]) == (401, "Bearer", 1)
    assert answer.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "username"),
        ({"username": "alice"}, "password"),
        ({"username": "alice", "password": ""}, "password"),
        ({"username": 1, "password": "x"}, "username"),
        ({"username": "alice", "password": {}}, "password"),
        ({"grant_type": "refresh_token"}, "refresh_token"),
        ({"grant_type": "client_credentials"}, "grant_type"),
        ({"grant_type": {}, "username": "alice", "password": "x"}, "grant_type"),
    ],
)
def test_what_is_missing_or_of_a_wrong_type_is_named(api, body, field):
    answer = api().post("/token", body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_failures_at_token_do_not_lock_the_console(api, client, alice):
    alice.is_staff = alice.is_superuser = True
    alice.save()
    for _ in range(12):
        assert api().post("/token", {"username": "alice", "password": "wrong"}).status_code == 401
    answer = client.post("/admin/login/", {"username": "alice", "password": PASSWORD})
    assert answer.status_code == 302
