"""Probes: what they ask, and what they tell to whom."""

import pytest

from scheduling import heartbeat

pytestmark = pytest.mark.django_db


def test_healthz_asks_nobody(client, django_assert_num_queries, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"status": "ok"}


def test_readyz_tells_anybody_only_whether_it_is_ready(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readyz_is_503_without_the_broker(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})


def test_staff_see_each_check_and_the_age_of_the_last_cycle(client, admin_user):
    heartbeat.beat()
    client.force_login(admin_user)
    answer = client.get("/readyz").json()
    assert answer["database"] == answer["broker"] == "ok"
    assert 0 <= answer["seconds_since_last_cycle"] < 60


def test_staff_may_show_a_token_instead_of_a_session(api, admin_user, alice):
    assert "database" in api(admin_user).get("/readyz").json()
    assert "database" not in api(alice).get("/readyz").json()


def test_a_bad_token_does_not_spoil_the_probe(client):
    assert client.get("/readyz", headers={"Authorization": "Bearer nonsense"}).status_code == 200
