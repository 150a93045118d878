"""Where a webhook may send to: hostile input, since anybody can own an organization.

Every address that a name resolves to is looked at, at each attempt, and the connection goes to one that was.
"""

import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

Address = IPv4Address | IPv6Address
NAT64 = ipaddress.ip_network("64:ff9b::/96")
CLOUD = frozenset({ipaddress.ip_address("168.63.129.16")})
"""Where a cloud talks to its own machines, at an address that looks public."""
PORTS = {"https": 443, "http": 80}
NOT_ALLOWED = (
    "{host} leads to an address inside of a network, and webhooks go to public addresses. The operator of this "
    "installation can allow others with WEBHOOK_ALLOWED_NETWORKS."
)
IN_THE_CLEAR = (
    "Write an address with https://: what is sent in the clear can be read on its way. http:// is for addresses in "
    "WEBHOOK_ALLOWED_NETWORKS."
)


class NotReachable(Exception):
    """Why nothing is sent there."""


def parsed(url: str) -> SplitResult:
    """The parts of an address to send to. Raises NotReachable for one that is none, or holds a login."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotReachable("This is no address.") from error
    good = url.isascii() and url.isprintable() and " " not in url and parts.scheme in PORTS and parts.hostname
    if not good or port == 0:
        raise NotReachable("Write an address such as https://hooks.example.com/events, in ASCII.")
    if parts.username is not None or parts.password is not None:
        raise NotReachable("An address holds no login: its messages are signed instead.")
    return parts


def why_not(url: str) -> str | None:
    """Why an address cannot be that of a webhook, as far as that shows before its name is resolved."""
    try:
        parts = parsed(url)
        literal = _literal(parts.hostname or "")
        if literal is not None:
            _require(parts, literal)
        elif parts.scheme == "http" and not settings.WEBHOOK_ALLOWED_NETWORKS:
            raise NotReachable(IN_THE_CLEAR)
    except NotReachable as refusal:
        return str(refusal)
    return None


def allowed_addresses(url: str) -> list[str]:
    """What the name in the address resolves to now. Raises NotReachable unless all of it may be sent to."""
    parts = parsed(url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotReachable(f"The name {host} does not resolve.") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        _require(parts, ipaddress.ip_address(address))
    return addresses


def _require(parts: SplitResult, address: Address) -> None:
    every = _every(address)
    if all(_is_allowed(one) for one in every):
        return
    if not all(one.is_global and not one.is_multicast and one not in CLOUD for one in every):
        raise NotReachable(NOT_ALLOWED.format(host=parts.hostname))
    if parts.scheme != "https":
        raise NotReachable(IN_THE_CLEAR)


def _is_allowed(address: Address) -> bool:
    return any(address in ipaddress.ip_network(network) for network in settings.WEBHOOK_ALLOWED_NETWORKS)


def _every(address: Address) -> list[Address]:
    """It and the IPv4 addresses inside of it, to which a gateway or this machine may send on."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    plain = IPv6Address(int(address))
    inside: list[Address] = [plain]
    if plain.sixtofour is not None:
        inside.append(plain.sixtofour)
    if plain.teredo is not None:
        inside += plain.teredo
    if plain in NAT64:
        inside.append(IPv4Address(int(plain) & 0xFFFFFFFF))
    return inside


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
