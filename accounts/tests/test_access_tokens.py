"""What is no good access token is a 401 that says what to do, never more."""

import base64
from datetime import UTC, datetime, timedelta

import jwt
import orjson
import pytest
from django.conf import settings
from rest_framework_simplejwt.tokens import AccessToken

from accounts.tokens import issue

pytestmark = pytest.mark.django_db


def claims(user, **changes):
    good = jwt.decode(issue(user=user)["access_token"], options={"verify_signature": False})
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(payload, key=None, algorithm="HS256"):
    return jwt.encode(payload, settings.SECRET_KEY if key is None else key, algorithm=algorithm)


def part(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def with_header(token, **header):
    _, payload, signature = token.split(".")
    return f"{part(orjson.dumps(header))}.{payload}.{signature}"


def past(**ago):
    return int((datetime.now(UTC) - timedelta(**(ago or {"seconds": 5}))).timestamp())


TOKENS = {
    "expired": lambda user: signed(claims(user, exp=past())),
    "without an end": lambda user: signed(claims(user, exp=None)),
    "another issuer": lambda user: signed(claims(user, iss="somebody else")),
    "no issuer": lambda user: signed(claims(user, iss=None)),
    "a refresh token": lambda user: issue(user=user)["refresh_token"],
    "of another type": lambda user: signed(claims(user, token_type="sliding")),
    "without a type": lambda user: signed(claims(user, token_type=None)),
    "another key": lambda user: signed(claims(user), key="k" * 48),
    "another algorithm": lambda user: signed(claims(user), algorithm="HS512"),
    "no algorithm": lambda user: signed(claims(user), key="", algorithm="none"),
    "none in the header": lambda user: with_header(signed(claims(user)), alg="none", typ="JWT"),
    "no version": lambda user: signed(claims(user, sv=None)),
    "version of words": lambda user: signed(claims(user, sv="one")),
    "another version": lambda user: signed(claims(user, sv=2)),
    "version nought": lambda user: signed(claims(user, sv=0)),
    "nobody's": lambda user: signed(claims(user, sub="999999999")),
    "nobody's, version nought": lambda user: signed(claims(user, sub="999999999", sv=0)),
    "a huge id": lambda user: signed(claims(user, sub="9" * 40)),
    "no id": lambda user: signed(claims(user, sub="alice")),
    "cut off": lambda user: signed(claims(user))[:-3],
    "words": lambda user: "not-a-token",
    "dots": lambda user: "...",
    "deep": lambda user: f"{part(b'[' * 3000)}.{part(b'{}')}.x",
    "not ascii": lambda user: "tökën",
}


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_that_is_not_good_is_a_401_problem(api, alice, kind):
    answer = api().get("/me", HTTP_AUTHORIZATION=f"Bearer {TOKENS[kind](alice)}")
    assert answer.status_code == 401, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert "/token" in answer.json()["detail"]


@pytest.mark.parametrize("kind", [kind for kind in TOKENS if kind != "a refresh token"])
def test_nor_does_it_renew_anything(api, alice, kind):
    answer = api().post("/token", {"grant_type": "refresh_token", "refresh_token": TOKENS[kind](alice)})
    assert answer.status_code == 401, answer.content


def test_the_forgeries_differ_from_a_good_token_only_in_what_they_name(api, alice):
    answer = api().get("/me", HTTP_AUTHORIZATION=f"Bearer {signed(claims(alice))}")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer a b", "Basic YWxpY2U6eA==", "Token x", "nonsense", "é"]
)
def test_a_header_of_another_form_is_a_401_problem(api, header):
    answer = api().get("/me", HTTP_AUTHORIZATION=header)
    assert answer.status_code == 401, answer.content
    assert answer["WWW-Authenticate"].startswith("Bearer")


STILL = {settings.STILL_MARK: True}


def test_an_answer_that_is_still_being_given_outlives_the_token_that_it_was_asked_for_with(api, alice):
    expired = signed(claims(alice, exp=past(days=13)))
    assert api().get("/me", HTTP_AUTHORIZATION=f"Bearer {expired}", **STILL).status_code == 200
    assert api().get("/me", HTTP_AUTHORIZATION=f"Bearer {expired}").status_code == 401


@pytest.mark.parametrize("kind", [kind for kind in TOKENS if kind != "expired"])
def test_but_no_token_that_was_never_good(api, alice, kind):
    answer = api().get("/me", HTTP_AUTHORIZATION=f"Bearer {TOKENS[kind](alice)}", **STILL)
    assert answer.status_code == 401, answer.content


def test_nor_longer_than_a_session_lasts_without_being_renewed(api, alice):
    expired = signed(claims(alice, exp=past(days=15)))
    assert api().get("/me", HTTP_AUTHORIZATION=f"Bearer {expired}", **STILL).status_code == 401


def test_without_a_header_the_answer_is_401_on_every_signed_in_call(api):
    for path in ("/me", "/organizations", "/organizations/1", "/organizations/1/members", "/me/password"):
        assert api().get(path).status_code == 401
    for path in ("/join-organization", "/organizations", "/me/password"):
        assert api().post(path, {}).status_code == 401


def test_the_algorithm_is_pinned():
    assert AccessToken().token_backend.algorithm == "HS256"
    assert jwt.get_unverified_header(str(AccessToken()))["alg"] == "HS256"
