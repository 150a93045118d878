"""Doors to engines are kept, and replaced when the connection is another one."""

import pytest

from accounts import secrets
from clusters.drivers import driver_for
from clusters.runtimes import doors, kubernetes_connection
from clusters.runtimes.doors import door
from clusters.runtimes.endpoints import Endpoint, Reach, Scheme
from clusters.tests.certificates import Authority

HERE = Endpoint(Scheme.UNIX, path="/nowhere/here.sock")
THERE = Endpoint(Scheme.UNIX, path="/nowhere/there.sock")
STAFF, TENANT = Reach(trusted=True), Reach()


def test_a_door_is_kept_until_the_connection_changes(monkeypatch):
    monkeypatch.setattr(doors, "_doors", type(doors._doors)())
    kept = door("a", HERE, STAFF)
    closed = []
    monkeypatch.setattr(kept, "close", lambda: closed.append("a"))
    assert door("a", HERE, STAFF) is kept
    assert door("b", HERE, STAFF) is not kept
    assert not closed
    # Who may no longer be reached, or with another token, is not reached over what was opened before.
    assert door("a", HERE, TENANT) is not kept
    assert closed == ["a"]
    assert door("a", THERE, TENANT) is not door("a", THERE, TENANT, bearer="token")


def test_the_least_used_door_goes_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(doors, "_doors", type(doors._doors)())
    monkeypatch.setattr(doors, "MOST_DOORS", 2)
    first, second = door("1", HERE, STAFF), door("2", HERE, STAFF)
    assert door("1", HERE, STAFF) is first
    door("3", HERE, STAFF)
    assert door("1", HERE, STAFF) is first
    assert door("2", HERE, STAFF) is not second


@pytest.mark.django_db
def test_a_pod_that_was_given_another_token_shows_that_one(monkeypatch, tmp_path, cluster):
    monkeypatch.setattr(doors, "_doors", type(doors._doors)())
    monkeypatch.setattr(kubernetes_connection, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    (tmp_path / "ca.crt").write_text(Authority().pem)
    cluster.runtime, cluster.connected_by_staff = "kubernetes", True
    cluster.connection = secrets.encrypt({"in_cluster": True})
    shown = []
    for token in ("first", "first", "second"):
        (tmp_path / "token").write_text(token)
        driver_for(cluster)
        shown.append(doors._doors[cluster.engine_id.hex])
    assert [key[2] for key, _ in shown] == ["first", "first", "second"]
    assert shown[0][1] is shown[1][1]
    assert shown[2][1] is not shown[1][1]
