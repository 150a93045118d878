"""Which addresses are special, on every Python alike."""

import ipaddress
import random

import pytest

from accounts.addresses import NOT_PUBLIC, is_ordinary, is_public, opens, plain

PUBLIC = [
    "8.8.8.8",
    "192.0.1.1",
    "192.88.98.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2001:200::1",
    "2620:4f:8000::1",
]
NEAR = [
    "127.0.0.1",
    "169.254.1.1",
    "fe80::1",
    "::1",
    "::",
    "ff02::1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "fd20:ce::254",
]
WITHIN = ["10.1.2.3", "192.168.1.1", "100.64.0.1", "fd12::1", "fec0::1", "::ffff:10.1.2.3", "2002:a01:203::"]


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_on_the_internet_is_public_and_ordinary(text):
    address = ipaddress.ip_address(text)
    assert (is_public(address), is_ordinary(address)) == (True, True)


@pytest.mark.parametrize("text", NEAR)
def test_this_machine_and_its_neighbourhood_are_neither(text):
    address = ipaddress.ip_address(text)
    assert (is_public(address), is_ordinary(address)) == (False, False)


@pytest.mark.parametrize("text", WITHIN)
def test_a_private_network_is_ordinary_and_not_public(text):
    address = ipaddress.ip_address(text)
    assert (is_public(address), is_ordinary(address)) == (False, True)


def test_nothing_is_public_here_that_python_knows_to_be_none():
    chance = random.Random(1)
    drawn = [ipaddress.IPv4Address(chance.getrandbits(32)) for _ in range(3000)]
    drawn += [ipaddress.IPv6Address(chance.getrandbits(128)) for _ in range(3000)]
    drawn += [end for network in NOT_PUBLIC for end in (network[0], network[-1])]
    assert [one for one in drawn if is_public(one) and (not one.is_global or one.is_multicast)] == []


def test_a_network_opens_what_is_in_it_however_that_is_written():
    network = ipaddress.ip_network("10.0.0.0/8")
    assert opens(network, ipaddress.ip_address("::ffff:10.1.2.3"))
    assert not opens(network, ipaddress.ip_address("11.1.2.3"))
    assert plain(ipaddress.ip_address("fe80::1%eth0")) == ipaddress.ip_address("fe80::1")
