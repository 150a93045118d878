"""Which address the door to engines goes to, and what comes through it piece by piece."""

import socket
import threading
import time
from contextlib import suppress

import pytest

from clusters.runtimes import http as door
from clusters.runtimes import wire
from clusters.runtimes.base import RuntimeFailure
from clusters.runtimes.endpoints import Endpoint, Reach, Scheme
from clusters.runtimes.http import EngineHTTP

from .certificates import Authority
from .engine_clients import OK, client, refused
from .engine_server import read_request, says, server


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


class TestWhoMayBeReached:
    @pytest.fixture
    def resolver(self, monkeypatch) -> list[list[str]]:
        """What the names resolve to, one list of addresses for each look-up."""
        answers: list[list[str]] = []

        def getaddrinfo(host, port, **_):
            found = answers.pop(0)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

        monkeypatch.setattr(wire.socket, "getaddrinfo", getaddrinfo)
        return answers

    def test_the_connection_goes_to_the_address_that_was_looked_at(
        self, authority: Authority, resolver
    ) -> None:
        reach = Reach(entries=("127.0.0.9", "127.0.0.1"))
        with server(says(OK, body="1"), authority.sign("engine.example")) as running:
            resolver += [["127.0.0.9", "127.0.0.1"]]  # nothing listens at the first
            http = client(running, authority, "engine.example", reach=reach)
            assert http.call("GET", "/").body == 1
        assert resolver == []

    def test_a_name_that_comes_to_mean_this_machine_is_refused_at_the_next_connect(
        self, authority: Authority, resolver
    ) -> None:
        reach = Reach(entries=("engine.example", "127.0.0.2"))
        serve = says(OK, body="1", then=lambda _: None)
        with server(serve, authority.sign("engine.example"), host="0.0.0.0") as running:
            http = client(running, authority, "engine.example", reach=reach)
            resolver += [["127.0.0.2"], ["127.0.0.1"]]
            assert http.call("GET", "/").body == 1
            time.sleep(0.05)
            assert "not among the hosts" in refused(lambda: http.call("GET", "/"), permanent=True)
            assert running.connections == 1

    @pytest.mark.parametrize("address", ["169.254.169.254", "127.0.0.1", "0.0.0.0"])
    def test_a_listed_name_opens_no_metadata_and_not_this_machine(self, resolver, address: str) -> None:
        resolver += [[address]]
        http = EngineHTTP(
            Endpoint(Scheme.HTTPS, host="engine.example", port=443), Reach(entries=("engine.example",))
        )
        assert "not among the hosts" in refused(lambda: http.call("GET", "/"), permanent=True)

    def test_of_several_addresses_only_those_allowed_are_tried(self, authority: Authority, resolver) -> None:
        with server(says(OK, body="1"), authority.sign("engine.example"), host="0.0.0.0") as running:
            resolver += [["127.0.0.3", "127.0.0.2"]]
            http = client(running, authority, "engine.example", reach=Reach(entries=("127.0.0.2",)))
            assert http.call("GET", "/").body == 1

    def test_a_name_without_an_address_is_told(self, monkeypatch) -> None:
        def getaddrinfo(*_, **__):
            raise socket.gaierror

        monkeypatch.setattr(wire.socket, "getaddrinfo", getaddrinfo)
        http = EngineHTTP(Endpoint(Scheme.HTTPS, host="no.example", port=443), Reach(trusted=True))
        assert "no address" in refused(lambda: http.call("GET", "/"), permanent=False)

    def test_a_resolver_that_hangs_is_left(self, monkeypatch) -> None:
        woken = threading.Event()
        monkeypatch.setattr(wire.socket, "getaddrinfo", lambda *_, **__: woken.wait(30) and [])
        monkeypatch.setattr(door, "CONNECT_SECONDS", 0.2)
        http = EngineHTTP(Endpoint(Scheme.HTTPS, host="no.example", port=443), Reach(trusted=True))
        assert "in time" in refused(lambda: http.call("GET", "/"), permanent=False)
        woken.set()


class TestAStream:
    @staticmethod
    def chunks(*pieces: bytes, hold: bool = False):
        def serve(sock: socket.socket) -> None:
            read_request(sock)
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in pieces:
                sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            if hold:
                with suppress(OSError):
                    sock.recv(1)
            else:
                sock.sendall(b"0\r\n\r\n")

        return serve

    def test_comes_piece_by_piece(self, authority: Authority) -> None:
        with server(self.chunks(b"one", b"two"), authority.sign("127.0.0.1")) as running:
            stream = client(running, authority).stream("GET", "/")
            assert (stream.status, b"".join(stream)) == (200, b"onetwo")

    @pytest.mark.parametrize("secure", [True, False])
    def test_is_ended_at_once_by_another_thread(self, authority: Authority, secure: bool, tmp_path) -> None:
        path = "" if secure else str(tmp_path / "sock")
        pair = authority.sign("127.0.0.1") if secure else None
        with server(self.chunks(b"one", hold=True), pair, path=path) as running:
            local = Endpoint(Scheme.UNIX, path=path)
            http = client(running, authority) if secure else EngineHTTP(local, Reach(trusted=True))
            stream = http.stream("GET", "/")
            closer = threading.Timer(0.2, stream.close)
            closer.start()
            began = time.monotonic()
            assert list(stream) == [b"one"]
            assert time.monotonic() - began < 2
            closer.join()
            stream.close()
            assert list(stream) == []

    def test_ends_when_its_door_is_closed(self, authority: Authority) -> None:
        with server(self.chunks(b"one", hold=True), authority.sign("127.0.0.1")) as running:
            http = client(running, authority)
            stream = http.stream("GET", "/")
            closer = threading.Timer(0.2, http.close)
            closer.start()
            began = time.monotonic()
            with suppress(RuntimeFailure):
                list(stream)
            assert time.monotonic() - began < 2
            closer.join()

    def test_closed_before_it_is_read_gives_nothing(self, authority: Authority) -> None:
        with server(self.chunks(b"one", hold=True), authority.sign("127.0.0.1")) as running:
            stream = client(running, authority).stream("GET", "/")
            stream.close()
            assert list(stream) == []

    def test_too_long_a_silence_is_a_failure(self, authority: Authority) -> None:
        with server(self.chunks(b"one", hold=True), authority.sign("127.0.0.1")) as running:
            stream = client(running, authority).stream("GET", "/", idle_seconds=0.2)
            assert "in time" in refused(lambda: list(stream), permanent=False)

    def test_its_whole_time_may_be_bounded(self, authority: Authority) -> None:
        def serve(sock: socket.socket) -> None:
            read_request(sock)
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not running.closing.wait(0.05):
                sock.sendall(b"1\r\nx\r\n")

        with server(serve, authority.sign("127.0.0.1")) as running:
            stream = client(running, authority).stream("GET", "/", idle_seconds=5, total_seconds=0.5)
            assert "in time" in refused(lambda: list(stream), permanent=False)

    def test_cut_off_in_the_middle_it_is_a_failure(self, authority: Authority) -> None:
        def serve(sock: socket.socket) -> None:
            read_request(sock)
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")

        with server(serve, authority.sign("127.0.0.1")) as running:
            stream = client(running, authority).stream("GET", "/")
            refused(lambda: list(stream), permanent=False)
