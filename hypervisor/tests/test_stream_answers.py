"""A client that reads slowly, or not at all, keeps no connection to web from others."""

import asyncio

import pytest

from hypervisor.stream import answers, room, upstream
from hypervisor.stream.front import Front
from hypervisor.stream.upstream import Upstream

from .fake_web import Client, FakeWeb, answer

HOST = {"host": "gpu.example.com"}
LONG = 300_000


@pytest.fixture(autouse=True)
def two_connections(monkeypatch):
    monkeypatch.setattr(upstream, "CONNECTIONS", 2)
    monkeypatch.setattr(upstream, "WAIT_SECONDS", 0.2)
    monkeypatch.setattr(answers, "LONG_AT_ONCE", 1)


def with_front(tmp_path, scene, *given):
    """Runs the scene with a front before a web that gives these answers, the last one for ever."""

    async def whole():
        async with FakeWeb(str(tmp_path / "web.sock"), *given) as web:
            return await asyncio.wait_for(scene(Front(Upstream(web.address), {}, proof=""), web), 20)

    return asyncio.run(whole())


async def stuck(front, number):
    """Clients that take the first piece of their answer, and nothing behind it."""
    clients = [Client(**HOST) for _ in range(number)]
    for one in clients:
        one.slow = asyncio.Event()
    tasks = [asyncio.create_task(one.ask(front)) for one in clients]
    await asyncio.sleep(0.2)
    return clients, tasks


def test_who_does_not_read_its_answer_keeps_nobody_from_web(tmp_path):
    async def scene(front, web):
        waiting, tasks = await stuck(front, 5)
        assert [0 < len(one.body) < LONG for one in waiting] == [True] * 5
        other = await Client(**HOST).ask(front)
        assert (other.status, len(other.body), other.is_whole) == (200, LONG, True)
        for one in waiting:
            one.slow.set()
        await asyncio.gather(*tasks)
        assert {(len(one.body), one.is_whole) for one in waiting} == {(LONG, True)}

    with_front(tmp_path, scene, answer(b"x" * LONG))


def test_who_takes_nothing_for_long_is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(answers, "SEND_SECONDS", 0.1)

    async def scene(front, web):
        (client,), tasks = await stuck(front, 1)
        await asyncio.gather(*tasks)
        assert (client.status, client.is_whole) == (200, False)

    with_front(tmp_path, scene, answer(b"x" * LONG))


@pytest.mark.parametrize("limit", [(answers, "AHEAD_BYTES"), (room, "ALL_BYTES")])
def test_answers_too_long_to_be_read_ahead_take_only_a_part_of_the_connections(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(*limit, 100_000)

    async def scene(front, web):
        (slow,), (task,) = await stuck(front, 1)
        long = await Client(**HOST).ask(front)
        short = await Client(**HOST).ask(front)
        assert (long.status, long.header("retry-after")) == (503, "1")
        assert (short.status, short.body) == (200, b"done")
        slow.slow.set()
        await task
        assert (len(slow.body), slow.is_whole) == (LONG, True)

    with_front(tmp_path, scene, answer(b"x" * LONG), answer(b"x" * LONG), answer(b"done"))


def test_what_was_sent_counts_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "ALL_BYTES", LONG)

    async def scene(front, web):
        for _ in range(3):
            assert (await Client(**HOST).ask(front)).is_whole
        assert front._answers._room.used == 0

    with_front(tmp_path, scene, answer(b"x" * LONG))
