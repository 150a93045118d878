"""Where an engine is, and who may be reached there.

A cluster's endpoint is hostile input: anybody can own an organization. What platform staff wrote is trusted; every
other host must be named by the operator, and the address that it resolves to is looked at again at each connect, since
a name may resolve to something else by then (DNS rebinding).
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from accounts import addresses
from accounts.addresses import Address as Address


class Scheme(StrEnum):
    UNIX = "unix"
    HTTPS = "https"
    SSH = "ssh"


STAFF_ONLY = frozenset({Scheme.UNIX, Scheme.SSH})
"""A socket or a key of the machines that the service itself runs on is no tenant's to name."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An engine's address and what proves both sides to each other. Certificates and keys are PEM text.

    `path` is that of a unix socket: of this machine, or with ssh of the other one. Without `ca` the system's
    authorities count. `host_key` is the one line that the ssh server must show, such as `ssh-ed25519 AAAA…`.
    """

    scheme: Scheme
    host: str = ""
    port: int = 0
    path: str = ""
    ca: str = ""
    cert: str = ""
    key: str = field(default="", repr=False)
    user: str = ""
    private_key: str = field(default="", repr=False)
    host_key: str = ""

    def __str__(self) -> str:
        if self.scheme is Scheme.UNIX:
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Reach:
    """Which hosts a connection may be opened to. `trusted`: any; else those that `entries` name.

    An entry is `HOST`, `ADDRESS` or `NETWORK/BITS`, each with an optional `:PORT` (an IPv6 one in brackets).
    """

    trusted: bool = False
    entries: tuple[str, ...] = ()

    def why_not(self, endpoint: Endpoint, address: Address | None = None) -> str | None:
        """Why this endpoint may not be reached, at this resolved address if it is known; None: it may."""
        if self.trusted:
            return None
        if endpoint.scheme in STAFF_ONLY:
            return f"Only platform staff may connect an engine by {endpoint.scheme}://."
        rules = [rule for rule in map(parse_entry, self.entries) if rule and rule.port in {0, endpoint.port}]
        named = any(rule.name == endpoint.host.lower().rstrip(".") for rule in rules if rule.name)
        known = address if address is not None else addresses.literal(endpoint.host)
        listed = known is not None and any(rule.holds(known) for rule in rules)
        if known is None:
            # Not resolved yet: a network in the list may still turn out to hold it.
            allowed = named or any(rule.network for rule in rules)
        else:
            # This machine and its neighbourhood must be listed as addresses: a name may come to mean them.
            allowed = listed or (named and addresses.is_ordinary(known))
        if allowed:
            return None
        return (
            f"{endpoint.host}:{endpoint.port} is not among the hosts that this installation may connect to. "
            "Ask its operator to add it to CLUSTER_ENDPOINTS."
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry: a name or a network, and a port (0: any)."""

    name: str = ""
    network: addresses.Network | None = None
    port: int = 0

    def holds(self, address: Address) -> bool:
        """Whether it lists this address."""
        return self.network is not None and addresses.opens(self.network, address)


def parse_entry(entry: str) -> Rule | None:
    """An entry of CLUSTER_ENDPOINTS; None for what is none."""
    text, port = entry.strip(), 0
    if text.startswith("["):
        inside, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            return None
        text, colon, tail = inside, rest[:1], rest[1:]
    elif text.count(":") == 1:
        text, colon, tail = text.partition(":")
    else:
        colon = tail = ""
    if colon:
        if not tail.isascii() or not tail.isdigit() or not 0 < int(tail) < 65536:
            return None
        port = int(tail)
    try:
        return Rule(network=ipaddress.ip_network(text), port=port)
    except ValueError:
        name = text.lower().rstrip(".")
        labels = name.split(".")
        # A last label of digits is a mistyped address: the system would read it as one.
        good = not labels[-1].isdigit() and all(
            label and label.replace("-", "").replace("_", "").isalnum() and label.isascii()
            for label in labels
        )
        return Rule(name=name, port=port) if good else None


def wrong_entries(entries: Iterable[str]) -> list[str]:
    """Those that are no entries."""
    return [entry for entry in entries if parse_entry(entry) is None]
