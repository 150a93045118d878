"""What is sent again, and what is not, against a server that misbehaves."""

import pytest

from hypervisor_client import (
    Client,
    Invalid,
    MemoryStore,
    NotSignedIn,
    Problem,
    Retries,
    Tokens,
    Unavailable,
    Unreachable,
)
from hypervisor_client.transport import Retries as Pauses

from .local_server import DROP, local_server

QUICK = Retries(attempts=3, first_pause=0.01, longest_pause=0.02)
PAGE = {"next": None, "previous": None, "results": []}
MADE = {
    "id": 7, "name": "n", "docker_image": "i", "status": "pending", "reason": None, "priority": 2, "cluster_id": 1,
    "organization_id": 1, "required_ram": 1, "required_cpu": 1, "required_gpu": 0, "created_by": "alice",
    "created_at": "2026-01-01T00:00:00Z", "queued_at": "2026-01-01T00:00:00.5Z", "of_tomorrow": True,
}  # fmt: skip
BUSY = (503, {"detail": "The database does not answer at the moment."})


def client(server, **more):
    return Client(server.url, "t", retries=QUICK, **more)


@pytest.mark.parametrize("trouble", [DROP, BUSY, (502, "<html>"), (429, {"detail": "slow down"})], ids=str)
def test_reading_goes_on_when_the_service_is_back(trouble):
    with local_server(trouble, trouble, (200, PAGE)) as server, client(server) as one:
        assert list(one.clusters.list()) == []
        assert len(server.asked) == 3


def test_attempts_end_and_the_last_refusal_is_told():
    with (
        local_server(BUSY) as server,
        client(server) as one,
        pytest.raises(Unavailable, match="database") as told,
    ):
        list(one.clusters.list())
    assert (len(server.asked), told.value.status) == (3, 503)


def test_a_broken_connection_is_told_in_the_end():
    with local_server(DROP) as server, client(server) as one, pytest.raises(Unreachable, match=server.url):
        one.me()
    assert len(server.asked) == 3


def test_a_portal_that_answers_for_the_service_is_told():
    portal = (200, "<html>Accept the terms</html>", {"Content-Type": "text/html"})
    with local_server(portal) as server:
        with client(server) as one, pytest.raises(Unreachable, match="is no MLOps Hypervisor"):
            one.me()
        with pytest.raises(Unreachable, match="is no MLOps Hypervisor"):
            Client.login(server.url, "alice", "a password")


def test_a_submission_is_sent_again_with_the_same_key():
    with local_server(DROP, BUSY, (201, MADE)) as server, client(server) as one:
        made = one.deployments.submit(name="n", docker_image="i", cluster_id=1)
        other = one.deployments.submit(name="n", docker_image="i", cluster_id=1)
    keys = [asked.headers["Idempotency-Key"] for asked in server.asked]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert (made.id, other.raw["of_tomorrow"], made.queued_at.isoformat()) == (
        7, True, "2026-01-01T00:00:00.500000+00:00",
    )  # fmt: skip


def test_a_batch_is_sent_again_with_the_key_that_was_given():
    answer = {"deployments": [{"index": 0, "key": "a", "id": 7}]}
    with local_server(DROP, (201, answer)) as server, client(server) as one:
        assert [made.id for made in one.deployments.submit_many([{"key": "a"}], idempotency_key="mine")] == [
            7
        ]
    assert [asked.headers["Idempotency-Key"] for asked in server.asked] == ["mine", "mine"]


@pytest.mark.parametrize("trouble", [DROP, BUSY], ids=str)
def test_what_may_have_been_done_is_not_sent_again(trouble):
    with local_server(trouble, (200, MADE)) as server, client(server) as one:
        with pytest.raises((Unreachable, Unavailable)):
            one.deployments.stop(7)
        assert len(server.asked) == 1


def test_what_was_turned_away_at_the_door_is_sent_again_whatever_it_is():
    with local_server((429, {}, {"Retry-After": "0"}), (200, MADE)) as server, client(server) as one:
        assert one.deployments.stop(7).id == 7


def test_nobody_at_the_address_is_told_at_once():
    with pytest.raises(Unreachable, match="does not answer"):
        Client("http://127.0.0.1:1", "t", retries=QUICK).me()


def test_pauses_double_and_retry_after_is_kept():
    import httpx

    retries = Pauses(attempts=9, first_pause=1, longest_pause=5, most_patience=10)
    for attempt, longest in ((1, 1), (2, 2), (3, 4), (4, 5), (8, 5)):
        assert longest / 2 <= retries.pause(attempt, None) <= longest
    assert Pauses(attempts=9999, longest_pause=5).pause(5000, None) <= 5
    assert retries.pause(1, httpx.Response(429, headers={"Retry-After": "7"})) == 7
    assert retries.pause(1, httpx.Response(429, headers={"Retry-After": "11"})) is None
    assert retries.pause(9, None) is None


def test_a_token_that_ended_is_renewed_once_and_the_call_goes_on():
    renewed = {"access_token": "new", "refresh_token": "next", "token_type": "bearer", "expires_in": 1}
    store = MemoryStore(Tokens("old", "first"))
    answers = [(401, {"detail": "ended"}), (200, renewed), (200, {"id": 1})]
    with local_server(*answers) as server, Client(server.url, store=store, retries=QUICK) as one:
        assert one.me() == {"id": 1}
    assert [asked.headers.get("Authorization") for asked in server.asked] == [
        "Bearer old",
        None,
        "Bearer new",
    ]
    assert server.asked[1].body == {"grant_type": "refresh_token", "refresh_token": "first"}
    assert store.load() == Tokens("new", "next")


def test_a_refresh_token_is_never_sent_twice():
    """The service may have taken it: sent again, it would end every session of its family."""
    with local_server((401, {"detail": "ended"}), DROP, (200, {"id": 1})) as server:
        store = MemoryStore(Tokens("old", "first"))
        with Client(server.url, store=store, retries=QUICK) as one, pytest.raises(Unreachable):
            one.me()
    assert [asked.path for asked in server.asked] == ["/me", "/token"]


def test_without_a_refresh_token_one_is_told_to_sign_in():
    refusal = (401, {"detail": "This session has ended."})
    with (
        local_server(refusal) as server,
        client(server) as one,
        pytest.raises(NotSignedIn, match="has ended"),
    ):
        one.me()
    assert len(server.asked) == 1


@pytest.mark.parametrize("token", ["secret\n", "sec ret", "s\xe9cret"])
def test_a_token_that_no_header_can_hold_is_neither_sent_nor_told(token):
    with (
        local_server((200, {})) as server,
        Client(server.url, token, retries=QUICK) as one,
        pytest.raises(NotSignedIn) as told,
    ):
        one.me()
    assert token not in str(told.value)
    assert server.asked == []


@pytest.mark.parametrize("key", ["cl\xe9", "a\nb", "a b"])
def test_a_key_that_no_header_can_hold_is_refused(key):
    with local_server((201, MADE)) as server, client(server) as one:
        for submit in (one.deployments.submit, lambda **key: one.deployments.submit_many([], **key)):
            with pytest.raises(Invalid, match="visible ASCII"):
                submit(idempotency_key=key)
    assert server.asked == []


def test_a_proxys_page_is_a_problem_too():
    page = (418, "<html>teapot</html>")
    with local_server(page) as server, client(server) as one, pytest.raises(Problem, match="answered 418"):
        one.me()


def test_pages_follow_the_cursor_and_not_an_address_that_only_the_service_knows():
    first = PAGE | {"next": "http://inside:8001/deployments?limit=2&cursor=abc%3D", "results": [MADE, MADE]}
    with local_server((200, first), (200, PAGE | {"results": [MADE]})) as server, client(server) as one:
        assert len(list(one.deployments.list(status=["pending", "failed"], page=2))) == 3
    assert [asked.path for asked in server.asked] == [
        "/deployments?status=failed&status=pending&limit=2",
        "/deployments?status=failed&status=pending&limit=2&cursor=abc%3D",
    ]
