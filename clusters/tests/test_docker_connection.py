"""What a Docker cluster's connection may say."""

import io

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from clusters.runtimes.docker_connection import parse_connection, validate_connection
from clusters.runtimes.endpoints import Scheme

from .certificates import Authority

AUTHORITY = Authority()
PAIR = AUTHORITY.sign("client")
TCP = "tcp://engine.example:2376"
SSH = "ssh://ops@engine.example:2222"


def openssh(key) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode()


KEYS = {
    "ed25519": openssh(ed25519.Ed25519PrivateKey.generate()),
    "ecdsa": openssh(ec.generate_private_key(ec.SECP256R1())),
    "rsa": openssh(rsa.generate_private_key(65537, 2048)),
}
HOST_KEY = "ssh-ed25519 " + paramiko.Ed25519Key.from_private_key(io.StringIO(KEYS["ed25519"])).get_base64()


def test_a_socket_of_this_machine() -> None:
    endpoint = parse_connection({"endpoint": "unix:///var/run/docker.sock"})
    assert (endpoint.scheme, endpoint.path) == (Scheme.UNIX, "/var/run/docker.sock")


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [(TCP, "engine.example", 2376), ("tcp://[fd00::1]:2377", "fd00::1", 2377), ("tcp://10.0.0.1", "10.0.0.1", 2376)],
)  # fmt: skip
def test_tcp_is_always_verified_tls(url: str, host: str, port: int) -> None:
    endpoint = parse_connection({"endpoint": url, "ca": AUTHORITY.pem, "cert": PAIR.cert, "key": PAIR.key})
    assert (endpoint.scheme, endpoint.host, endpoint.port) == (Scheme.HTTPS, host, port)
    assert (endpoint.ca, endpoint.cert, endpoint.key) == (AUTHORITY.pem, PAIR.cert, PAIR.key)


def test_tcp_may_name_no_certificate_at_all() -> None:
    assert validate_connection({"endpoint": TCP}) == {}


@pytest.mark.parametrize("kind", KEYS)
def test_ssh_takes_keys_of_each_kind(kind: str) -> None:
    fields = {"endpoint": SSH, "private_key": KEYS[kind], "host_key": HOST_KEY + " root@box"}
    endpoint = parse_connection(fields)
    assert (endpoint.scheme, endpoint.user, endpoint.host, endpoint.port) == (
        Scheme.SSH, "ops", "engine.example", 2222,
    )  # fmt: skip
    assert endpoint.private_key == KEYS[kind]


@pytest.mark.parametrize(
    "url",
    [
        None, 7, "", "docker", "/var/run/docker.sock", "http://engine.example:2375", "https://engine.example:2376",
        "tcp://", "tcp://engine.example:0", "tcp://engine.example:99999", "tcp://engine.example:2376/path",
        "tcp://engine.example:2376?x=1", "tcp://user:SECRET@engine.example:2376", "tcp://user@engine.example:2376",
        "tcp://exämple:2376", "tcp://a b:2376", "tcp://a\nb:2376", "unix://", "unix://docker.sock", "npipe:////./pipe",
        "ssh://engine.example:22", "ssh://user:SECRET@engine.example", "fd://",
    ],
)  # fmt: skip
def test_another_endpoint_is_refused_with_what_to_write(url: object) -> None:
    errors = validate_connection({"endpoint": url})
    assert errors["endpoint"].startswith("Write ")
    assert "SECRET" not in str(errors)
    with pytest.raises(ValueError, match="endpoint: Write "):
        parse_connection({"endpoint": url})


@pytest.mark.parametrize(
    ("connection", "field"),
    [
        ({"endpoint": "unix:///x", "ca": AUTHORITY.pem}, "ca"),
        ({"endpoint": TCP, "private_key": "x"}, "private_key"),
        ({"endpoint": TCP, "insecure": True}, "insecure"),
        ({"endpoint": SSH, "private_key": KEYS["rsa"], "host_key": HOST_KEY, "tls_verify": False}, "tls_verify"),
    ],
)  # fmt: skip
def test_an_unknown_field_is_refused_by_its_name(connection: object, field: str) -> None:
    errors = validate_connection(connection)
    assert list(errors) == [field]
    assert errors[field].startswith("Unknown. With ")


@pytest.mark.parametrize("value", [None, 1, ["a"], "text"])
def test_what_is_no_object_is_refused(value: object) -> None:
    assert list(validate_connection(value)) == ["connection"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"ca": "SECRET"}, ["ca"]),
        ({"ca": 7}, ["ca"]),
        ({"cert": PAIR.cert}, ["key"]),
        ({"key": PAIR.key}, ["cert"]),
        ({"cert": PAIR.cert, "key": "SECRET"}, ["key"]),
        ({"cert": "SECRET", "key": PAIR.key}, ["cert"]),
        ({"cert": PAIR.cert, "key": AUTHORITY.sign("other").key}, ["key"]),
        ({"cert": PAIR.cert, "key": PAIR.key.replace("M", "SECRET", 1)}, ["key"]),
    ],
)
def test_a_wrong_pem_is_told_without_quoting_it(fields: dict[str, object], wrong: list[str]) -> None:
    errors = validate_connection({"endpoint": TCP, **fields})
    assert list(errors) == wrong
    assert "SECRET" not in str(errors)


@pytest.mark.parametrize("name", ["private_key", "host_key"])
@pytest.mark.parametrize(
    "value", [None, "", "SECRET", "ssh-ed25519", "ssh-ed25519 SECRET", "ssh-rsa AAAA", 7]
)
def test_a_wrong_ssh_key_is_told_without_quoting_it(name: str, value: object) -> None:
    errors = validate_connection(
        {"endpoint": SSH, "private_key": KEYS["ecdsa"], "host_key": HOST_KEY, name: value}
    )
    assert list(errors) == [name]
    assert "SECRET" not in str(errors)
