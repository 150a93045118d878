"""Where a webhook may send to: hostile input, since anybody can own an organization.

Every address that a name resolves to is looked at, at each attempt, and the connection goes to one that was.
"""

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from accounts.addresses import Address, is_public, literal, opens, reached

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
        address = literal(parts.hostname or "")
        if address is not None:
            _require(parts, address)
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
    if all(_is_allowed(one) for one in reached(address)):
        return
    if not is_public(address):
        raise NotReachable(NOT_ALLOWED.format(host=parts.hostname))
    if parts.scheme != "https":
        raise NotReachable(IN_THE_CLEAR)


def _is_allowed(address: Address) -> bool:
    return any(opens(ipaddress.ip_network(network), address) for network in settings.WEBHOOK_ALLOWED_NETWORKS)
