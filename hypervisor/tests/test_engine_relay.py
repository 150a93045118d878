"""The relay before an engine: what passes, what is counted, and who is killed when."""

import contextlib
import socket
import subprocess
import sys
import threading
import time

import pytest

from hypervisor.demo.docker.relay import Blow, Relay
from hypervisor.demo.docker.traffic import Kind, Request, parse_head

from .processes import eventually

ASK = """
import socket, sys, time
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    s.sendall(b"POST /v1.41/containers/a/kill?signal=SIGTERM HTTP/1.1\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
    print(s.recv(100).decode(), flush=True)
"""


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("POST /v1.41/containers/create?name=hv-1-run-7", Kind.START),
        ("POST /containers/hv-1-run-7/start", Kind.START),
        ("POST /v1.51/containers/hv-1-run-7/kill?signal=SIGTERM", Kind.STOP),
        ("POST /v1.41/containers/hv-1-run-7/stop", Kind.STOP),
        ("GET /v1.41/containers/json?filters=%7B%7D", Kind.RECONCILE),
        ("GET /v1.41/containers/hv-1-run-7/json", Kind.OTHER),
        ("DELETE /v1.41/containers/hv-1-run-7?force=true", Kind.REMOVE),
        ("POST /v1.41/images/create?fromImage=a", Kind.PULL),
        ("GET /v1.41/containers/hv-1-run-7/logs?follow=true", Kind.LOGS),
        ("GET /v1.41/events", Kind.EVENTS),
        ("GET /v1.41/info", Kind.OTHER),
        ("GET /containers/create", Kind.OTHER),
    ],
)
def test_a_request_is_known_by_its_first_line(line, kind):
    assert parse_head(f"{line} HTTP/1.1\r\nHost: engine".encode()).kind is kind


def test_a_head_tells_how_much_follows():
    assert parse_head(b"POST /a HTTP/1.1\r\ncontent-length: 12").body_bytes == 12
    assert parse_head(b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked").body_bytes is None
    for wrong in (b"", b"hello", b"GET /a FTP/1.0", b"POST /a HTTP/1.1\r\nContent-Length: many"):
        with pytest.raises(ValueError):
            parse_head(wrong)


class FakeEngine:
    """Answers every request of two bytes with `ok`, and remembers it."""

    def __init__(self, path):
        self.heard = []
        self.path = str(path)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.server.accept()
            threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    def answer(self, client):
        with client:
            while data := client.recv(4096):
                while not data.endswith(b"{}"):
                    data += client.recv(4096)
                self.heard.append(data)
                with contextlib.suppress(BrokenPipeError):  # whoever asked may be dead by now
                    client.sendall(b"HTTP/1.1 204 ok\r\n\r\n")


@pytest.fixture
def engine(tmp_path):
    return FakeEngine(tmp_path / "engine.sock")


def ask(relay):
    return subprocess.run(
        [sys.executable, "-c", ASK, str(relay.path)], capture_output=True, text=True, timeout=30
    )


def test_it_passes_requests_and_answers_on_and_counts_them(engine, tmp_path):
    with Relay(tmp_path / "relay.sock", engine.path) as relay:
        asked = ask(relay)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(relay.path))
            for _ in range(2):  # one after the other over one connection, in pieces
                for piece in (
                    b"POST /containers/cre",
                    b"ate HTTP/1.1\r\nContent-Length: 2\r",
                    b"\n\r\n{",
                    b"}",
                ):
                    client.sendall(piece)
                    time.sleep(0.01)
                assert client.recv(100).startswith(b"HTTP/1.1 204")
    assert asked.stdout.startswith("HTTP/1.1 204")
    assert relay.counts == {Kind.STOP: 1, Kind.START: 2}
    assert len(engine.heard) == 3


@pytest.mark.parametrize(
    "blow", [Blow(forward=False), Blow(forward=True), Blow(forward=True, delay_seconds=0.05)]
)
def test_it_kills_the_sender_in_the_middle_of_its_request(engine, tmp_path, blow):
    hits = []
    with Relay(tmp_path / "relay.sock", engine.path, lambda request, pid: blow, hits.append) as relay:
        asked = ask(relay)
        assert asked.returncode == -9
        assert asked.stdout == ""
    assert eventually(lambda: hits)
    (hit,) = hits
    assert hit.request == Request("POST", "/containers/a/kill", 2)
    assert hit.forwarded is blow.forward
    if blow.forward:
        assert eventually(lambda: len(engine.heard) == 1)
    else:
        assert not engine.heard
    if blow.delay_seconds:
        assert hit.answered


def test_who_left_by_himself_is_no_hit(engine, tmp_path):
    hits = []
    left = threading.Event()

    def strike(request, pid):
        left.wait(10)
        return Blow(forward=True)

    with Relay(tmp_path / "relay.sock", engine.path, strike, hits.append) as relay:
        process = subprocess.Popen([sys.executable, "-c", ASK, str(relay.path)])
        assert eventually(lambda: relay.counts)
        process.kill()
        process.wait()
        left.set()
        time.sleep(0.2)
    assert not hits


def test_an_engine_that_is_down_is_a_connection_that_ends(tmp_path):
    with Relay(tmp_path / "relay.sock", str(tmp_path / "none.sock")) as relay:
        assert ask(relay).stdout.strip() == ""
