"""Real engines behind TLS and ssh: the same driver, from another machine's view."""

import getpass
import io
import os
import shutil
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from clusters.runtimes.base import Phase, RuntimeFailure, text_of
from clusters.runtimes.docker import DockerDriver
from clusters.runtimes.docker_connection import parse_connection
from clusters.runtimes.endpoints import Endpoint, Reach
from clusters.runtimes.http import EngineHTTP

from .certificates import Authority
from .docker_engine import STAFF, ended, missing, new_owner, refusal, socket_path, spec
from .engine_server import server

pytestmark = pytest.mark.usefixtures("docker_http")
HOSTS_ONLY = Reach(entries=("127.0.0.1",))


def new_key(kind: str) -> str:
    made = {
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
    }[kind]()
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode()


KEY_CLASSES = {"ed25519": paramiko.Ed25519Key, "ecdsa": paramiko.ECDSAKey, "rsa": paramiko.RSAKey}


def public_line(kind: str, private: str) -> str:
    key = KEY_CLASSES[kind].from_private_key(io.StringIO(private))
    return f"{key.get_name()} {key.get_base64()}"


class Sshd:
    """A private ssh server whose sessions can do nothing but reach the engine."""

    def __init__(self, port: int, host_keys: dict[str, str], client_keys: dict[str, str]) -> None:
        self.port, self.host_keys, self.client_keys = port, host_keys, client_keys

    def endpoint(self, *, client: str = "ed25519", host: str = "ed25519", **more: str) -> Endpoint:
        fields = {
            "endpoint": f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}",
            "private_key": self.client_keys[client],
            "host_key": public_line(host, self.host_keys[host]),
        }
        return parse_connection(fields | more)


@contextmanager
def running_sshd(root: Path, engine: str) -> Iterator[Sshd]:
    program = shutil.which("sshd") or "/usr/sbin/sshd"
    if not os.path.exists(program) or not shutil.which("docker"):
        missing("There is no sshd, or no docker command.")
    with suppress(PermissionError):  # only root's sshd wants it
        Path("/run/sshd").mkdir(exist_ok=True)
    host_keys, client_keys = ({kind: new_key(kind) for kind in KEY_CLASSES} for _ in range(2))
    lines = []
    for kind, text in host_keys.items():
        file = root / f"host_{kind}"
        file.write_text(text)
        file.chmod(stat.S_IRUSR | stat.S_IWUSR)
        lines.append(f"HostKey {file}")
    authorized = root / "authorized"
    authorized.write_text("\n".join(public_line(kind, text) for kind, text in client_keys.items()) + "\n")
    authorized.chmod(stat.S_IRUSR | stat.S_IWUSR)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = root / "sshd_config"
    config.write_text(
        "\n".join(
            [
                *lines, f"Port {port}", "ListenAddress 127.0.0.1", f"AuthorizedKeysFile {authorized}",
                "StrictModes no", "UsePAM no", "PasswordAuthentication no", "PermitRootLogin prohibit-password",
                f"SetEnv DOCKER_HOST=unix://{engine}", f"PidFile {root}/pid", "LogLevel ERROR",
            ]
        )
    )  # fmt: skip
    process = subprocess.Popen([program, "-D", "-f", str(config)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield Sshd(port, host_keys, client_keys)
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd"), socket_path()) as running:
        yield running


def relay(client: socket.socket) -> None:
    """Carries a connection on to the engine's own socket."""
    engine = socket.socket(socket.AF_UNIX)
    engine.connect(socket_path())

    def carry(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with suppress(OSError):
            socket.socket.shutdown(target, socket.SHUT_RDWR)

    back = threading.Thread(target=carry, args=(engine, client), daemon=True)
    back.start()
    carry(client, engine)
    back.join()
    engine.close()


def proves_itself(door: EngineHTTP) -> None:
    """A life of a container, with logs that are followed and ended from outside."""
    driver = DockerDriver(door, new_owner())
    asked = spec("sh", "-c", "echo hello; exec sleep 60")
    try:
        handle = driver.start(asked)
        assert driver.observe()[0].phase is Phase.RUNNING
        logs = driver.logs(handle, 10, follow=True)
        threading.Timer(1, logs.close).start()
        began = time.monotonic()
        assert text_of(logs) == "hello\n"
        assert time.monotonic() - began < 10
        driver.stop(handle, 10)
        assert ended(driver, asked.name).exit_code == 143
    finally:
        assert driver.remove_many([seen.handle for seen in driver.observe()]) == {}
        door.close()


class TestTLS:
    def test_an_engine_is_driven_with_certificates_on_both_sides(self) -> None:
        authority = Authority()
        pair = authority.sign("client")
        with server(relay, authority.sign("127.0.0.1"), client_ca=authority.pem) as running:
            fields = {"endpoint": f"tcp://127.0.0.1:{running.port}", "ca": authority.pem, "cert": pair.cert}
            proves_itself(EngineHTTP(parse_connection(fields | {"key": pair.key}), HOSTS_ONLY))


class TestSsh:
    @pytest.mark.parametrize("kind", KEY_CLASSES)
    def test_an_engine_is_reached_with_keys_of_each_kind(self, sshd: Sshd, kind: str) -> None:
        door = EngineHTTP(sshd.endpoint(client=kind, host=kind), STAFF)
        assert door.call("GET", "/_ping").body == "OK"
        door.close()

    def test_an_engine_is_driven(self, sshd: Sshd) -> None:
        proves_itself(EngineHTTP(sshd.endpoint(), STAFF))

    def test_one_sign_in_serves_many_calls(self, sshd: Sshd, monkeypatch) -> None:
        from clusters.runtimes import ssh

        signed_in = []
        real = ssh.paramiko.Transport
        monkeypatch.setattr(ssh.paramiko, "Transport", lambda sock: signed_in.append(sock) or real(sock))
        door = EngineHTTP(sshd.endpoint(), STAFF)
        for _ in range(5):
            assert door.call("GET", "/_ping").status == 200
        door.close()
        assert len(signed_in) == 1

    def test_another_host_key_than_the_pinned_one_is_permanent(self, sshd: Sshd) -> None:
        endpoint = replace(sshd.endpoint(), host_key=public_line("ed25519", new_key("ed25519")))
        failure = refusal(lambda: EngineHTTP(endpoint, STAFF).call("GET", "/_ping"))
        assert (str(failure), failure.permanent) == (
            "The ssh server shows another host key than the pinned one.", True,
        )  # fmt: skip

    def test_a_key_that_the_server_does_not_know_is_permanent(self, sshd: Sshd) -> None:
        endpoint = replace(sshd.endpoint(), private_key=new_key("ed25519"))
        failure = refusal(lambda: EngineHTTP(endpoint, STAFF).call("GET", "/_ping"))
        assert (str(failure), failure.permanent) == (
            "The ssh server does not accept this user and private key.", True,
        )  # fmt: skip

    def test_keys_of_this_machines_user_are_not_offered(self, sshd: Sshd, tmp_path, monkeypatch) -> None:
        (tmp_path / ".ssh").mkdir()
        (tmp_path / ".ssh" / "id_ed25519").write_text(sshd.client_keys["ed25519"])
        monkeypatch.setenv("HOME", str(tmp_path))
        endpoint = replace(sshd.endpoint(), private_key=new_key("ed25519"))
        assert refusal(lambda: EngineHTTP(endpoint, STAFF).call("GET", "/_ping")).permanent

    def test_a_host_without_docker_is_told(self, sshd: Sshd, monkeypatch) -> None:
        monkeypatch.setattr("clusters.runtimes.ssh.COMMAND", "false")
        failure = refusal(lambda: EngineHTTP(sshd.endpoint(), STAFF).call("GET", "/_ping"))
        assert "does not reach an engine there" in str(failure)

    def test_a_tenant_may_not_use_it(self, sshd: Sshd) -> None:
        failure = refusal(lambda: EngineHTTP(sshd.endpoint(), HOSTS_ONLY).call("GET", "/_ping"))
        assert "platform staff" in str(failure)

    def test_a_host_that_speaks_no_ssh_is_told(self, sshd: Sshd) -> None:
        with server(lambda sock: sock.sendall(b"HTTP/1.1 200 SECRET\r\n\r\n")) as running:
            endpoint = replace(sshd.endpoint(), port=running.port)
            failure = refusal(lambda: EngineHTTP(endpoint, STAFF).call("GET", "/_ping"))
        assert str(failure) == "The host does not speak ssh as it should."

    def test_a_silent_host_is_left_in_time(self, sshd: Sshd, monkeypatch) -> None:
        monkeypatch.setattr("clusters.runtimes.http.CONNECT_SECONDS", 0.5)
        with server(lambda sock: running.closing.wait(60)) as running:
            endpoint = replace(sshd.endpoint(), port=running.port)
            began = time.monotonic()
            with pytest.raises(RuntimeFailure):
                EngineHTTP(endpoint, STAFF).call("GET", "/_ping")
            assert time.monotonic() - began < 5
