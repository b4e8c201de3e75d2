"""Who is at the other end of a request, as far as it can be known."""

import ipaddress

import pytest
from django.test import RequestFactory

from marketplace.requests import NO_REQUEST, facts, gather, keep_facts

PROXIES = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "2001:db8:ffff::/48")]


@pytest.fixture(autouse=True)
def _proxies(settings):
    settings.TRUSTED_PROXIES = PROXIES


def seen(peer, forwarded=None, **headers):
    if forwarded is not None:
        headers["X-Forwarded-For"] = forwarded
    return gather(RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        pytest.param("203.0.113.9", None, "203.0.113.9", id="no proxy"),
        pytest.param("203.0.113.9", "198.51.100.7", "203.0.113.9", id="a client that says so itself"),
        pytest.param("10.0.0.2", "198.51.100.7", "198.51.100.7", id="proxy"),
        pytest.param("10.0.0.2", "192.0.2.1, 198.51.100.7", "198.51.100.7", id="client's own word before"),
        pytest.param("10.0.0.2", "198.51.100.7, 10.9.9.9", "198.51.100.7", id="two proxies"),
        pytest.param("10.0.0.2", "10.9.9.9", "10.9.9.9", id="a client inside"),
        pytest.param("10.0.0.2", None, "10.0.0.2", id="proxy that says nothing"),
        pytest.param("10.0.0.2", "", "10.0.0.2", id="empty"),
        pytest.param("10.0.0.2", "198.51.100.7, nonsense", "10.0.0.2", id="nonsense at the end"),
        pytest.param("10.0.0.2", "nonsense, 198.51.100.7", "198.51.100.7", id="nonsense before"),
        pytest.param("10.0.0.2", "unknown, 10.9.9.9", "10.9.9.9", id="nonsense before a proxy"),
        pytest.param("10.0.0.2", "2001:DB8::0001", "2001:db8::1", id="IPv6, one spelling"),
        pytest.param("10.0.0.2", "::ffff:198.51.100.7", "198.51.100.7", id="IPv4 inside IPv6"),
        pytest.param("::ffff:10.0.0.2", "198.51.100.7", "198.51.100.7", id="proxy as IPv4 inside IPv6"),
        pytest.param("2001:db8:ffff::1", "198.51.100.7", "198.51.100.7", id="proxy by IPv6"),
        pytest.param("10.0.0.2", "198.51.100.7:4711", "198.51.100.7", id="with a port"),
        pytest.param("10.0.0.2", "[2001:db8::7]:4711", "2001:db8::7", id="IPv6 with a port"),
        pytest.param("fe80::1%eth0", None, "fe80::1", id="zone, which the database cannot keep"),
        pytest.param("", "198.51.100.7", "", id="Unix socket"),
    ],
)
def test_address(peer, forwarded, address):
    assert seen(peer, forwarded).address == address


@pytest.mark.parametrize("header", ["Forwarded", "X-Real-IP", "X-Client-IP", "CF-Connecting-IP"])
def test_address_other_headers_are_not_read(header):
    assert seen("10.0.0.2", "198.51.100.7", **{header: "192.0.2.1"}).address == "198.51.100.7"


@pytest.mark.parametrize(
    ("peer", "given", "kept"),
    [
        pytest.param("10.0.0.2", "edge-1.A_2", True, id="proxy's"),
        pytest.param("203.0.113.9", "edge-1", False, id="client's"),
        pytest.param("10.0.0.2", "a b", False, id="blank"),
        pytest.param("10.0.0.2", "x" * 65, False, id="long"),
        pytest.param("10.0.0.2", "a\u00e9", False, id="not ASCII"),
    ],
)
def test_request_id_is_the_proxys_or_a_new_one(peer, given, kept):
    assert (seen(peer, **{"X-Request-ID": given}).request_id == given) is kept


def test_request_id_is_new_for_each_request():
    assert seen("203.0.113.9").request_id != seen("203.0.113.9").request_id


def test_device_is_printable_and_short():
    assert seen("203.0.113.9", **{"User-Agent": "a\u0007b" + "c" * 300}).device == "a\ufffdb" + "c" * 197


def test_facts_stand_while_the_request_runs(client):
    inside = []

    def view(request):
        inside.append(facts())
        return client.get("/healthz")

    answer = keep_facts(view)(RequestFactory().get("/", REMOTE_ADDR="203.0.113.9"))

    assert (inside[0].address, inside[0].request_id) == ("203.0.113.9", answer.headers["X-Request-ID"])
    assert facts() is NO_REQUEST
