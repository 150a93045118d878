"""The console locks a name from one address after too many failures, and neither the name nor the address alone."""

import pytest

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


def test_dora_is_not_locked_out_of_the_api(client, api):
    assert locked_out(client)
    assert api().post("/token", {"username": "dora", "password": PASSWORD}).status_code == 200


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(client, settings):
    settings.NUM_PROXIES = 1
    assert locked_out(client, HTTP_X_FORWARDED_FOR="203.0.113.1, 192.0.2.7")
    assert sign_in(client, "dora", HTTP_X_FORWARDED_FOR="192.0.2.8") == 302
    assert sign_in(client, "dora", HTTP_X_FORWARDED_FOR="203.0.113.2, 192.0.2.7") == 429
