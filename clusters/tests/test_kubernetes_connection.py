"""What a Kubernetes connection may say, and how a hostile kubeconfig is refused without a word of its secrets."""

import base64
from typing import Any

import pytest
import yaml

from clusters.runtimes import kubernetes_connection
from clusters.runtimes.base import RuntimeFailure
from clusters.runtimes.endpoints import Scheme
from clusters.runtimes.kubernetes_connection import is_staff_only, parse_connection, validate_connection

from .certificates import Authority

AUTHORITY = Authority()
PAIR, OTHER = AUTHORITY.sign("client"), AUTHORITY.sign("other")
TOKEN = "a-very-secret-token"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def kubeconfig(cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, **top: Any) -> str:
    server = {
        "server": "https://kube.example.org:6443",
        "certificate-authority-data": encoded(AUTHORITY.pem),
    }
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "lab",
            "clusters": [{"name": "c", "cluster": server | (cluster or {})}],
            "users": [{"name": "u", "user": {"token": TOKEN} if user is None else user}],
            "contexts": [
                {"name": "lab", "context": {"cluster": "c", "user": "u"}},
                {"name": "broken", "context": {"cluster": "nowhere", "user": "u"}},
            ],
            **top,
        }
    )


class TestShapes:
    def test_server_and_token(self) -> None:
        connection = {"server": "https://kube.example.org:6443", "ca": AUTHORITY.pem, "token": TOKEN}
        assert validate_connection(connection) == {}
        endpoint, token = parse_connection(connection)
        assert (endpoint.scheme, endpoint.host, endpoint.port) == (
            Scheme.HTTPS,
            "kube.example.org",
            6443,
        )
        assert (endpoint.ca, token) == (AUTHORITY.pem, TOKEN)
        assert TOKEN not in repr(endpoint)

    def test_a_server_without_a_port_is_at_443(self) -> None:
        endpoint, _ = parse_connection({"server": "https://kube.example.org/", "token": TOKEN})
        assert endpoint.port == 443

    def test_server_and_a_clients_certificate(self) -> None:
        connection = {"server": "https://[fd00::1]:6443", "cert": PAIR.cert, "key": PAIR.key}
        endpoint, token = parse_connection(connection)
        assert (endpoint.host, endpoint.cert, endpoint.key, token) == (
            "fd00::1",
            PAIR.cert,
            PAIR.key,
            "",
        )

    def test_kubeconfig(self) -> None:
        endpoint, token = parse_connection({"kubeconfig": kubeconfig()})
        assert (str(endpoint), endpoint.ca, token) == (
            "https://kube.example.org:6443",
            AUTHORITY.pem,
            TOKEN,
        )

    def test_kubeconfig_with_a_clients_certificate(self) -> None:
        user = {"client-certificate-data": encoded(PAIR.cert), "client-key-data": encoded(PAIR.key)}
        endpoint, _ = parse_connection({"kubeconfig": kubeconfig(user=user), "context": "lab"})
        assert (endpoint.cert, endpoint.key) == (PAIR.cert, PAIR.key)

    def test_in_cluster_is_read_where_the_service_runs_and_is_for_staff(self, tmp_path, monkeypatch) -> None:
        connection = {"in_cluster": True}
        assert validate_connection(connection) == {}
        assert is_staff_only(connection)
        assert not is_staff_only({"server": "https://kube.example.org"})
        monkeypatch.setattr(kubernetes_connection, "SERVICE_ACCOUNT", tmp_path)
        with pytest.raises(RuntimeFailure, match="pod"):
            parse_connection(connection)
        (tmp_path / "token").write_text(f"{TOKEN}\n")
        (tmp_path / "ca.crt").write_text(AUTHORITY.pem)
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
        endpoint, token = parse_connection(connection)
        assert (str(endpoint), token) == ("https://10.0.0.1:443", TOKEN)


@pytest.mark.parametrize(
    ("connection", "field"),
    [
        (None, "connection"),
        ([], "connection"),
        ({}, "connection"),
        ({"token": TOKEN}, "connection"),
        ({"server": "https://a", "kubeconfig": ""}, "connection"),
        ({"in_cluster": False}, "in_cluster"),
        ({"in_cluster": True, "token": TOKEN}, "token"),
        ({"server": "https://a", "token": 3}, "token"),
        ({"server": "https://a", "token": "two words"}, "token"),
        ({"server": "https://a", "token": "line\r\nX-Header: 1"}, "token"),
        ({"server": "https://a", "token": "x" * 20_000}, "token"),
        ({"server": "https://a"}, "token"),
        ({"server": "https://a", "token": TOKEN, "insecure": True}, "insecure"),
        ({"server": "http://a", "token": TOKEN}, "server"),
        ({"server": "ftp://a", "token": TOKEN}, "server"),
        ({"server": "https://", "token": TOKEN}, "server"),
        ({"server": "https://a:0", "token": TOKEN}, "server"),
        ({"server": "https://a:99999", "token": TOKEN}, "server"),
        ({"server": "https://user:word@a", "token": TOKEN}, "server"),
        ({"server": "https://a/k8s/clusters/c-1", "token": TOKEN}, "server"),
        ({"server": "https://a?x", "token": TOKEN}, "server"),
        ({"server": "https://a b", "token": TOKEN}, "server"),
        ({"server": "https://[::1", "token": TOKEN}, "server"),
        ({"server": "https://a", "token": TOKEN, "ca": "no certificate"}, "ca"),
        ({"server": "https://a", "cert": PAIR.cert}, "key"),
        ({"server": "https://a", "key": PAIR.key}, "cert"),
        ({"server": "https://a", "cert": PAIR.cert, "key": OTHER.key}, "key"),
        ({"server": "https://a", "cert": "x", "key": PAIR.key}, "cert"),
        ({"kubeconfig": 3}, "kubeconfig"),
        ({"kubeconfig": kubeconfig(), "context": 3}, "context"),
    ],
)
def test_a_wrong_field_is_named_and_no_value_is_repeated(connection: Any, field: str) -> None:
    errors = validate_connection(connection)
    assert list(errors) == [field]
    assert TOKEN not in str(errors)
    assert "PRIVATE" not in str(errors)


@pytest.mark.parametrize(
    ("cluster", "user", "name"),
    [
        ({"certificate-authority": "/etc/passwd"}, None, "certificate-authority"),
        ({"insecure-skip-tls-verify": True}, None, "insecure-skip-tls-verify"),
        ({"proxy-url": "http://proxy"}, None, "proxy-url"),
        ({"tls-server-name": "other"}, None, "tls-server-name"),
        ({"server": "http://kube.example.org"}, None, "http://"),
        ({"certificate-authority-data": "###"}, None, "certificate-authority-data"),
        (None, {"exec": {"command": "sh", "args": [TOKEN]}}, "exec"),
        (None, {"auth-provider": {"name": "gcp"}}, "auth-provider"),
        (None, {"tokenFile": "/etc/passwd"}, "tokenFile"),
        (None, {"client-certificate": "/etc/passwd"}, "client-certificate"),
        (None, {"client-key": "/etc/passwd"}, "client-key"),
        (None, {"username": "root", "password": TOKEN}, "username"),
        (None, {"token": TOKEN, "as": "system:admin"}, "as"),
        (None, {"token": TOKEN, "as-groups": ["system:masters"]}, "as-groups"),
        (None, {"token": [TOKEN]}, "token"),
        (None, {}, "token"),
    ],
)
def test_what_a_kubeconfig_may_not_hold_is_refused_by_name(
    cluster: dict[str, Any] | None, user: dict[str, Any] | None, name: str
) -> None:
    errors = validate_connection({"kubeconfig": kubeconfig(cluster, user)})
    assert list(errors) == ["kubeconfig"]
    assert name in errors["kubeconfig"]
    assert TOKEN not in str(errors)


def test_what_others_of_the_file_hold_does_not_matter() -> None:
    config = yaml.safe_load(kubeconfig())
    config["users"].append({"name": "other", "user": {"exec": {"command": "sh"}}})
    assert validate_connection({"kubeconfig": yaml.safe_dump(config)}) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no kubeconfig"),
        ("[1, 2]", "no kubeconfig"),
        ("{", "no YAML"),
        ("!!python/object/apply:os.system ['true']", "no YAML"),
        ("a: 2001-99-99", "no YAML"),
        ("!!timestamp x", "no YAML"),
        ("a: \x00", "no YAML"),
        ("? [a]\n: b", "no YAML"),
        ("a: 1\n---\nb: 2", "no YAML"),
        ("[" * 30_000, "nested"),
        ("x" * 70_000, "longer than 64 KiB"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "refers to parts of itself"),
        ("a: &a {b: *a}", "refers to parts of itself"),
        ("clusters: []", "no current-context"),
        (kubeconfig(contexts=[]), "exactly one context"),
        (kubeconfig(contexts=[{"name": "lab", "context": {"cluster": "c"}}]), "names no user"),
        (kubeconfig(contexts=[{"name": "lab", "context": {"user": "u"}}]), "names no cluster"),
        (kubeconfig(clusters=3), "exactly one cluster"),
        (kubeconfig(users=[{"name": "u"}]), "exactly one user"),
    ],
)
def test_a_file_that_is_none_or_a_trick_is_refused(text: str, says: str) -> None:
    assert says in validate_connection({"kubeconfig": text})["kubeconfig"]


def test_a_context_that_leads_nowhere_is_refused() -> None:
    errors = validate_connection({"kubeconfig": kubeconfig(), "context": "broken"})
    assert "exactly one cluster" in errors["kubeconfig"]


def test_a_wrong_connection_is_a_permanent_failure_without_its_secrets() -> None:
    with pytest.raises(RuntimeFailure) as caught:
        parse_connection({"server": "http://a", "token": TOKEN})
    assert caught.value.permanent
    assert "server" in str(caught.value)
    assert TOKEN not in str(caught.value)
