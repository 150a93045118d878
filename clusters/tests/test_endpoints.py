"""Who may be reached where."""

import ipaddress

import pytest

from clusters.runtimes.endpoints import Endpoint, Reach, Scheme, parse_entry, wrong_entries


def https(host: str, port: int = 2376) -> Endpoint:
    return Endpoint(Scheme.HTTPS, host=host, port=port)


def allows(entry: str, host: str, address: str | None = None, port: int = 2376) -> bool:
    known = None if address is None else ipaddress.ip_address(address)
    return Reach(entries=(entry,)).why_not(https(host, port), known) is None


def test_who_is_trusted_may_go_anywhere() -> None:
    for endpoint in (Endpoint(Scheme.UNIX, path="/x"), Endpoint(Scheme.SSH, host="h", port=22), https("h")):
        assert Reach(trusted=True).why_not(endpoint, ipaddress.ip_address("127.0.0.1")) is None


@pytest.mark.parametrize("scheme", [Scheme.UNIX, Scheme.SSH])
def test_a_tenant_may_name_no_socket_and_no_ssh_host(scheme: Scheme) -> None:
    reason = Reach(entries=("h", "0.0.0.0/0")).why_not(Endpoint(scheme, host="h", port=22))
    assert reason == f"Only platform staff may connect an engine by {scheme}://."


def test_a_host_that_is_not_listed_is_refused_with_what_to_ask_for() -> None:
    reason = Reach().why_not(https("engine.example"))
    assert reason is not None
    assert "engine.example:2376" in reason
    assert "CLUSTER_ENDPOINTS" in reason


@pytest.mark.parametrize(
    ("entry", "host", "address"),
    [
        ("engine.example", "engine.example", None),
        ("engine.example", "ENGINE.example.", "10.1.2.3"),
        ("engine.example:2376", "engine.example", "10.1.2.3"),
        ("10.0.0.0/8", "engine.example", None),
        ("10.0.0.0/8", "engine.example", "10.1.2.3"),
        ("10.0.0.0/8", "10.1.2.3", None),
        ("10.0.0.0/8", "engine.example", "::ffff:10.1.2.3"),
        ("[fd12::/16]:2376", "engine.example", "fd12::1"),
        ("fe80::1", "engine.example", "fe80::1%eth0"),
        ("engine.example", "engine.example", "fec0::1"),
        ("engine.example", "engine.example", "2002:a01:203::"),
        ("127.0.0.1", "engine.example", "127.0.0.1"),
        ("169.254.169.254", "engine.example", "169.254.169.254"),
    ],
)
def test_what_an_entry_names_may_be_reached(entry: str, host: str, address: str | None) -> None:
    assert allows(entry, host, address)


@pytest.mark.parametrize(
    ("entry", "host", "address"),
    [
        ("engine.example", "other.example", None),
        ("engine.example:443", "engine.example", "10.1.2.3"),
        ("10.0.0.0/8", "engine.example", "11.0.0.1"),
        ("10.0.0.0/8", "11.0.0.1", None),
        ("engine.example", "engine.example", "127.0.0.1"),
        ("engine.example", "engine.example", "::1"),
        ("engine.example", "engine.example", "::ffff:127.0.0.1"),
        ("engine.example", "engine.example", "0.0.0.0"),
        ("engine.example", "engine.example", "::"),
        ("engine.example", "engine.example", "169.254.1.1"),
        ("engine.example", "engine.example", "fe80::1%eth0"),
        ("engine.example", "engine.example", "224.0.0.1"),
        ("engine.example", "engine.example", "64:ff9b::a9fe:a9fe"),
        ("engine.example", "engine.example", "100.100.100.200"),
        ("engine.example", "engine.example", "fd00:ec2::254%eth0"),
        ("0.0.0.0/0", "engine.example", "169.254.169.254"),
        ("0.0.0.0/0", "169.254.169.254", None),
        ("169.254.0.0/16", "engine.example", "::ffff:169.254.169.254"),
        ("::/0", "engine.example", "fd00:ec2::254"),
        ("64:ff9b::/96", "engine.example", "64:ff9b::a9fe:a9fe"),
        ("engine.example", "engine.example", "2002:7f00:1::"),
        ("engine.example", "engine.example", "2002:a9fe:a9fe::"),
    ],
)
def test_what_no_entry_names_and_what_hides_behind_a_name_may_not(
    entry: str, host: str, address: str | None
) -> None:
    assert not allows(entry, host, address)


@pytest.mark.parametrize(
    "entry",
    [
        "", " ", ":2376", "host:", "host:0", "host:65536", "host:x", "host:２", "https://host", "host/path", "a..b",
        "10.0.0.1/8", "10.0.0.256", "10.0.0", "2130706433", "[::1", "[::1]x", "[::1]:", "*.example", "a b",
    ],
)  # fmt: skip
def test_what_is_no_entry_is_told(entry: str) -> None:
    assert wrong_entries([entry, "good.example"]) == [entry]


def test_an_entry_may_name_a_port_and_then_counts_for_it_alone() -> None:
    rule = parse_entry("[2001:db8::/32]:6443")
    assert rule is not None
    assert (str(rule.network), rule.port) == ("2001:db8::/32", 6443)
    assert allows("host:6443", "host", port=6443)
    assert not allows("host:6443", "host", port=6444)


def test_an_endpoint_is_written_as_an_address_without_its_keys() -> None:
    assert str(Endpoint(Scheme.UNIX, path="/run/docker.sock")) == "unix:///run/docker.sock"
    assert str(https("::1")) == "https://[::1]:2376"
    shown = repr(Endpoint(Scheme.SSH, host="h", port=22, key="SECRET1", private_key="SECRET2"))
    assert "SECRET" not in shown
