"""Which addresses on the network a file may be fetched from: public ones, by their plain names.

Judged is the number that a name stands for, at the moment of the connection; the spelling only beforehand, so
that most of what is not meant to work gets a sentence without a question to a name server.
"""

import ipaddress
import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from media_sync.arrivals.errors import FileRefused

PORTS = {"http": 80, "https": 443}
LONGEST_URL = 1000
UNWRITABLE = re.compile(r"[\x00-\x20\x7f\\]")
NUMBER = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)")
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
LOCAL = (
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "localdomain",
    "arpa",
    "onion",
)

# All that IANA's registries of special addresses name, whether it can be reached or not.
NOT_PUBLIC_4 = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
# Of IPv6 only what is given out for use; so neither IPv4 in disguise (::ffff:0:0/96, ::/96, NAT64's 64:ff9b::) nor
# private, link-local, site-local and multicast addresses.
PUBLIC_6 = IPv6Network("2000::/3")
# Within it: Teredo, ORCHID and other protocols', documentation, 6to4 (which carries an IPv4 address), AS112.
NOT_PUBLIC_6 = tuple(
    IPv6Network(each)
    for each in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
ISATAP = (0x5EFE, 0x02005EFE)  # the third quarter of an address that carries an IPv4 address in its last


class Address(NamedTuple):
    """An address, taken apart. Whoever asks there uses these parts, never the text."""

    scheme: str
    host: str  # in ASCII
    port: int
    target: str  # path and query, as they are sent


def read_address(url: str) -> Address:
    """Take the address apart. Raises FileRefused for what is no plain public address by its spelling."""
    if len(url) > LONGEST_URL:
        raise FileRefused(f"The address is longer than {LONGEST_URL:,} characters.")
    if UNWRITABLE.search(url):
        raise FileRefused("The address holds blanks, backslashes or invisible characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise FileRefused("The address cannot be read.") from error
    if parts.scheme not in PORTS:
        raise FileRefused("The address must begin with http:// or https://.")
    if "@" in parts.netloc:
        raise FileRefused("The address holds a user name or password, which is not allowed.")
    if port not in (None, *PORTS.values()) or parts.netloc.endswith(":"):
        raise FileRefused("The address names a port; only 80 and 443 are asked.")
    host = _host(parts.hostname or "")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else ""
    return Address(parts.scheme, host, port or PORTS[parts.scheme], path + query)


def is_public(number: str) -> bool:
    """Return whether this is an address (in numbers) of the public internet."""
    try:
        found = ipaddress.ip_address(number)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return not any(found in network for network in NOT_PUBLIC_4)
    return _is_public_6(found)


def _is_public_6(found: IPv6Address) -> bool:
    if found.scope_id or found not in PUBLIC_6 or any(found in network for network in NOT_PUBLIC_6):
        return False
    return (int(found) >> 32) & 0xFFFFFFFF not in ISATAP


def _host(name: str) -> str:
    """Return the host in ASCII; raise FileRefused for numbers in disguise, and for names that only a house knows."""
    if ":" in name:  # in brackets: IPv6
        return _number(name)
    try:
        host = name.encode("idna").decode().lower().rstrip(".")
    except UnicodeError as error:
        raise FileRefused("The address names no host.") from error
    labels = host.split(".")
    if not all(LABEL.fullmatch(label) for label in labels):
        raise FileRefused("The address names no host.")
    if NUMBER.fullmatch(labels[-1]):
        return _number(host)
    if len(labels) == 1 or labels[-1] in LOCAL:
        raise FileRefused(f"{host} is a name of a private network; only public addresses are asked.")
    return host


def _number(text: str) -> str:
    if not is_public(text):
        raise FileRefused(f"{text} is no public address; only public addresses are asked.")
    return text
