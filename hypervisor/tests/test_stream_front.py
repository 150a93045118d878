"""The stream process passes on what is the message's, keeps what is the connection's, and believes nobody."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from hypervisor.stream import answers, upstream
from hypervisor.stream.front import LOGS, Front
from hypervisor.stream.upstream import Upstream

from .fake_web import Client, FakeWeb, answer

HOST = {"host": "gpu.example.com"}
FORWARDED = {"x__forwarded__for": "1.2.3.4", "x__forwarded__proto": "https"}
OF_THE_CONNECTION = {
    "connection": "x-mine, host, keep-alive", "x__mine": "1", "te": "trailers", "upgrade": "h2c",
    "expect": "100-continue",
}  # fmt: skip
FORGED = ["x-hypervisor-peer", "x_hypervisor_peer", "x-hypervisor_front", "x-hypervisor-stream"]


@pytest.fixture
def socket():
    with tempfile.TemporaryDirectory(prefix="hs-") as folder:
        yield str(Path(folder) / "web.sock")


def ask(socket, client, *answers, logs=None):
    """The client's answer, and the web that gave it."""

    async def both():
        async with FakeWeb(socket, *answers) as web:
            made = client()
            front = Front(Upstream(web.address), {LOGS: logs}, proof="proof")
            for one in made if isinstance(made, list) else [made]:
                await one.ask(front)
            return made, web

    return asyncio.run(both())


def test_path_query_host_and_forwarded_headers_pass_unchanged(socket):
    client, web = ask(
        socket,
        lambda: Client(path="/a%2Fb", query=b"x=%C3%A4", **HOST, **FORWARDED),
        answer(b"hello", "content-type: text/plain", "set-cookie: a=1", "set-cookie: b=2"),
    )
    assert web.requests[0][0].startswith(b"GET /a%2Fb?x=%C3%A4 HTTP/1.1\r\n")
    assert web.headers()["host"] == "gpu.example.com"
    assert web.headers()["x-forwarded-for"] == "1.2.3.4"
    assert web.headers()["x-forwarded-proto"] == "https"
    assert (client.status, client.body, client.is_whole) == (200, b"hello", True)
    assert [value for name, value in client.headers if name == b"set-cookie"] == [b"a=1", b"b=2"]


@pytest.mark.parametrize("name", FORGED)
def test_what_a_client_says_in_our_own_words_is_dropped(socket, name):
    client = lambda: Client(**HOST, **{name.replace("-", "__"): "127.0.0.1"})  # noqa: E731
    _, web = ask(socket, client, answer())
    assert web.headers() == HOST | {"x-hypervisor-peer": "203.0.113.7", "x-hypervisor-front": "proof"}


def test_a_client_cannot_write_over_what_its_proxy_says_by_another_spelling(socket):
    spelt = {"x__forwarded__for": "203.0.113.7", "x_forwarded_for": "6.6.6.6", "x__forwarded_for": "6.6.6.6"}
    _, web = ask(socket, lambda: Client(**HOST, **spelt), answer())
    assert web.headers()["x-forwarded-for"] == "203.0.113.7"
    assert not [name for name in web.headers() if "_" in name]


def test_our_own_words_are_never_told_to_a_client(socket):
    client, _ = ask(socket, lambda: Client(**HOST), answer(b"", "x-hypervisor-thing: secret"))
    assert client.header("x-hypervisor-thing") is None


def test_headers_of_one_connection_end_with_it(socket):
    client, web = ask(
        socket,
        lambda: Client(**OF_THE_CONNECTION, **HOST),
        answer(b"", "connection: x-its", "x-its: 1", "keep-alive: timeout=5"),
    )  # fmt: skip
    assert set(web.headers()) == {"host", "x-hypervisor-peer", "x-hypervisor-front"}
    assert {name for name, _ in client.headers} == {b"content-length"}


def test_a_body_is_passed_on_whole_and_with_its_length_also_where_it_came_in_chunks(socket):
    sized = lambda: Client(b"hel", b"lo", method="POST", content__length="5", **HOST)  # noqa: E731
    chunked = lambda: Client(b"hel", b"lo", method="POST", transfer__encoding="chunked", **HOST)  # noqa: E731
    for client in (sized, chunked):
        _, web = ask(socket, client, answer())
        assert web.requests[0][1] == b"hello"
        assert web.headers()["content-length"] == "5"
        assert "transfer-encoding" not in web.headers()


def test_chunked_endless_and_bodiless_answers_arrive_whole(socket):
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    client, _ = ask(socket, lambda: Client(**HOST), chunked)
    assert (client.body, client.is_whole, client.header("transfer-encoding")) == (b"abcde", True, None)
    client, web = ask(
        socket,
        lambda: [Client(method="HEAD", **HOST), Client(**HOST)],
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
    )
    assert (client[0].header("content-length"), client[0].body) == ("99", b"")
    assert (client[1].status, client[1].is_whole) == (304, True)
    assert web.connections == 1, "the connection is kept"


def test_a_kept_connection_that_ended_meanwhile_is_no_failure(socket):
    clients, web = ask(socket, lambda: [Client(**HOST), Client(**HOST)], answer(), None, answer(b"again"))
    assert (clients[1].status, clients[1].body, web.connections) == (200, b"again", 2)


def test_what_may_have_been_done_is_not_asked_twice(socket):
    client, web = ask(socket, lambda: Client(b"x", method="POST", content__length="1", **HOST), None)
    assert (client.status, len(web.requests)) == (502, 1)


def test_a_web_that_is_away_is_a_problem_in_words(socket, monkeypatch):
    monkeypatch.setattr(upstream, "CONNECT_SECONDS", 0.1)
    client = asyncio.run(_nobody(socket))
    assert client.status == 502
    assert client.header("content-type") == "application/problem+json"
    assert b"does not answer" in client.body


async def _nobody(socket):
    return await Client(**HOST).ask(Front(Upstream(f"unix://{socket}"), {}, proof=""))


def test_a_web_that_starts_again_is_waited_for(socket):
    async def both():
        asking = asyncio.create_task(_nobody(socket))
        await asyncio.sleep(0.2)
        async with FakeWeb(socket, answer(b"here")):
            return await asking

    assert asyncio.run(both()).body == b"here"


def breaks_off(socket, body):
    """The client whose answer ends too early: it says that it is one byte longer."""
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(body) + 1)

    class Breaking(FakeWeb):
        async def serve(self, reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head + body)
            await writer.drain()
            writer.close()

    async def both():
        async with Breaking(socket) as web:
            return await Client(**HOST).ask(Front(Upstream(web.address), {}, proof=""))

    return asyncio.run(both())


def test_an_answer_that_breaks_off_is_not_passed_for_whole(socket, monkeypatch):
    client = breaks_off(socket, b"abc")
    assert (client.status, client.header("content-type")) == (502, "application/problem+json")
    monkeypatch.setattr(answers, "AHEAD_BYTES", 2)
    client = breaks_off(socket, b"abc")
    assert (client.status, client.body, client.is_whole) == (200, b"abc", False)


def test_an_answer_that_names_a_session_is_replaced_by_its_log(socket):
    asked = []

    async def logs(key, headers, receive, send, still):
        asked.append((key, dict(headers).get(b"x-request-id")))

    named = answer(b"thrown away", "X-Hypervisor-Stream: logs:k", "x-request-id: 7")
    ask(socket, lambda: Client(**HOST), named, logs=logs)
    assert asked == [("logs:k", b"7")]


def test_web_is_asked_whether_a_log_may_go_on_with_the_request_that_began_it(socket):
    told = []

    async def logs(key, headers, receive, send, still):
        told.append(await still())

    client = lambda: Client(  # noqa: E731
        path="/deployments/7/logs",
        query=b"follow=true",
        authorization="Bearer t",
        **HOST,
        x__hypervisor__still="1",
    )
    no = b"HTTP/1.1 404 Not Found\r\ncontent-length: 99\r\n\r\n"
    _, web = ask(socket, client, answer(b"", "X-Hypervisor-Stream: logs:k"), no, logs=logs)
    assert told == [404]
    first, again = web.headers(0), web.headers(1)
    assert web.requests[1][0].startswith(b"HEAD /deployments/7/logs?follow=true HTTP/1.1\r\n")
    assert again == first | {"x-hypervisor-still": "1"}
    assert "x-hypervisor-still" not in first, "nobody else may say so"
    assert web.connections == 1


def test_a_web_that_is_away_cannot_say_whether_a_log_may_go_on(socket, monkeypatch):
    monkeypatch.setattr(upstream, "CONNECT_SECONDS", 0.1)
    told = []

    async def logs(key, headers, receive, send, still):
        told.append(await still())

    ask(socket, lambda: Client(**HOST), answer(b"", "X-Hypervisor-Stream: logs:k"), None, logs=logs)
    assert told == [503]
