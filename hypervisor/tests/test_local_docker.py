"""What `make run` offers when a Docker engine answers here."""

import socket
import threading

import pytest

from hypervisor.supervisor.engines import local_docker


@pytest.fixture
def listening(tmp_path, monkeypatch):
    """Answers one question at the socket of DOCKER_HOST with what it is given."""
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")

    def listen(answer):
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        server.listen()

        def serve():
            with server, server.accept()[0] as caller:
                caller.recv(100)
                caller.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return f"unix://{path}"

    return listen


def test_an_engine_that_answers_is_offered(listening):
    address = listening(b"HTTP/1.0 200 OK\r\n\r\nOK")
    assert local_docker() == address


def test_whatever_else_listens_there_is_not(listening):
    listening(b"HTTP/1.0 403 Forbidden\r\n\r\n")
    assert local_docker() is None


@pytest.mark.parametrize("address", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:2376", "ssh://a@b"])
def test_nothing_is_offered_where_no_socket_is(monkeypatch, address):
    monkeypatch.setenv("DOCKER_HOST", address)
    assert local_docker() is None
