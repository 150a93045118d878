"""The live stream: messages, and going on after a broken connection."""

from itertools import islice

import pytest

from hypervisor_client import Client, Event, NotFound, Retries, Unavailable, Unreachable
from hypervisor_client.sse import LONGEST_PAUSE, Message, messages

from .local_server import DROP, local_server

QUICK = Retries(attempts=2, first_pause=0.01)
STREAM = {"Content-Type": "text/event-stream"}
FIRST = """retry: 10

: ready

id: 41
event: deployment
data: {"kind": "running", "deployment_id": 12, "cluster_id": 3, "organization_id": 1, "at": "2026-01-01T00:00:00Z",
data:  "source": "runtime", "data": {"to": "running"}, "status": "running"}

: alive

id: 42
event: clus"""
SECOND = """: ready

id: 43
event: reset
data: {}

event: cluster
data: {"kind": "paused", "cluster_id": 3, "of_tomorrow": 1}

event: broken
data: no json

"""


def client_of(server):
    return Client(server.url, "t", retries=QUICK)


def test_lines_become_messages_and_half_a_one_is_dropped():
    assert list(messages(FIRST.split("\n"))) == [
        Message(retry=10),
        Message(comment="ready"),
        Message(
            "deployment",
            '{"kind": "running", "deployment_id": 12, "cluster_id": 3, "organization_id": 1, '
            '"at": "2026-01-01T00:00:00Z",\n "source": "runtime", "data": {"to": "running"}, "status": "running"}',
            "41",
            None,
        ),
        Message(comment="alive"),
    ]


def test_a_stream_goes_on_where_it_was():
    answers = [(200, FIRST, STREAM), DROP, (503, {}), (200, SECOND, STREAM)]
    with local_server(*answers) as server, client_of(server) as client:
        found = list(islice(client.events(cluster_id=3), 5))
    assert [(one.topic, one.kind) for one in found] == [
        ("ready", ""), ("deployment", "running"), ("ready", ""), ("reset", ""), ("cluster", "paused"),
    ]  # fmt: skip
    assert isinstance(found[1], Event)
    assert (found[1].deployment_id, found[1].status, found[1].data) == (12, "running", {"to": "running"})
    assert {asked.path for asked in server.asked} == {"/events?cluster=3"}
    # 42 came without its message: it was not received.
    assert [asked.headers.get("Last-Event-ID") for asked in server.asked] == [None, "41", "41", "41"]


def test_a_quiet_stream_goes_on_where_it_was():
    first, then = ": ready\nid: 41\n\n", ": ready\nid: 42\n\n: alive\nid: 43\n\n: alive\nid: 44"
    streams = [(200, f"retry: 10\n\n{told}", STREAM) for told in (first, then, SECOND)]
    with local_server(*streams) as server, client_of(server) as client:
        found = [one.topic for one in islice(client.events(), 4)]
    assert found == ["ready", "ready", "ready", "reset"]
    # 44 came without the end of its block.
    assert [asked.headers.get("Last-Event-ID") for asked in server.asked] == [None, "41", "43"]


def test_a_stream_outlasts_a_service_that_is_away_for_days(monkeypatch):
    pauses = []
    monkeypatch.setattr("hypervisor_client.sse.time.sleep", pauses.append)
    with local_server((200, ": ready\n\n", STREAM), DROP) as server:
        client = Client(server.url, "t", retries=Retries(attempts=1))
        events = client.events()
        assert next(events).topic == "ready"
        transport, stream, failures = client._transport, client._transport.stream, []

        def away(*args, **more):
            if len(failures) == 2000:
                server.answers[:] = [(200, SECOND, STREAM)]
                return stream(*args, **more)
            failures.append(args)
            raise Unreachable("Nobody is there.")

        monkeypatch.setattr(transport, "stream", away)
        assert next(events).topic == "ready"
        client.close()
    assert max(pauses) == LONGEST_PAUSE


def test_a_service_without_a_stream_says_so():
    refusal = (404, {"detail": "There is no such path."})
    with local_server(refusal) as server, client_of(server) as client, pytest.raises(NotFound):
        next(client.events())


def test_a_stream_that_never_stood_is_not_waited_for():
    refusal = (503, {"detail": "busy"})
    with local_server(refusal) as server, client_of(server) as client, pytest.raises(Unavailable):
        next(client.events())
