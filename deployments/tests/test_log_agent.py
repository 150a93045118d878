"""From engines to Redis: shared, bounded, given up when nobody wants it, and freed whatever happens."""

import threading
import time
from uuid import uuid4

import pytest

from clusters.redis import redis_client
from clusters.runtimes.base import RuntimeFailure
from deployments import log_agent, log_shipper
from deployments import log_protocol as words
from deployments.log_agent import Agent
from deployments.log_protocol import Session
from deployments.log_source import NoLog


class Engine:
    """Its logs are what a test says; `opened` counts them."""

    def __init__(self, *pieces, ends=True, failure=None):
        self.pieces, self.ends, self.failure = pieces, ends, failure
        self.opened, self.closed = 0, threading.Event()

    def __call__(self, session):
        self.opened += 1
        if isinstance(self.failure, NoLog):
            raise self.failure
        return self

    def __iter__(self):
        yield from self.pieces
        if self.failure:
            raise self.failure
        if not self.ends:
            self.closed.wait(20)

    def close(self):
        self.closed.set()


@pytest.fixture(autouse=True)
def quick_and_alone(monkeypatch):
    monkeypatch.setattr(words, "ASKED", f"logs:asked:{uuid4().hex}")
    monkeypatch.setattr(words, "LOOK_SECONDS", 0.05)


@pytest.fixture
def carry():
    agents = []

    def start(engine, **options):
        agents.append(Agent(redis_client(), engine, **options))
        agents[-1].start()
        return agents[-1]

    yield start
    for agent in agents:
        agent.stop()


def ask(*, follow=True, wanted=True, tail=10):
    session = Session(1, tail, follow, uuid4().hex)
    if wanted:
        redis_client().set(words.wanted(session.key), 1, ex=30)
    redis_client().rpush(words.ASKED, session.key)
    return session


def entries(session):
    return [
        (fields[b"kind"].decode(), fields.get(b"data", b""))
        for _, fields in redis_client().xrange(session.key)
    ]


def comes(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return True


def ended(session, kind="end"):
    return lambda: [told for told, _ in entries(session)][-1:] == [kind]


def test_a_log_is_carried_from_its_beginning_to_its_end(carry):
    carry(Engine(b"one\n", b"two\n"))
    session = ask()
    comes(ended(session))
    assert [kind for kind, _ in entries(session)] == ["taken", "open", "data", "end"]
    assert b"".join(data for _, data in entries(session)) == b"one\ntwo\n"
    assert redis_client().exists(words.lease(session.key)) == 0
    assert 0 < redis_client().ttl(session.key) <= words.KEPT_SECONDS


@pytest.mark.parametrize(
    ("failure", "kinds"),
    [
        (NoLog("Gone.", status=410), ["taken", "error"]),
        (RuntimeFailure("The engine does not answer.", permanent=False), ["taken", "error"]),
        (ValueError("a mistake of ours"), ["taken", "error"]),
    ],
)
def test_what_fails_is_told_and_freed(carry, failure, kinds):
    agent = carry(Engine(failure=failure))
    session = ask(follow=False)
    comes(ended(session, "error"))
    assert [kind for kind, _ in entries(session)] == kinds
    told = entries(session)[-1][1].decode()
    assert told in {"Gone.", "The engine does not answer.", "Reading the log failed on our side."}
    assert comes(lambda: not agent._shippers)


def test_what_nobody_wants_any_more_is_closed(carry):
    engine = Engine(b"one\n", ends=False)
    carry(engine)
    session = ask()
    comes(lambda: ("data", b"one\n") in entries(session))
    redis_client().delete(words.wanted(session.key))
    assert engine.closed.wait(5)
    comes(ended(session, "again"))
    assert redis_client().exists(words.lease(session.key)) == 0


def test_what_nobody_wants_when_its_turn_comes_is_not_begun(carry):
    engine = Engine()
    carry(engine)
    unwanted, wanted = ask(wanted=False), ask()
    comes(ended(wanted))
    assert (engine.opened, entries(unwanted)) == (1, [])


def test_two_agents_never_carry_the_same(carry):
    engine = Engine(ends=False)
    carry(engine)
    carry(engine)
    session = ask()
    redis_client().rpush(words.ASKED, session.key, session.key)
    comes(lambda: redis_client().llen(words.ASKED) == 0 and engine.opened)
    time.sleep(0.2)
    assert engine.opened == 1


def test_a_lease_that_another_took_over_ends_the_carrying(carry):
    engine = Engine(ends=False)
    carry(engine)
    session = ask()
    comes(lambda: engine.opened)
    redis_client().set(words.lease(session.key), "another", ex=30)
    assert engine.closed.wait(5)
    time.sleep(0.2)
    assert redis_client().get(words.lease(session.key)) == b"another"
    assert entries(session)[-1][0] != "again"


def test_an_agent_that_stops_gives_its_sessions_up_at_once(carry):
    engine = Engine(ends=False)
    agent = carry(engine)
    session = ask()
    comes(lambda: engine.opened)
    agent.stop()
    assert ended(session, "again")()
    assert redis_client().exists(words.lease(session.key)) == 0


def test_too_many_at_once_are_refused_in_words(carry):
    carry(Engine(ends=False), most=1)
    first = ask()
    comes(lambda: entries(first))
    second = ask()
    comes(ended(second, "error"))
    assert entries(second)[-1][1].decode() == log_agent.TOO_MANY


def test_a_huge_log_that_is_read_once_is_cut_to_its_end(carry, monkeypatch):
    monkeypatch.setattr(log_shipper, "ONCE_BYTES", 10_000)
    carry(Engine(*(b"line %06d\n" % number for number in range(5000))))
    session = ask(follow=False)
    comes(ended(session))
    text = b"".join(data for kind, data in entries(session) if kind == "data").decode()
    first, _, rest = text.partition("\n")
    assert first.startswith("… the first ")
    assert len(rest) <= 10_000
    assert rest.startswith("line ")
    assert rest.endswith("line 004999\n")
    cut = int(first.split()[3])
    assert cut + len(rest) == 5000 * 12
    assert all(len(data) <= words.CHUNK_BYTES for _, data in entries(session))


def test_a_flood_that_is_followed_stays_bounded_in_redis(carry, monkeypatch):
    monkeypatch.setattr(words, "FOLLOWED_ENTRIES", 100)
    carry(Engine(*(b"x" * 8191 + b"\n" for _ in range(400))))
    session = ask()
    comes(ended(session))
    assert redis_client().xlen(session.key) <= 300  # trimmed by whole nodes of the stream
