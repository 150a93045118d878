"""Which registry an image comes from, and which ones are allowed."""

import pytest

from clusters.runtimes.registry_hosts import ALIASES, DEFAULT_HOST, host_of, why_no_server, why_not_allowed

(ALIAS,) = ALIASES


@pytest.mark.parametrize(
    ("image", "host"),
    [
        ("ubuntu", DEFAULT_HOST), ("ubuntu:24.04", DEFAULT_HOST), ("library/ubuntu", DEFAULT_HOST),
        ("team/sub/train@sha256:" + "0" * 64, DEFAULT_HOST), (f"{DEFAULT_HOST}/ubuntu", DEFAULT_HOST),
        (f"{ALIAS}/library/ubuntu", DEFAULT_HOST), (f"{ALIAS.upper()}/library/ubuntu", DEFAULT_HOST),
        ("registry.example.com/a/b:1", "registry.example.com"),
        ("registry.example.com:5000/a", "registry.example.com:5000"),
        ("Registry.Example.COM/a", "registry.example.com"), ("localhost/a", "localhost"),
        ("localhost:5000/a", "localhost:5000"),
        ("host:5000/a", "host:5000"), ("[::1]:5000/a", "[::1]:5000"), ("10.0.0.1/a", "10.0.0.1"),
        ("registry.example.com", DEFAULT_HOST), ("localhost:5000", DEFAULT_HOST),
    ],
)  # fmt: skip
def test_the_host_is_what_stands_before_the_first_slash_if_it_can_be_one(image, host):
    assert host_of(image) == host


def test_an_upper_case_first_part_is_a_host_as_engines_read_it():
    assert host_of("EVIL/train") == "evil"


@pytest.mark.parametrize(
    "server",
    [
        "registry.example.com", "Registry.Example.COM", "registry.example.com:5000", "localhost", "localhost:5000",
        "host:443", "10.0.0.1", "[::1]:5000", "[2001:db8::1]", DEFAULT_HOST,
    ],
)  # fmt: skip
def test_a_host_with_or_without_a_port_is_a_server(server):
    assert why_no_server(server) is None


@pytest.mark.parametrize(
    ("server", "told"),
    [
        ("https://registry.example.com", "without a scheme or a path: registry.example.com."),
        ("https://registry.example.com:5000/v2/", "without a scheme or a path: registry.example.com:5000."),
        ("registry.example.com/team", "without a scheme or a path: registry.example.com."),
        ("registry.example.com/", "without a scheme or a path: registry.example.com."),
        ("https://", "without a scheme or a path: HOST[:PORT]."),
        ("registry", "Write registry:443"),
        ("REGISTRY", "Write registry:443"),
        ("registry.example.com:", "Write HOST[:PORT]"),
        ("registry.example.com:0x1", "Write HOST[:PORT]"),
        ("registry.example.com:65536", "Write HOST[:PORT]"),
        ("regi stry.example.com", "Write HOST[:PORT]"),
        ("user@registry.example.com", "Write HOST[:PORT]"),
        ("-registry.example.com", "Write HOST[:PORT]"),
        ("registry.example.com.", "Write HOST[:PORT]"),
        ("registry.example.com\n", "Write HOST[:PORT]"),
        ("tråd.example.com", "Write HOST[:PORT]"),
        ("", "Write HOST[:PORT]"),
    ],
)
def test_anything_else_is_refused_with_what_to_write(server, told):
    assert told in why_no_server(server)


def test_where_none_are_named_every_registry_is_allowed():
    assert why_not_allowed("anywhere.example.com/a", ()) is None


def test_an_image_of_another_host_is_refused_naming_those_that_are_allowed():
    allowed = ("registry.example.com:5000", "other.example.com")
    assert why_not_allowed("Registry.example.com:5000/a", allowed) is None
    for image in ("registry.example.com/a", "ubuntu", "evil.example.com/registry.example.com:5000/a"):
        assert "other.example.com, registry.example.com:5000" in why_not_allowed(image, allowed)


def test_either_name_of_the_default_registry_allows_its_images():
    for name in (DEFAULT_HOST, ALIAS):
        assert why_not_allowed("ubuntu", (name,)) is None
        assert why_not_allowed(f"{ALIAS}/library/ubuntu", (name,)) is None
