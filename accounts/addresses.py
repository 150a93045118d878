"""Which network addresses are special, wherever a tenant names the host: one list for engines and for webhooks.

Plain Python, since the drivers of engines import it too. The tables are written out: what `ipaddress` takes for public
changes with Python's patch level.
"""

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
"""Where clouds tell a machine its own credentials."""
NAT64 = IPv6Network("64:ff9b::/96")
"""Its addresses stand for the IPv4 ones inside of them."""
GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that is public is in here."""
NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
"""IANA's special-purpose addresses: all of IPv4's, and those of IPv6 within GLOBAL_UNICAST. They include tunnels."""


def literal(host: str) -> Address | None:
    """The address that a host is written as; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def plain(address: Address) -> Address:
    """The IPv4 address of a mapped one, and no zone: one address is written in one way."""
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(int(address))
    return address


def reached(address: Address) -> list[Address]:
    """It, plain, and the IPv4 addresses inside of it, to which a gateway or this machine may send on."""
    found = plain(address)
    every = [found]
    if isinstance(found, IPv6Address):
        if found.sixtofour is not None:
            every.append(found.sixtofour)
        if found.teredo is not None:
            every += found.teredo
        if found in NAT64:
            every.append(IPv4Address(int(found) & 0xFFFFFFFF))
    return every


def is_public(address: Address) -> bool:
    """Whether all that it reaches is on the internet, and none of it a cloud's own."""
    return all(_is_public(one) for one in reached(address))


def is_ordinary(address: Address) -> bool:
    """Whether nothing that it reaches is this machine or its neighbourhood; a private network is ordinary."""
    return all(_is_ordinary(one) for one in reached(address))


def opens(network: Network, address: Address) -> bool:
    """Whether who lists the network lets this address in: one of METADATA only where it alone is listed."""
    if plain(address) not in network:
        return False
    return network.num_addresses == 1 or METADATA.isdisjoint(reached(address))


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST and address not in NAT64:
        return False
    return address not in METADATA and not any(address in network for network in NOT_PUBLIC)


def _is_ordinary(address: Address) -> bool:
    return not (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or address in METADATA
    )
