"""Addresses and networks, in whatever way they are written."""

from ipaddress import ip_address, ip_network

import pytest

from marketplace.addresses import read_address, read_network


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("203.0.113.7", "203.0.113.7", id="IPv4"),
        pytest.param("2001:DB8::0007", "2001:db8::7", id="IPv6"),
        pytest.param("::ffff:203.0.113.7", "203.0.113.7", id="IPv4 as IPv6"),
        pytest.param("fe80::1%eth0", "fe80::1", id="with a zone"),
    ],
)
def test_address_is_read(text, address):
    assert read_address(text) == ip_address(address)


@pytest.mark.parametrize("text", ["", "unknown", "203.0.113.0/24", "203.0.113", "[::1]", "\uff11.2.3.4"])
def test_address_that_is_none(text):
    assert read_address(text) is None


@pytest.mark.parametrize(
    ("text", "network"),
    [
        pytest.param("203.0.113.0/24", "203.0.113.0/24", id="IPv4"),
        pytest.param("203.0.113.7", "203.0.113.7/32", id="one address"),
        pytest.param("2001:DB8::/32", "2001:db8::/32", id="IPv6"),
        pytest.param("::ffff:203.0.113.0/120", "203.0.113.0/24", id="IPv4 as IPv6"),
        pytest.param("::ffff:203.0.113.7", "203.0.113.7/32", id="one address, IPv4 as IPv6"),
        pytest.param("::/0", "::/0", id="all of IPv6"),
    ],
)
def test_network_is_read(text, network):
    assert read_network(text) == ip_network(network)


@pytest.mark.parametrize("text", ["", "example.com", "203.0.113.7/24", "10.0.0.0/33", "fe80::1%eth0"])
def test_network_that_is_none(text):
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        read_network(text)
