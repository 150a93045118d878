"""The door to engines, against servers that do all they should not."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from clusters.runtimes import http as door
from clusters.runtimes.endpoints import Endpoint, Reach, Scheme
from clusters.runtimes.http import EngineHTTP

from .certificates import Authority
from .engine_clients import LOCAL, OK, client, refused
from .engine_server import read_request, says, server


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


class TestACall:
    def test_answers_status_headers_and_json(self, authority: Authority) -> None:
        with server(says(OK, "X-Thing: 1", body='{"a": [1]}'), authority.sign("127.0.0.1")) as running:
            answer = client(running, authority).call("GET", "/x")
        assert (answer.status, answer.body, answer.headers["x-thing"]) == (200, {"a": [1]}, "1")

    @pytest.mark.parametrize(
        ("body", "seen"), [("", None), ("plain", "plain"), ("[" * 100_000, "[" * 100_000)]
    )
    def test_answers_text_for_what_is_no_json_and_none_for_nothing(
        self, authority: Authority, body: str, seen: object
    ) -> None:
        with server(says("HTTP/1.1 500 Oh", body=body), authority.sign("127.0.0.1")) as running:
            answer = client(running, authority).call("GET", "/x")
        assert (answer.status, answer.body) == (500, seen)

    def test_sends_query_body_token_and_headers_and_keeps_its_connection(self, authority: Authority) -> None:
        requests = []

        def serve(sock: socket.socket) -> None:
            while request := read_request(sock):
                requests.append(request.decode())
                sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        with server(serve, authority.sign("127.0.0.1")) as running:
            http = client(running, authority, bearer="token")
            http.call("POST", "/x", query={"a": "b c", "d": ["1", "2"]}, body={"k": 1}, headers={"X-Y": "z"})
            http.call("GET", "/y")
            http.call("DELETE", "/z")
            assert running.connections == 1
        head, _, body = requests[0].partition("\r\n\r\n")
        assert head.startswith("POST /x?a=b+c&d=1&d=2 HTTP/1.1\r\n")
        assert f"Host: 127.0.0.1:{running.port}" in head
        assert "Authorization: Bearer token" in head
        assert "X-Y: z" in head
        assert body == '{"k": 1}'
        assert "content-length" not in requests[1].lower()

    def test_many_threads_may_use_one_door(self, authority: Authority) -> None:
        with server(says(OK, body='"x"'), authority.sign("127.0.0.1")) as running:
            http = client(running, authority)
            with ThreadPoolExecutor(16) as threads:
                answers = list(threads.map(lambda _: http.call("GET", "/").body, range(200)))
            assert running.connections <= 200
        assert answers == ["x"] * 200

    def test_a_kept_connection_that_the_engine_closed_is_not_used_again(self, authority: Authority) -> None:
        with server(says(OK, body="1", then=lambda _: None), authority.sign("127.0.0.1")) as running:
            http = client(running, authority)
            for _ in range(3):
                assert http.call("GET", "/").body == 1
                time.sleep(0.05)
            assert running.connections == 3

    def test_goes_over_a_unix_socket_for_platform_staff_only(self, tmp_path) -> None:
        path = str(tmp_path / "engine.sock")
        with server(says(OK, body="7"), path=path):
            endpoint = Endpoint(Scheme.UNIX, path=path)
            assert EngineHTTP(endpoint, Reach(trusted=True)).call("GET", "/").body == 7
            assert "platform staff" in refused(
                lambda: EngineHTTP(endpoint, LOCAL).call("GET", "/"), permanent=True
            )

    def test_a_missing_socket_is_told(self, tmp_path) -> None:
        http = EngineHTTP(Endpoint(Scheme.UNIX, path=str(tmp_path / "none")), Reach(trusted=True))
        assert "no socket" in refused(lambda: http.call("GET", "/"), permanent=False)

    def test_nothing_of_the_environment_is_used(self, authority: Authority, monkeypatch) -> None:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        with server(says(OK, body="1"), authority.sign("127.0.0.1")) as running:
            assert client(running, authority).call("GET", "/").body == 1


class TestTLS:
    @pytest.mark.parametrize(
        ("names", "days", "sentence"),
        [
            (("other.example",), 1, "The engine's certificate is for another host name."),
            (("127.0.0.2",), 1, "The engine's certificate is for another host name."),
            (("127.0.0.1",), -1, "The engine's certificate has expired."),
        ],
    )
    def test_a_wrong_certificate_is_permanent(
        self, authority: Authority, names: tuple[str, ...], days: int, sentence: str
    ) -> None:
        with server(says(OK), authority.sign(*names, days=days)) as running:
            assert refused(lambda: client(running, authority).call("GET", "/"), permanent=True) == sentence

    @pytest.mark.parametrize("known", [True, False])
    def test_an_unknown_authority_is_permanent(self, authority: Authority, known: bool) -> None:
        other = Authority() if known else None
        with server(says(OK), authority.sign("127.0.0.1")) as running:
            message = refused(lambda: client(running, other).call("GET", "/"), permanent=True)
        assert (
            message == "The engine's certificate is not signed by an authority that this connection trusts."
        )

    def test_both_sides_may_show_a_certificate_and_no_file_of_ours_stays(
        self, authority: Authority, tmp_path, monkeypatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        ours = authority.sign("client")
        with server(says(OK, body="1"), authority.sign("127.0.0.1"), client_ca=authority.pem) as running:
            assert client(running, authority, cert=ours.cert, key=ours.key).call("GET", "/").body == 1
            assert list(tmp_path.iterdir()) == []
            message = refused(lambda: client(running, authority).call("GET", "/"), permanent=True)
        assert message == "The engine does not accept the certificate that we show it."

    def test_a_key_of_another_certificate_is_told_without_quoting_it(self, authority: Authority) -> None:
        endpoint = Endpoint(
            Scheme.HTTPS, host="h", port=1, cert=authority.sign("a").cert, key=authority.sign("b").key
        )
        assert "do not belong together" in refused(lambda: EngineHTTP(endpoint, LOCAL), permanent=True)

    def test_an_engine_without_tls_is_told(self) -> None:
        def serve(sock: socket.socket) -> None:
            sock.recv(65536)
            sock.sendall(b"HTTP/1.1 400 Client sent something else\r\n\r\n")

        with server(serve) as running:
            message = refused(lambda: client(running).call("GET", "/"), permanent=False)
        assert message == "The engine does not speak TLS of version 1.2 or newer."


class TestWhatAnEngineShouldNotDo:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_no_redirect_is_followed(self, authority: Authority, status: int) -> None:
        elsewhere = "Location: https://secret.example/"
        with server(says(f"HTTP/1.1 {status} Moved", elsewhere), authority.sign("127.0.0.1")) as running:
            http = client(running, authority)
            message = refused(lambda: http.call("GET", "/"), permanent=False)
            assert running.connections == 1
        assert "redirect" in message
        assert "secret" not in message

    @pytest.mark.parametrize(
        "garbage", [b"\x00\xff garbage SECRET\r\n\r\n", b"HTTP/1.1 2", b"", b"SSH-2.0-x\r\n"]
    )
    def test_garbage_instead_of_http_is_told_in_our_words(self, authority: Authority, garbage: bytes) -> None:
        def serve(sock: socket.socket) -> None:
            read_request(sock)
            sock.sendall(garbage)

        with server(serve, authority.sign("127.0.0.1")) as running:
            message = refused(lambda: client(running, authority).call("GET", "/"), permanent=False)
        assert any(words in message for words in ("does not speak HTTP", "without an answer", "broke"))
        assert "SECRET" not in message

    @pytest.mark.parametrize(
        "head",
        [
            "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        ],
    )
    def test_half_an_answer_is_a_failure(self, authority: Authority, head: str) -> None:
        def serve(sock: socket.socket) -> None:
            read_request(sock)
            sock.sendall(head.encode())

        with server(serve, authority.sign("127.0.0.1")) as running:
            refused(lambda: client(running, authority).call("GET", "/"), permanent=False)

    def test_a_silent_engine_is_left_after_the_time_out(self, authority: Authority) -> None:
        def serve(sock: socket.socket) -> None:
            read_request(sock)
            running.closing.wait(60)

        with server(serve, authority.sign("127.0.0.1")) as running:
            began = time.monotonic()
            message = refused(
                lambda: client(running, authority).call("GET", "/", seconds=0.2), permanent=False
            )
            assert time.monotonic() - began < 3
        assert message == "The engine did not answer in time."

    @pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"])
    def test_an_engine_that_drips_cannot_hold_us(
        self, authority: Authority, head: bytes, monkeypatch
    ) -> None:
        monkeypatch.setattr(door, "TOTAL_SECONDS", 0.6)

        def serve(sock: socket.socket) -> None:
            read_request(sock)
            sock.sendall(head)
            while not running.closing.wait(0.05):
                sock.sendall(b"H")

        with server(serve, authority.sign("127.0.0.1")) as running:
            began = time.monotonic()
            http = client(running, authority)
            assert "in time" in refused(lambda: http.call("GET", "/", seconds=0.5), permanent=False)
            assert time.monotonic() - began < 3

    def test_a_handshake_that_never_comes_is_left(self, monkeypatch) -> None:
        monkeypatch.setattr(door, "CONNECT_SECONDS", 0.3)
        with server(lambda sock: running.closing.wait(60)) as running:
            assert "in time" in refused(lambda: client(running).call("GET", "/"), permanent=False)

    def test_too_long_an_answer_is_left(self, authority: Authority, monkeypatch) -> None:
        monkeypatch.setattr(door, "MAX_ANSWER_BYTES", 1000)
        with server(says(OK, body="x" * 100_000), authority.sign("127.0.0.1")) as running:
            assert "too long" in refused(lambda: client(running, authority).call("GET", "/"), permanent=False)

    def test_nobody_listening_is_told(self) -> None:
        with server(says(OK)) as running:
            http = client(running)
        assert "nothing listens" in refused(lambda: http.call("GET", "/"), permanent=False)

    def test_a_token_that_is_no_header_is_refused_without_being_quoted(self, authority: Authority) -> None:
        with server(says(OK), authority.sign("127.0.0.1")) as running:
            http = client(running, authority, bearer="SECRET\r\nX: y")
            assert "SECRET" not in refused(lambda: http.call("GET", "/"), permanent=True)
