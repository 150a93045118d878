"""Doors to engines are kept, and replaced when the connection is another one."""

from clusters.runtimes import doors
from clusters.runtimes.doors import door
from clusters.runtimes.endpoints import Endpoint, Reach, Scheme

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
