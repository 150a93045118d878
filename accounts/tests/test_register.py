"""POST /register."""

import pytest

from accounts.models import User
from accounts.tests.factories import PASSWORD
from accounts.tests.races import at_once

pytestmark = pytest.mark.django_db
NEW = {"username": "dora", "password": PASSWORD, "email": "dora@example.org"}


def wrong_fields(answer):
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    return [error["field"] for error in answer.json()["errors"]]


def test_the_answer_is_the_user_without_the_password(api):
    answer = api().post("/register", NEW)
    assert answer.status_code == 201
    assert answer.json().keys() == {"id", "username", "email", "created_at"}
    assert answer.json()["username"] == "dora"
    assert PASSWORD not in answer.content.decode()


def test_passwords_are_stored_by_argon2(api, settings):
    settings.PASSWORD_HASHERS = settings.PASSWORD_HASHERS[1:]
    assert api().post("/register", NEW).status_code == 201
    assert User.objects.get(username="dora").password.startswith("argon2$argon2id$")


def test_the_email_is_optional_and_many_have_none(api):
    for name, email in (("dora", {}), ("emil", {"email": None}), ("fred", {"email": ""})):
        answer = api().post("/register", {"username": name, "password": PASSWORD} | email)
        assert (answer.status_code, answer.json()["email"]) == (201, None)


@pytest.mark.parametrize("name", ["alice", "ALICE", "ａｌｉｃｅ"])
def test_a_taken_name_is_told_in_whatever_case_or_form(api, alice, name):
    answer = api().post("/register", NEW | {"username": name})
    assert wrong_fields(answer) == ["username"]
    assert "taken" in answer.json()["detail"]


def test_a_taken_email_is_told_in_whatever_case(api, alice):
    answer = api().post("/register", NEW | {"email": alice.email.upper()})
    assert wrong_fields(answer) == ["email"]


def test_a_name_like_a_constraint_does_not_confuse_the_refusal(api, alice):
    name = "email_unique_whatever_case"
    assert api().post("/register", NEW | {"username": name}).status_code == 201
    assert wrong_fields(api().post("/register", {"username": name, "password": PASSWORD})) == ["username"]


@pytest.mark.parametrize("password", ["short1!", "password123", "1234567890123", "dora@example.org"])
def test_weak_passwords_are_refused_with_the_reason(api, password):
    assert wrong_fields(api().post("/register", NEW | {"password": password})) == ["password"]
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": 7}, "username"),
        ({"username": None}, "username"),
        ({"username": ["dora"]}, "username"),
        ({"username": ""}, "username"),
        ({"username": "do ra"}, "username"),
        ({"username": "do\0ra"}, "username"),
        ({"username": "d" * 151}, "username"),
        ({"username": "ﷺ" * 149}, "username"),
        ({"password": True}, "password"),
        ({"password": "correct\0horse battery"}, "password"),
        ({"password": "p" * 1025}, "password"),
        ({"email": "nowhere"}, "email"),
        ({"email": {}}, "email"),
        ({"email": f"{'e' * 250}@example.org"}, "email"),
        ({"is_superuser": True}, "is_superuser"),
        ({"session_version": 0}, "session_version"),
    ],
)
def test_wrong_input_is_named_and_writes_nothing(api, change, field):
    assert wrong_fields(api().post("/register", NEW | change)) == [field]
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_register_one_name_at_once_one_gets_it(api):
    answers = at_once(*[lambda: api().post("/register", {"username": "dora", "password": PASSWORD})] * 4)
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
    assert User.objects.count() == 1
