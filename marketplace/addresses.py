"""Addresses and networks of the internet, read alike everywhere: IPv4 written as IPv6 counts as IPv4.

Through a dual-stack socket 203.0.113.7 comes as ::ffff:203.0.113.7, and nobody means two clients by that.
"""

import ipaddress
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAPPED_BITS = 96  # of ::ffff:0:0/96


@lru_cache(maxsize=1024)  # every request has its peer's read, and most come from few
def read_address(text: str) -> Address | None:
    """Return the address, without its zone (fe80::1%eth0), which the database does not know; None if it is none."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def read_network(text: str) -> Network:
    """Return the network, or the address as a network of one; ValueError says what is wrong with the text."""
    network = ipaddress.ip_network(text)
    if "%" in text:
        raise ValueError(f"{text!r} names a zone, which means something on one machine only")
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    bits = network.prefixlen - MAPPED_BITS
    return network if mapped is None or bits < 0 else ipaddress.ip_network((mapped, bits))


def network_of(text: str) -> Network | None:
    """Return what is counted as one client: an IPv4 address, or the /64 network that an IPv6 one chooses from."""
    host = read_address(text)
    if host is None:
        return None
    bits = 64 if isinstance(host, ipaddress.IPv6Address) else host.max_prefixlen
    return ipaddress.ip_network((host, bits), strict=False)
