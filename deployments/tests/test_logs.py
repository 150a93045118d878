"""Asking for a log: who may, what the parameters say, and where the answer comes from."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from clusters.redis import redis_client
from deployments import log_protocol as words
from deployments.log_protocol import FRONT_MARK, STREAM_HEADER
from deployments.log_source import NoLog, open_log
from deployments.models import Run
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import in_state, last, run
from organizations.services.members import remove_member

FRONT = {FRONT_MARK: True}


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """The keys that were asked for, oldest first."""
    monkeypatch.setattr(words, "ASKED", f"logs:asked:{uuid4().hex}")
    return lambda: [key.decode() for key in redis_client().lrange(words.ASKED, 0, -1)]


@pytest.fixture
def running(cluster, alice):
    deployment = DeploymentFactory(cluster=cluster, created_by=alice)
    run(deployment)
    return deployment


def read(client, deployment, query="", **extra):
    return client.get(f"/deployments/{deployment.pk}/logs{query}", **(FRONT | extra))


def kept(deployment, *, ago, text="one\ntwo\nthree\n"):
    ended = timezone.now() - timedelta(seconds=ago)
    Run.objects.filter(deployment=deployment).update(ended_at=ended, log_tail=text, log_kept_at=ended)


def test_web_answers_with_the_key_of_a_session_and_no_engine_is_asked(api, alice, running, asked):
    answer = read(api(alice), running)
    session = words.parse(answer[STREAM_HEADER])
    assert (answer.status_code, answer.content) == (200, b"")
    assert (session.run_id, session.tail, session.follow) == (last(running).pk, words.DEFAULT_TAIL, False)
    assert asked() == [session.key]
    assert 0 < redis_client().ttl(words.wanted(session.key)) <= words.WANTED_SECONDS


def test_all_who_follow_the_same_share_one_session(api, alice, bob, running, asked):
    keys = {read(api(who), running, "?follow=true&tail=5")[STREAM_HEADER] for who in (alice, bob, alice)}
    assert len(keys) == 1
    assert asked() == [*keys]
    assert read(api(alice), running, "?follow=true&tail=6")[STREAM_HEADER] not in keys


def test_who_reads_once_has_a_session_alone(api, alice, running, asked):
    keys = [read(api(alice), running)[STREAM_HEADER] for _ in range(2)]
    assert asked() == keys
    assert len(set(keys)) == 2


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?folow=true", "folow"),
        ("?follow=yes", "follow"),
        ("?follow=", "follow"),
        ("?tail=-1", "tail"),
        ("?tail=10001", "tail"),
        ("?tail=1.5", "tail"),
        ("?tail=²", "tail"),
        ("?tail=" + "9" * 5000, "tail"),
        ("?run=0", "run"),
        ("?run=x", "run"),
        ("?run=99999999999999999999", "run"),
    ],
)
def test_a_wrong_parameter_is_refused_by_its_name(api, alice, running, asked, query, field):
    answer = read(api(alice), running, query)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert asked() == []


def test_a_run_of_another_deployment_answers_like_an_absent_one(api, alice, cluster, running):
    other = DeploymentFactory(cluster=cluster, created_by=alice)
    run(other)
    for id_ in (last(other).pk, 999_999_999):
        answer = read(api(alice), running, f"?run={id_}")
        assert (answer.status_code, answer.json()["detail"]) == (
            404,
            "This deployment has no run with this id.",
        )


def test_what_never_started_has_no_log_and_says_what_to_do(api, alice, cluster):
    answer = read(api(alice), DeploymentFactory(cluster=cluster, created_by=alice))
    assert answer.status_code == 409
    assert "reason" in answer.json()["detail"]


def test_without_the_stream_process_in_front_the_call_says_where_to_ask(api, alice, running, asked):
    answer = api(alice).get(f"/deployments/{running.pk}/logs")
    assert answer.status_code == 503
    assert "stream process" in answer.json()["detail"]
    assert asked() == []


def test_head_begins_nothing(api, alice, running, asked):
    answer = api(alice).head(f"/deployments/{running.pk}/logs", **FRONT)
    assert (answer.status_code, answer.get(STREAM_HEADER), asked()) == (200, None, [])


def test_head_says_whether_who_follows_may_still_read(api, alice, bob, lab, running):
    client = api(bob)
    path = f"/deployments/{running.pk}/logs?follow=true"
    assert client.head(path, **FRONT).status_code == 200
    remove_member(actor=alice, organization_id=lab.pk, user_id=bob.pk)
    assert client.head(path, **FRONT).status_code == 404


@pytest.mark.parametrize("accept", ["text/plain", "*/*", "application/json"])
def test_text_and_refusals_are_for_every_client(api, alice, running, accept):
    assert read(api(alice), running, HTTP_ACCEPT=accept).status_code == 200
    refusal = read(api(alice), running, "?x=1", HTTP_ACCEPT=accept)
    assert refusal["Content-Type"] == "application/problem+json"
    assert refusal.json()["status"] == 400


@pytest.mark.parametrize("query", ["", "?follow=true"])
def test_long_after_the_end_the_kept_tail_is_answered_at_once(api, alice, cluster, asked, query):
    deployment = in_state(cluster, Status.COMPLETED, created_by=alice)
    kept(deployment, ago=10_000)
    answer = read(api(alice), deployment, query)
    assert (answer.status_code, answer.content.decode()) == (200, "one\ntwo\nthree\n")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert read(api(alice), deployment, "?tail=1").content == b"three\n"
    assert read(api(alice), deployment, "?tail=0").content == b""
    assert asked() == []


def test_soon_after_the_end_the_engine_is_asked_first(api, alice, cluster):
    deployment = in_state(cluster, Status.COMPLETED, created_by=alice)
    kept(deployment, ago=5)
    assert STREAM_HEADER in read(api(alice), deployment)


def session_of(deployment, *, follow=False, tail=10):
    return words.Session(last(deployment).pk, tail, follow, "t")


@pytest.fixture
def keep_the_connection(monkeypatch):
    """A test's transaction lives on the connection that a worker's thread would give back."""
    monkeypatch.setattr("deployments.log_source.connection", type("", (), {"close": lambda self: None})())


@pytest.mark.usefixtures("keep_the_connection")
class TestInTheWorker:
    def test_a_live_run_is_read_from_its_engine(self, running):
        text = b"".join(open_log(session_of(running))).decode()
        assert "simulated container" in text
        assert b"".join(open_log(session_of(running, tail=1))).count(b"\n") == 1

    def test_what_the_engine_has_no_more_comes_from_what_was_kept(self, cluster):
        deployment = in_state(cluster, Status.COMPLETED)
        kept(deployment, ago=5)
        assert b"".join(open_log(session_of(deployment, tail=2))) == b"two\nthree\n"

    def test_what_was_not_kept_either_is_gone(self, cluster):
        with pytest.raises(NoLog) as nothing:
            open_log(session_of(in_state(cluster, Status.COMPLETED)))
        assert nothing.value.status == 410

    def test_an_engine_that_cannot_be_reached_is_named(self, running):
        running.cluster.connection = {"unreachable": True}
        from accounts import secrets

        type(running.cluster).objects.update(connection=secrets.encrypt({"unreachable": True}))
        with pytest.raises(NoLog, match="cannot be reached") as nothing:
            open_log(session_of(running))
        assert nothing.value.status == 502

    def test_a_run_that_waits_for_its_engine_is_waited_for_by_those_who_follow(self, cluster, monkeypatch):
        monkeypatch.setattr("deployments.log_source.LOOK_SECONDS", 0.01)
        deployment = in_state(cluster, Status.STARTING)
        with pytest.raises(NoLog) as nothing:
            open_log(session_of(deployment))
        assert nothing.value.status == 409
        log = iter(open_log(session_of(deployment, follow=True)))
        run_now = last(deployment)
        from clusters.drivers import driver_for
        from clusters.runtimes.base import ContainerSpec

        handle = driver_for(cluster).start(
            ContainerSpec(run_now.container_name, "busybox", 1000, 1024, 0, simulated_seconds=0.0)
        )
        run_now.allocations.update(handle=handle)
        assert b"simulated container" in next(log)

    def test_who_stops_waiting_ends_it(self, cluster):
        log = open_log(session_of(in_state(cluster, Status.STARTING), follow=True))
        log.close()
        assert list(log) == []
