"""Too many calls are a 429 problem with Retry-After, and only for who made them."""

import pytest
from django.conf import settings as django_settings

from accounts.tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}


@pytest.fixture(autouse=True)
def two_a_minute(settings):
    rest = django_settings.REST_FRAMEWORK
    settings.REST_FRAMEWORK = rest | {
        "DEFAULT_THROTTLE_RATES": dict.fromkeys(rest["DEFAULT_THROTTLE_RATES"], "2/min")
    }


def throttled(answer):
    if answer.status_code != 429:
        return False
    assert answer["Content-Type"] == "application/problem+json"
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert "Try again in" in answer.json()["detail"]
    return True


def sign_in(api, name="alice", **address):
    return api().post("/token", {"username": name, "password": "wrong"}, **address)


def test_register_counts_by_address(api):
    def register(name, **address):
        return api().post("/register", {"username": name, "password": PASSWORD}, **address)

    assert [register(name).status_code for name in ("dora", "emil")] == [201, 201]
    assert throttled(register("fred"))
    assert register("fred", **ELSEWHERE).status_code == 201


def test_token_counts_by_user_and_address_so_that_nobody_locks_another_out(api, alice, bob):
    assert [sign_in(api).status_code for _ in range(2)] == [401, 401]
    assert throttled(sign_in(api))
    assert throttled(sign_in(api, "ALICE"))
    assert throttled(sign_in(api, "ａｌｉｃｅ"))
    assert sign_in(api, "bob").status_code == 401
    assert sign_in(api, **ELSEWHERE).status_code == 401


def test_an_unknown_name_is_throttled_like_a_known_one(api, alice):
    for name in ("alice", "nobody"):
        assert [sign_in(api, name).status_code for _ in range(2)] == [401, 401]
        assert throttled(sign_in(api, name))


def test_renewals_of_many_behind_one_address_do_not_lock_each_other_out(api):
    def renew(token):
        return api().post("/token", {"grant_type": "refresh_token", "refresh_token": token})

    assert [renew(f"token {number}").status_code for number in range(4)] == [401] * 4
    assert renew("token 1").status_code == 401
    assert throttled(renew("token 1"))


def test_a_forwarded_address_is_not_believed_without_a_proxy(api, alice):
    answers = [sign_in(api, HTTP_X_FORWARDED_FOR=f"192.0.2.{number}") for number in range(3)]
    assert throttled(answers[-1])


def test_join_counts_by_user(api, alice, charlie):
    mine, other = api(alice), api(charlie)
    assert [mine.post("/join-organization", {"invite_code": "x"}).status_code for _ in range(2)] == [400, 400]
    assert throttled(mine.post("/join-organization", {"invite_code": "x"}, **ELSEWHERE))
    assert other.post("/join-organization", {"invite_code": "x"}).status_code == 400


def test_the_current_password_cannot_be_found_by_trying(api, alice):
    client, body = api(alice), {"current_password": "wrong", "new_password": "another battery staple"}
    assert [client.post("/me/password", body).status_code for _ in range(2)] == [400, 400]
    assert throttled(client.post("/me/password", body))


def test_asking_me_which_names_are_taken_is_slow_and_reading_is_free(api, alice, bob):
    client = api(alice)
    assert [client.patch("/me", {"username": "bob"}).status_code for _ in range(2)] == [400, 400]
    assert throttled(client.patch("/me", {"username": "bob"}))
    assert [client.get("/me").status_code for _ in range(5)] == [200] * 5
