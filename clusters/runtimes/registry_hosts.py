"""Registries' hosts: which one an image comes from, and which ones this installation allows. Pure."""

import re
from collections.abc import Collection

DEFAULT_HOST = "docker.io"
"""Where an image without a host comes from."""
ALIASES = {f"index.{DEFAULT_HOST}": DEFAULT_HOST}
COMPONENT = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
IPV6 = r"\[[a-fA-F0-9:]+\]"
DOMAIN = rf"(?:{COMPONENT}(?:\.{COMPONENT})*|{IPV6})(?::[0-9]+)?"
"""A host as an image's reference may begin with it."""
HOST = re.compile(DOMAIN)
LARGEST_PORT = 65_535


def host_of(image: str) -> str:
    """The registry that an engine would ask for the image: HOST[:PORT] in lower case."""
    first, slash, _ = image.partition("/")
    return canonical(first) if slash and _names_a_host(first) else DEFAULT_HOST


def canonical(host: str) -> str:
    """The one way in which we write a registry's host."""
    lower = host.lower()
    return ALIASES.get(lower, lower)


def why_no_server(text: str) -> str | None:
    """What to write instead, if this is not the HOST[:PORT] of a registry; None: it is."""
    if "://" in text or "/" in text:
        host = text.rpartition("://")[2]
        return f"Write the host alone, without a scheme or a path: {host.partition('/')[0] or 'HOST[:PORT]'}."
    if not HOST.fullmatch(text) or _port(text) > LARGEST_PORT:
        return "This is not a registry's host. Write HOST[:PORT], such as registry.example.com:5000."
    if not _names_a_host(text.lower()):
        return (
            f"An engine would not take {text!r} for a host: it has no dot and no port. "
            f"Write {text.lower()}:443, or its whole name, as your images name it."
        )
    return None


def why_not_allowed(image: str, allowed: Collection[str]) -> str | None:
    """Why the image may not come from its registry, given the hosts that are allowed (none: any); None: it may."""
    if not allowed or host_of(image) in {canonical(host) for host in allowed}:
        return None
    return (
        f"Images come only from {', '.join(sorted(allowed))} here, and this one would come from {host_of(image)}. "
        "Name an image of one of those, or ask the operator to add its host to ALLOWED_REGISTRIES."
    )


def _names_a_host(first: str) -> bool:
    # Engines take an upper-case letter for a host too, because no path may have one.
    return first == "localhost" or "." in first or ":" in first or first != first.lower()


def _port(host: str) -> int:
    digits = host.rpartition(":")[2] if not host.endswith("]") else ""
    return int(digits) if digits.isdigit() else 0
