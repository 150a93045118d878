"""A body is here as a whole before web is asked: who sends slowly, too much or nothing keeps others from nothing."""

import asyncio
import json

import pytest

from hypervisor.stream import bodies, room, upstream
from hypervisor.stream.bodies import MOST_BODY_BYTES
from hypervisor.stream.front import Front
from hypervisor.stream.upstream import Upstream

from .fake_web import Client, FakeWeb, answer

HOST = {"host": "gpu.example.com"}


def posts(*pieces, length=None, **headers):
    sized = {"transfer__encoding": "chunked"} if length is None else {"content__length": str(length)}
    return Client(*pieces, method="POST", path="/token", **sized, **HOST, **headers)


class Trickle(Client):
    """Sends some pieces, and then no more, for all that it promised."""

    async def receive(self):
        if self.pieces:
            return {"type": "http.request", "body": self.pieces.pop(0), "more_body": True}
        return await super().receive()


def trickle(*pieces, length):
    return Trickle(*pieces, method="POST", path="/token", content__length=str(length), **HOST)


def with_front(tmp_path, scene):
    """Runs the scene with a front before a web that answers everything at once."""

    async def whole():
        async with FakeWeb(str(tmp_path / "web.sock"), answer(b"done")) as web:
            return await asyncio.wait_for(scene(Front(Upstream(web.address), {}, proof=""), web), 20)

    return asyncio.run(whole())


def sending(front, *clients):
    return [asyncio.create_task(one.ask(front)) for one in clients]


def test_who_promises_a_body_and_sends_none_keeps_nobody_from_web(tmp_path, monkeypatch):
    monkeypatch.setattr(upstream, "CONNECTIONS", 2)
    monkeypatch.setattr(upstream, "WAIT_SECONDS", 0.2)

    async def scene(front, web):
        waiting = sending(front, *[trickle(length=100) for _ in range(5)])
        await asyncio.sleep(0.05)
        healthy = await Client(path="/healthz", **HOST).ask(front)
        assert (healthy.status, healthy.body) == (200, b"done")
        assert len(web.requests) == 1
        for task in waiting:
            task.cancel()

    with_front(tmp_path, scene)


@pytest.mark.parametrize(("piece_seconds", "whole_seconds"), [(0.05, 60), (60, 0.05)])
def test_a_body_that_does_not_come_is_a_408_that_says_what_to_do(
    tmp_path, monkeypatch, piece_seconds, whole_seconds
):
    monkeypatch.setattr(bodies, "PIECE_SECONDS", piece_seconds)
    monkeypatch.setattr(bodies, "WHOLE_SECONDS", whole_seconds)

    async def scene(front, web):
        slow = await trickle(b"user", length=100).ask(front)
        assert (slow.status, slow.header("content-type")) == (408, "application/problem+json")
        assert "Send the request again" in json.loads(slow.body)["detail"]
        assert slow.header("connection") == "close"
        assert web.requests == []

    with_front(tmp_path, scene)


def test_a_body_beyond_the_limit_is_a_413_before_web_is_asked(tmp_path):
    async def scene(front, web):
        told = trickle(length=MOST_BODY_BYTES + 1)
        untold = posts(b"x" * MOST_BODY_BYTES, b"x")
        for client in (told, untold):
            await client.ask(front)
            assert client.status == 413
            assert str(MOST_BODY_BYTES) in json.loads(client.body)["detail"]
        assert web.requests == []

    with_front(tmp_path, scene)


def test_a_body_of_just_the_limit_arrives(tmp_path):
    async def scene(front, web):
        client = await posts(b"x" * MOST_BODY_BYTES, length=MOST_BODY_BYTES).ask(front)
        assert client.status == 200
        assert len(web.requests[0][1]) == MOST_BODY_BYTES

    with_front(tmp_path, scene)


def test_many_large_bodies_at_once_are_refused_and_small_ones_never(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "SMALL_BYTES", 10)
    monkeypatch.setattr(room, "ALL_BYTES", 100)

    async def scene(front, web):
        holding = sending(front, trickle(b"x" * 105, length=200))
        await asyncio.sleep(0.05)
        large = await posts(b"x" * 20, length=20).ask(front)
        small = await posts(b"x" * 10, length=10).ask(front)
        assert (large.status, small.status) == (503, 200)
        holding[0].cancel()
        await asyncio.wait(holding)
        again = await posts(b"x" * 20, length=20).ask(front)
        assert again.status == 200, "what is no longer held counts no more"

    with_front(tmp_path, scene)


def test_who_goes_in_the_middle_of_a_body_is_answered_nothing(tmp_path):
    async def scene(front, web):
        client = trickle(b"x", length=100)
        client.gone.set()
        await client.ask(front)
        assert (client.status, web.requests) == (None, [])

    with_front(tmp_path, scene)
