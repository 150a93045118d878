"""The stream process and a real Redis: many sessions over one connection, and workers that come and go."""

import asyncio
import os
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from deployments import log_protocol as words
from deployments.log_protocol import Session
from hypervisor.stream import hub as hubs
from hypervisor.stream import session as sessions
from hypervisor.stream import still as stills
from hypervisor.stream.follow import LogResponse
from hypervisor.stream.hub import Hub

from .fake_web import Client


@pytest.fixture(autouse=True)
def quick_and_alone(monkeypatch):
    """Other tests use the same Redis; and nobody wants to wait for leases."""
    monkeypatch.setattr(words, "ASKED", f"logs:asked:{uuid4().hex}")
    monkeypatch.setattr(words, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(hubs, "TICK_SECONDS", 0.05)


def with_hub(scene):
    """Runs the scene with a hub and a Redis of its own."""

    async def whole():
        url = os.environ["REDIS_URL"]
        redis = Redis.from_url(url)
        hub = Hub(redis=Redis.from_url(url), reading=Redis.from_url(url))
        try:
            return await asyncio.wait_for(scene(hub, redis), 20)
        finally:
            await hub.close()
            await redis.aclose()

    return asyncio.run(whole())


def key(*, follow=True, tail=100):
    return Session(1, tail, follow, uuid4().hex).key


async def tell(redis, name, *entries):
    for kind, data in entries:
        await redis.xadd(name, {"kind": kind, "data": data, "status": 502})


async def until(condition):
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come")


async def allowed():
    return 200


def followers(hub, name, number, still=allowed):
    clients = [Client() for _ in range(number)]
    tasks = [
        asyncio.create_task(LogResponse(hub)(name, [(b"x-request-id", b"7")], one.receive, one.send, still))
        for one in clients
    ]
    return clients, tasks


def test_many_follow_one_log_and_end_with_it():
    async def scene(hub, redis):
        name = key()
        clients, tasks = followers(hub, name, 20)
        await tell(redis, name, ("taken", ""), ("open", ""), ("data", "one\n"))
        await until(lambda: all(client.body == b"one\n" for client in clients))
        assert {client.status for client in clients} == {200}
        assert clients[0].header("content-type") == "text/plain; charset=utf-8"
        assert clients[0].header("cache-control") == "no-store"
        assert clients[0].header("x-request-id") == "7"
        await tell(redis, name, ("data", "two\n"), ("end", ""))
        await asyncio.gather(*tasks)
        assert {(client.body, client.is_whole) for client in clients} == {(b"one\ntwo\n", True)}
        assert hub.followers == 0

    with_hub(scene)


def test_many_logs_are_read_at_once_also_those_that_come_later():
    async def scene(hub, redis):
        names = [key() for _ in range(30)]
        made = []
        for name in names:
            made.append(followers(hub, name, 1))
            await asyncio.sleep(0.005)
        for name in names:
            await tell(redis, name, ("data", name), ("end", ""))
        await asyncio.gather(*(task for _, tasks in made for task in tasks))
        assert [clients[0].body.decode() for clients, _ in made] == names

    with_hub(scene)


def test_one_who_does_not_read_holds_up_nobody(monkeypatch):
    monkeypatch.setattr(sessions, "BUFFER_BYTES", 10_000)
    monkeypatch.setattr(sessions, "SLACK_BYTES", 1000)

    async def scene(hub, redis):
        name = key()
        (slow, quick), tasks = followers(hub, name, 2)
        slow.slow = asyncio.Event()
        await tell(redis, name, ("data", "first\n"))
        await until(lambda: slow.body and quick.body)
        for number in range(100):
            await tell(redis, name, ("data", f"{number:03} {'x' * 995}\n"))
            await until(lambda n=number: len(quick.body) >= 6 + 1000 * (n + 1))
        await tell(redis, name, ("end", ""))
        await asyncio.wait_for(tasks[1], 2)
        assert len(quick.body) == 100_006
        assert slow.body == b"first\n"
        slow.slow.set()
        await asyncio.wait_for(tasks[0], 2)
        assert "bytes skipped …".encode() in slow.body
        assert slow.body.endswith(quick.body[-5000:])
        assert len(slow.body) < 15_000

    with_hub(scene)


def test_a_late_joiner_gets_the_tail_of_what_is_here():
    async def scene(hub, redis):
        name = key(tail=2)
        (first,), _ = followers(hub, name, 1)
        await tell(redis, name, ("data", "one\ntwo\nthree\n"))
        await until(lambda: first.body)
        (late,), _ = followers(hub, name, 1)
        await until(lambda: late.body)
        assert (first.body, late.body) == (b"one\ntwo\nthree\n", b"two\nthree\n")

    with_hub(scene)


def test_who_goes_away_frees_everything():
    async def scene(hub, redis):
        name = key(follow=False)
        await redis.set(words.wanted(name), 1)
        (client,), (task,) = followers(hub, name, 1)
        await tell(redis, name, ("data", "one\n"))
        await until(lambda: client.body)
        client.gone.set()
        await asyncio.wait_for(task, 2)
        assert hub.followers == 0
        assert await redis.exists(words.wanted(name), name) == 0

    with_hub(scene)


def test_an_engine_s_failure_is_a_problem():
    async def scene(hub, redis):
        name = key()
        (client,), (task,) = followers(hub, name, 1)
        await tell(redis, name, ("taken", ""), ("error", "The engine does not answer."))
        await task
        assert (client.status, client.header("content-type")) == (502, "application/problem+json")
        assert b"The engine does not answer." in client.body

    with_hub(scene)


def test_no_worker_within_the_time_is_a_problem(monkeypatch):
    monkeypatch.setattr(words, "ANSWER_SECONDS", 0.1)

    async def scene(hub, redis):
        (client,), (task,) = followers(hub, key(), 1)
        await task
        assert client.status == 504

    with_hub(scene)


def test_a_worker_that_died_is_replaced_and_the_reader_told():
    async def scene(hub, redis):
        name = key()
        (client,), (task,) = followers(hub, name, 1)
        await redis.set(words.lease(name), "agent", px=150)
        await tell(redis, name, ("taken", ""), ("open", ""), ("data", "one\n"))
        asked = await redis.blpop([words.ASKED], timeout=5)
        assert asked[1].decode() == name
        await redis.set(words.lease(name), "another", ex=5)
        await tell(redis, name, ("taken", ""), ("open", ""), ("data", "one\n"), ("end", ""))
        await task
        assert client.body.decode() == f"one\n{sessions.INTERRUPTED}\none\n"

    with_hub(scene)


def test_a_worker_that_gives_up_is_replaced_at_once(monkeypatch):
    monkeypatch.setattr(words, "LOOK_SECONDS", 60)

    async def scene(hub, redis):
        name = key()
        followers(hub, name, 1)
        await tell(redis, name, ("taken", ""), ("open", ""), ("again", ""))
        assert (await redis.blpop([words.ASKED], timeout=5))[1].decode() == name

    with_hub(scene)


@pytest.mark.parametrize("trouble", [RedisError, OSError])
def test_who_joins_a_log_while_redis_fails_is_told_so_like_the_first(monkeypatch, trouble):
    async def scene(hub, redis):
        failing = asyncio.Event()

        async def ring():
            await failing.wait()
            raise trouble

        monkeypatch.setattr(hub, "ring", ring)
        clients, tasks = followers(hub, key(), 2)
        await until(lambda: hub.followers == 2)
        failing.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 2)
        assert [client.status for client in clients] == [503, 503]
        assert hub.followers == 0

    with_hub(scene)


def test_too_many_readers_are_refused(monkeypatch):
    monkeypatch.setattr("hypervisor.stream.follow.MOST_FOLLOWERS", 2)

    async def scene(hub, redis):
        followers(hub, key(), 2)
        await until(lambda: hub.followers == 2)
        (third,), (task,) = followers(hub, key(), 1)
        await task
        assert third.status == 503

    with_hub(scene)


def test_who_may_not_read_any_more_is_told_so_and_gets_no_more_of_the_log(monkeypatch):
    monkeypatch.setattr(stills, "LOOK_SECONDS", 0.05)
    statuses = [200, 404]

    async def still():
        return statuses.pop(0)

    async def scene(hub, redis):
        name = key()
        (stays,), _ = followers(hub, name, 1)
        (member,), (task,) = followers(hub, name, 1, still)
        await tell(redis, name, ("data", "half a li"))
        await asyncio.wait_for(task, 5)
        assert member.body.decode() == f"half a li\n… the log ends here: {stills.DENIED} …\n"
        assert member.is_whole
        await tell(redis, name, ("data", "ne\n"))
        await until(lambda: stays.body == b"half a line\n")
        assert hub.followers == 1

    with_hub(scene)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_log_goes_on_for_a_while_where_web_cannot_say(monkeypatch, status):
    monkeypatch.setattr(stills, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(stills, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(stills, "LONGEST_SECONDS", 0.2)
    asked = []

    async def still():
        asked.append(status)
        return status

    async def scene(hub, redis):
        name = key()
        (client,), (task,) = followers(hub, name, 1, still)
        await tell(redis, name, ("data", "one\n"))
        await asyncio.wait_for(task, 5)
        assert client.body.decode() == f"one\n… the log ends here: {stills.UNKNOWN} …\n"
        assert len(asked) > 3

    with_hub(scene)


def test_who_takes_nothing_loses_its_place_and_is_not_told_that_the_log_ended(monkeypatch):
    monkeypatch.setattr("hypervisor.stream.follow.SEND_SECONDS", 0.1)

    async def scene(hub, redis):
        name = key()
        (client,), (task,) = followers(hub, name, 1)
        client.slow = asyncio.Event()
        await tell(redis, name, ("data", "one\n"))
        await asyncio.wait_for(task, 5)
        assert (hub.followers, client.is_whole) == (0, False)

    with_hub(scene)
