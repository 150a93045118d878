"""The demo's session against a server that hangs up, is away, and forgets who we are."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hypervisor.demo.service import GivenUp, Refused, Session


class Flaky(BaseHTTPRequestHandler):
    """Keeps rows by POST. What happens to each answer is taken from `server.plan`, then all goes well."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/token":
            self.server.tokens += 1
            self._answer(200, {"access_token": f"token-{self.server.tokens}"})
            return
        fate = self.server.plan.pop(0) if self.server.plan else "well"
        if fate == "unavailable":
            self._answer(503, {"detail": "away"})
        elif fate == "refused":
            self._answer(400, {"detail": "no"})
        elif fate == "forgotten":
            self._answer(401, {"detail": "who?"})
        elif fate == "lost before":
            self.connection.close()
        else:
            row = json.loads(body) | {"id": len(self.server.rows) + 1}
            self.server.rows.append(row)
            if fate == "lost after":
                self.connection.close()
            else:
                self._answer(201, row)

    def do_GET(self):
        self._answer(200, {"next": None, "previous": None, "results": self.server.rows})

    def _answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr("hypervisor.demo.service.FIRST_PAUSE_SECONDS", 0.01)
    with HTTPServer(("127.0.0.1", 0), Flaky) as server:
        server.plan, server.rows, server.tokens = [], [], 0
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def session(server):
    session = Session(f"http://127.0.0.1:{server.server_port}", patience=30)
    session.share(session)
    yield session
    session.close()


@pytest.mark.parametrize(
    "plan",
    [
        ["well"],
        ["lost after"],
        ["lost before"],
        ["lost before", "lost after"],
        ["unavailable", "unavailable", "lost after"],
        ["forgotten"],
    ],
)
def test_whatever_happens_to_the_answer_it_is_submitted_once(plan, server, session):
    server.plan = list(plan)
    row = session.create("/deployments", {"name": "train"})
    assert (
        [(row["name"], row["id"])] == [(kept["name"], kept["id"]) for kept in server.rows] == [("train", 1)]
    )


def test_a_refusal_is_not_repeated(server, session):
    server.plan = ["refused"]
    with pytest.raises(Refused, match="400"):
        session.create("/deployments", {"name": "train"})
    assert server.plan == server.rows == []


def test_a_service_that_stays_away_ends_our_patience(server):
    server.plan = ["unavailable"] * 100
    with pytest.raises(GivenUp, match="503"):
        Session(f"http://127.0.0.1:{server.server_port}", patience=0.05).create("/deployments", {"name": "x"})
