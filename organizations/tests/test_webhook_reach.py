"""A webhook reaches no address inside of a network, whatever its name resolves to and whenever."""

import socket
from types import SimpleNamespace

import pytest

from organizations.tests.receiver import Receiver
from organizations.webhooks import reach, sending
from organizations.webhooks.reach import NotReachable, allowed_addresses, why_not

INSIDE = [
    "127.0.0.1", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "168.63.129.16",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:a00:1::1", "ff02::1",
    "2001:0:7f00:1::", "fec0::1", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::a00:1", "192.0.0.192", "192.0.0.9",
    "100.100.100.200", "64:ff9b::192.0.0.192", "2002:808:808::1", "2001:db8::1", "3fff::1", "5f00::1", "4000::1",
]  # fmt: skip
NO_ADDRESSES = [
    "", "hooks.example.com", "ftp://hooks.example.com", "https://", "https:///path", "file:///etc/passwd",
    "https://user:password@hooks.example.com/", "https://hooks.example.com:99999/", "https://hooks.example.com:0/",
    "https://hööks.example.com/", "https://hooks.example.com/a b", "https://hooks.example.com/\r\nX: y",
    "http://hooks.example.com/",
]  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_allowed(settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = ()


def resolves_to(monkeypatch, *answers):
    """Names resolve to these addresses, one list after the other, the last for ever."""
    lists = list(answers)

    def resolve(host, port, **_):
        found = lists.pop(0) if len(lists) > 1 else lists[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    # Of this module alone: whoever connects must not need to resolve anything.
    monkeypatch.setattr(reach, "socket", SimpleNamespace(getaddrinfo=resolve, SOCK_STREAM=socket.SOCK_STREAM))


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused_written_out_and_behind_a_name(monkeypatch, address):
    written = f"[{address}]" if ":" in address else address
    assert why_not(f"https://{written}/")
    resolves_to(monkeypatch, [address])
    with pytest.raises(NotReachable, match="WEBHOOK_ALLOWED_NETWORKS"):
        allowed_addresses("https://hooks.example.com/")


def test_one_bad_address_among_good_ones_is_enough(monkeypatch):
    resolves_to(monkeypatch, ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(NotReachable):
        allowed_addresses("https://hooks.example.com/")


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_what_is_no_good_address_is_refused_in_words(url):
    assert why_not(url)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::8.8.8.8"])
def test_a_public_address_is_fine_and_only_under_tls(monkeypatch, address):
    resolves_to(monkeypatch, [address])
    assert allowed_addresses("https://hooks.example.com/x") == [address]
    with pytest.raises(NotReachable, match="https"):
        allowed_addresses("http://hooks.example.com/x")


def test_the_operator_allows_a_network_and_no_other(settings, monkeypatch):
    settings.WEBHOOK_ALLOWED_NETWORKS = ("10.1.0.0/16",)
    resolves_to(monkeypatch, ["10.1.2.3"], ["10.2.2.3"])
    assert allowed_addresses("http://hooks.lan/") == ["10.1.2.3"]
    with pytest.raises(NotReachable):
        allowed_addresses("http://hooks.lan/")
    assert why_not("http://hooks.lan/") is None


def test_a_network_that_is_allowed_opens_no_metadata_and_an_entry_of_it_does(settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = ("169.254.0.0/16", "64:ff9b::/96", "fd00:ec2::254")
    assert why_not("http://169.254.1.1/") is None
    assert why_not("http://[64:ff9b::169.254.1.1]/") is None
    assert why_not("http://169.254.169.254/")
    assert why_not("http://[64:ff9b::169.254.169.254]/")
    assert why_not("http://[fd00:ec2::254]/") is None


def test_the_connection_goes_to_the_address_that_was_looked_at(settings, monkeypatch):
    settings.WEBHOOK_ALLOWED_NETWORKS = ("127.0.0.1",)
    receiver = Receiver()
    try:
        resolves_to(monkeypatch, ["127.0.0.1"], ["192.0.2.1"])
        url = f"http://hooks.example.com:{receiver.port}/x"
        outcome = sending.send(url=url, headers={}, body=b"{}")
        assert (outcome.status, outcome.error) == (204, "")
        ((headers, _),) = receiver.requests
        assert headers["host"] == f"hooks.example.com:{receiver.port}"
        # Rebound by now: the next attempt is refused before anything is connected.
        assert "WEBHOOK_ALLOWED_NETWORKS" in sending.send(url=url, headers={}, body=b"{}").error
        assert len(receiver.requests) == 1
    finally:
        receiver.close()


def test_a_name_that_does_not_resolve_is_told(monkeypatch):
    def nowhere(*_, **__):
        raise socket.gaierror

    monkeypatch.setattr(reach.socket, "getaddrinfo", nowhere)
    assert sending.send(url="https://hooks.example.com/", headers={}, body=b"").error.endswith(
        "does not resolve."
    )
