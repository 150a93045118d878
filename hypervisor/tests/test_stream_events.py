"""The stream process and a real Redis: who watches gets what they may see, once, also after having been away."""

import asyncio
import os
from datetime import UTC, datetime
from uuid import uuid4

import orjson
import pytest
from redis.asyncio import Redis

from clusters.announcing import Announcement, entries
from clusters.event_protocol import LOST, TOLD, Filter, write_header
from hypervisor.stream import event_response, events, watching
from hypervisor.stream.event_response import EventResponse
from hypervisor.stream.events import Events

from .fake_web import Client

LAB, OTHERS = 1, 2
AT = datetime(2026, 1, 1, tzinfo=UTC)
SEEN = Filter(frozenset({LAB}))


async def _never():
    raise AssertionError("events end by themselves; nobody asks whether they may go on")


class Scene:
    """One stream process, its Redis, and whoever comes to watch."""

    def __init__(self):
        self.url, self.stream = os.environ["REDIS_URL"], f"events:{uuid4().hex}"
        self.redis = Redis.from_url(self.url)
        self.events = self.process()
        self.tasks = []

    def process(self):
        return Events(redis=Redis.from_url(self.url), reading=Redis.from_url(self.url), stream=self.stream)

    async def watch(self, filter_=SEEN, after="", *, of=None, slow=None):
        client = Client()
        client.slow = slow
        whole = EventResponse(of or self.events)(
            write_header(filter_, after), [(b"x-request-id", b"7")], client.receive, client.send, _never
        )
        self.tasks.append(asyncio.create_task(whole))
        await until(lambda: b": ready" in client.body or slow or client.is_whole)
        return client

    async def tell(self, *rows, kind="scheduled", data=None):
        """As a transaction does; answers nothing."""
        told = Announcement("deployment", kind, "scheduler", AT, "starting", data or {}, rows)
        for entry in entries([told]):
            await self.redis.xadd(self.stream, {TOLD: entry})


def play(scene):
    async def whole():
        one = Scene()
        try:
            await asyncio.wait_for(scene(one), 20)
        finally:
            await one.events.close()
            for task in one.tasks:
                task.cancel()
            await one.redis.unlink(one.stream)
            await one.redis.aclose()

    asyncio.run(whole())


async def until(condition):
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come")


def told(client):
    """The deployments that it was told of, in order."""
    lines = client.body.split(b"\n")
    found = [orjson.loads(line[6:]) for line in lines if line.startswith(b"data: ")]
    return [one["deployment_id"] for one in found if one]


def last_id(client):
    return [line for line in client.body.decode().split("\n") if line.startswith("id: ")][-1][4:]


def test_each_gets_what_its_filter_lets_through_and_nothing_else():
    async def scene(one):
        mine = await one.watch()
        both = await one.watch(Filter(frozenset({LAB, OTHERS})))
        everything = await one.watch(Filter(None))
        here = await one.watch(Filter(frozenset({LAB}), cluster_id=5))
        single = await one.watch(Filter(None, deployment_id=11))
        nobody = await one.watch(Filter(frozenset()))
        await one.tell((10, 4, LAB), (11, 5, LAB), (12, 4, OTHERS), (13, 6, 3))
        await one.tell((14, 4, LAB))
        await until(lambda: told(everything) == [10, 11, 12, 13, 14])
        await until(lambda: told(mine) == [10, 11, 14] and told(both) == [10, 11, 12, 14])
        assert (told(here), told(single), told(nobody)) == ([11], [11], [])

    play(scene)


def test_a_message_has_the_fields_that_are_promised():
    async def scene(one):
        client = await one.watch()
        await one.tell((10, 4, LAB), data={"from": "pending", "to": "starting"})
        await until(lambda: told(client))
        assert client.header("content-type") == "text/event-stream"
        assert client.header("cache-control") == "no-store"
        assert client.header("x-request-id") == "7"
        first, ready, message, _ = client.body.decode().split("\n\n")
        assert (first, ready.split("\n")[0]) == ("retry: 1000", ": ready")
        id_, event, data = message.split("\n")
        assert id_.startswith("id: ")
        assert event == "event: deployment"
        assert orjson.loads(data.removeprefix("data: ")) == {
            "kind": "scheduled",
            "deployment_id": 10,
            "cluster_id": 4,
            "organization_id": LAB,
            "at": "2026-01-01T00:00:00Z",
            "source": "scheduler",
            "data": {"from": "pending", "to": "starting"},
            "status": "starting",
        }

    play(scene)


@pytest.mark.parametrize("remembered", [2000, 1], ids=["from memory", "from Redis"])
def test_who_was_away_gets_what_it_missed_also_from_the_middle_of_a_transaction(monkeypatch, remembered):
    monkeypatch.setattr(events, "RING_ENTRIES", remembered)
    monkeypatch.setattr(events, "ENTRIES_AT_ONCE", 3)

    async def scene(one):
        client = await one.watch()
        await one.tell(*((n, 4, LAB) for n in range(10)))
        await until(lambda: len(told(client)) == 10)
        seen = last_id(client).replace(".9", ".6")
        for n in range(10, 30):
            await one.tell((n, 4, LAB), (100 + n, 4, OTHERS))
        await until(lambda: len(told(client)) == 30)
        back = await one.watch(after=seen)
        await one.tell((30, 4, LAB))
        await until(lambda: told(back)[-1:] == [30])
        assert told(back) == list(range(7, 31))

    play(scene)


def test_who_saw_nothing_yet_resumes_as_well():
    async def scene(one):
        client = await one.watch()
        seen = last_id(client)
        await one.tell((1, 4, LAB))
        assert told(await one.watch(after=seen)) == [1]

    play(scene)


def test_another_process_resumes_what_this_one_began():
    async def scene(one):
        client = await one.watch()
        await one.tell((1, 4, LAB), (2, 4, LAB))
        await until(lambda: told(client) == [1, 2])
        another = one.process()
        back = await one.watch(after=last_id(client), of=another)
        await one.tell((3, 4, LAB))
        await until(lambda: told(back) == [3])
        await another.close()

    play(scene)


@pytest.mark.parametrize(
    "position", ["1-0", "1-0.5", "99999999999999-0", "of somebody else", "1-0.99999999999"]
)
def test_a_place_that_is_gone_is_told_so_and_goes_on_from_now(position):
    async def scene(one):
        client = await one.watch(after=position)
        assert client.body.startswith(b"retry: 1000\n\nevent: reset\ndata: {}\n\n: ready")
        await one.tell((1, 4, LAB))
        await until(lambda: told(client) == [1])

    play(scene)


def test_events_that_nobody_could_tell_are_told_to_be_missing():
    async def scene(one):
        client = await one.watch()
        before = last_id(client)
        await one.redis.xadd(one.stream, {LOST: b"1"})
        await until(lambda: b"event: reset" in client.body)
        assert b"event: reset" in (await one.watch(after=before)).body

    play(scene)


def test_one_who_does_not_read_is_cut_off_and_holds_up_nobody(monkeypatch):
    monkeypatch.setattr(watching, "BUFFER_BYTES", 2000)

    async def scene(one):
        quick = await one.watch()
        slow = await one.watch(slow=asyncio.Event())
        await until(lambda: b"retry" in slow.body)
        slow.slow.set()
        await until(lambda: b"ready" in slow.body)
        slow.slow = asyncio.Event()
        for n in range(50):
            await one.tell((n, 4, LAB))
            await until(lambda n=n: len(told(quick)) == n + 1)
        slow.slow.set()
        await until(lambda: slow.is_whole)
        assert len(told(slow)) < 50
        assert one.events.watchers.count == 1
        back = await one.watch(after=last_id(slow))
        assert told(slow) + told(back) == list(range(50))

    play(scene)


def test_one_who_never_reads_again_is_given_up(monkeypatch):
    monkeypatch.setattr(event_response, "SEND_SECONDS", 0.05)

    async def scene(one):
        await one.watch(slow=asyncio.Event())
        await asyncio.wait_for(one.tasks[0], 5)
        assert one.events.watchers.count == 0

    play(scene)


def test_who_goes_away_is_forgotten():
    async def scene(one):
        client = await one.watch()
        client.gone.set()
        await until(lambda: one.events.watchers.count == 0)
        assert not list(one.events.watchers)

    play(scene)


def test_a_quiet_stream_says_that_it_lives_and_ends_after_its_time(monkeypatch):
    monkeypatch.setattr(event_response, "ALIVE_SECONDS", 0.05)
    monkeypatch.setattr(event_response, "LONGEST_SECONDS", 60.5)
    monkeypatch.setattr(event_response.random, "uniform", lambda *_: 60)

    async def scene(one):
        client = await one.watch()
        await until(lambda: client.is_whole)
        assert b": alive\nid: " in client.body

    play(scene)


def test_too_many_are_refused(monkeypatch):
    monkeypatch.setattr(event_response, "MOST_WATCHERS", 1)

    async def scene(one):
        await one.watch()
        second = await one.watch()
        assert (second.status, second.header("content-type")) == (503, "application/problem+json")

    play(scene)


def test_a_redis_that_forgot_everything_is_told_as_a_reset():
    async def scene(one):
        client = await one.watch()
        await one.redis.unlink(one.stream)
        await one.events._go_on()
        await until(lambda: b"event: reset" in client.body)
        await one.tell((1, 4, LAB))
        await until(lambda: told(client) == [1])

    play(scene)
