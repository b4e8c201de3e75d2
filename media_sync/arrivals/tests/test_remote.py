"""Files from addresses: public ones only, whatever the spelling, the name server or a redirect says."""

import io
import re
import socket
import threading
import time
from itertools import chain, repeat

import pytest

from media_sync.arrivals import remote
from media_sync.arrivals.errors import FileRefused
from media_sync.arrivals.remote import fetch
from media_sync.arrivals.tests.network import PUBLIC, StubInternet, certified, endless, send, server

CANARY = "canary.example"
NAMES = {
    "shop.example": [PUBLIC],
    "six.example": ["2606:4700::1111"],
    CANARY: ["127.0.0.1"],
    "both.example": [PUBLIC, "10.0.0.1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "tunnel.example": ["2002:7f00:1::"],
    "translated.example": ["64:ff9b::7f00:1"],
    "compatible.example": ["::127.0.0.1"],
    "teredo.example": ["2001:0:7f00:1::"],
    "isatap.example": ["2606:4700::5efe:7f00:1"],
    "local6.example": ["fe80::1%eth0"],
    "metadata.example": ["169.254.169.254"],
    "shared.example": ["100.64.0.1"],
    "test.example": ["192.0.2.1"],
    "multicast.example": ["224.0.0.1"],
    "broadcast.example": ["255.255.255.255"],
    "zero.example": ["0.0.0.0"],
    "unique.example": ["fd00::1"],
    "loop6.example": ["::1"],
    "nothing.example": [],
    "odd.example": ["not a number"],
}
BY_SPELLING = [
    "http://127.0.0.1/", "http://127.1/", "http://127.0.1/", "http://0x7f.1/", "http://0x7f000001/", "http://2130706433/",
    "http://0177.0.0.1/", "http://017700000001/", "http://127.0.0.1./", "http://0/", "http://0.0.0.0/",
    "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/", "http://[64:ff9b:1::1]/", "http://[2002:7f00:1::]/", "http://[2001:0:7f00:1::]/",
    "http://[fe80::1]/", "http://[fe80::1%25eth0]/", "http://[fc00::1]/", "http://[ff02::1]/", "http://[::1",
    "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.0.1/", "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/", "http://198.18.0.1/", "http://224.0.0.1/", "http://255.255.255.255/",
    "http://\uff11\uff12\uff17.\uff10.\uff10.\uff11/", "http://\u2460\u2461\u2466.0.0.1/", "http://localhost/", "http://LOCALHOST./", "http://printer/",
    "http://nas.local/", "http://db.internal/", "http://metadata.google.internal/", "http://a.localhost/",
    "http://shop.example@127.0.0.1/", "http://user:secret@shop.example/", "http://shop.example\\@127.0.0.1/",
    "http://shop.example:22/", "http://shop.example:8080/", "http://shop.example:99999/", "http://shop.example:/",
    "http:///etc/passwd", "http://", "//shop.example/", "file:///etc/passwd", "gopher://127.0.0.1/", "ftp://shop.example/",
    "data:image/png;base64,AAAA", "jar:http://shop.example/", "http://shop.example/\r\nHost: x", "http://shop example/",
    "http://shop..example/", "http://-shop.example/", "http://" + "a" * 64 + ".example/", "http://shop.example/" + "a" * 1000,
]  # fmt: skip
BY_NAME = [f"http://{name}/" for name in NAMES if name not in {"shop.example", "six.example"}]
TLS_BY_NAME = ["https://canary.example/", "https://unknown.example/"]


def refused(url: str, internet: StubInternet) -> str:
    """Return the sentence with which the address is refused."""
    with pytest.raises(FileRefused) as error:
        fetch(url, io.BytesIO(), internet=internet)
    return str(error.value)


@pytest.fixture
def impatient(monkeypatch):
    """Have a server given up within a second, for nothing but that it is slow: it ends its answer a minute later."""
    monkeypatch.setattr(remote, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(remote, "HEAD_START", 0.5)
    monkeypatch.setattr(remote, "SECONDS", 3600.0)


@pytest.fixture
def canary():
    """Give an internet whose every number leads to a listener that counts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        internet = StubInternet(NAMES, listener.getsockname()[1])
        yield internet
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
        assert internet.opened == []


@pytest.mark.parametrize("url", [*BY_SPELLING, *BY_NAME, *TLS_BY_NAME])
def test_address_that_is_not_public_is_not_connected_to(url, canary):
    sentence = refused(url, canary)

    assert re.fullmatch(r"[^\n]+\.", sentence)


def test_the_list_of_abuses_is_long_enough():
    assert len({*BY_SPELLING, *BY_NAME, *TLS_BY_NAME}) >= 70


def test_public_address_is_fetched():
    file = io.BytesIO()
    with server(lambda connection, path: send(connection, path.encode())) as port:
        internet = StubInternet(NAMES, port)

        size = fetch("http://SHOP.example/%C3%A4b.jpg?x=1", file, internet=internet)

    assert (size, file.getvalue(), internet.opened) == (16, b"/%C3%A4b.jpg?x=1", [PUBLIC])


def test_redirect_to_a_public_address_is_followed():
    def answer(connection, path):
        if path == "/":
            send(connection, b"", "Location: http://six.example/2.jpg", status="302 Found")
        else:
            send(connection, b"picture")

    file = io.BytesIO()
    with server(answer) as port:
        internet = StubInternet(NAMES, port)

        fetch("http://shop.example/", file, internet=internet)

    assert file.getvalue() == b"picture"
    assert internet.opened == [PUBLIC, "2606:4700::1111"]


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1/", "http://canary.example/", "//169.254.169.254/", "file:///etc/passwd", "http://both.example/",
     "http://u@shop.example/", "http://shop.example:22/", "http://[::1]/", "gopher://canary.example/"],
)  # fmt: skip
def test_redirect_into_a_private_network_is_not_followed(target):
    with server(
        lambda connection, path: send(connection, b"", f"Location: {target}", status="302 Found")
    ) as port:
        internet = StubInternet(NAMES, port)

        refused("http://shop.example/", internet)

    assert internet.opened == [PUBLIC]


def test_redirects_without_end_are_given_up():
    with server(lambda connection, path: send(connection, b"", "Location: /x", status="302 Found")) as port:
        internet = StubInternet(NAMES, port)

        sentence = refused("http://shop.example/", internet)

    assert sentence == "The address leads on more than 5 times."
    assert len(internet.opened) == 6


def test_name_that_changes_its_meaning_is_judged_at_every_connection():
    names = {"rebind.example": chain([[PUBLIC]], repeat(["127.0.0.1"]))}
    with server(lambda connection, path: send(connection, b"", "Location: /x", status="302 Found")) as port:
        internet = StubInternet(names, port)

        sentence = refused("http://rebind.example/", internet)

    assert sentence == "rebind.example is in a private network; only public addresses are asked."
    assert internet.opened == [PUBLIC]


SLOW = {
    "content by the byte": lambda connection, path: endless(connection, b"x", every=0.2),
    "nothing": lambda connection, path: time.sleep(60),
    "headers without end": lambda connection, path: endless(
        connection, b"x", every=0.2, head="HTTP/1.1 200 OK\r\nX: "
    ),
    "continuations without end": lambda connection, path: endless(
        connection, b"HTTP/1.1 100 Continue\r\n\r\n", every=0.05, head="HTTP/1.1 100 Continue\r\n\r\n"
    ),
    "silence behind the headers": lambda connection, path: endless(
        connection, b"", every=0.1, head="HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    ),
    "a chunk's size by the digit": lambda connection, path: endless(
        connection, b"0", every=0.2, head="HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    ),
}


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW.keys())
@pytest.mark.usefixtures("impatient")
def test_slow_server_is_given_up(answer):
    with server(answer) as port:
        sentence = refused("http://shop.example/", StubInternet(NAMES, port))

    assert sentence == "shop.example sends too slowly: the file takes longer than it may."


def test_content_without_end_is_read_up_to_the_limit():
    file = io.BytesIO()
    with (
        server(lambda connection, path: endless(connection, bytes(1024 * 1024))) as port,
        pytest.raises(FileRefused) as refusal,
    ):
        fetch("http://shop.example/", file, internet=StubInternet(NAMES, port))

    assert str(refusal.value) == "The file is larger than the 25 MB that are fetched from an address."
    assert len(file.getvalue()) <= 25_000_000


def test_content_that_announces_too_much_is_not_read():
    def answer(connection, path):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\nxxx")
        time.sleep(30)

    file = io.BytesIO()
    with server(answer) as port, pytest.raises(FileRefused) as refusal:
        fetch("http://shop.example/", file, internet=StubInternet(NAMES, port))

    assert str(refusal.value) == "The file is larger than the 25 MB that are fetched from an address."
    assert file.getvalue() == b""


ODD = {
    "404": (
        lambda connection, path: send(connection, b"", status="404 Not Found"),
        "shop.example answers with 404.",
    ),
    "204": (
        lambda connection, path: send(connection, b"", status="204 No Content"),
        "shop.example answers with 204.",
    ),
    "no HTTP": (
        lambda connection, path: connection.sendall(b"hello\r\n\r\n"),
        "shop.example does not answer.",
    ),
    "silent end": (lambda connection, path: None, "shop.example does not answer."),
    "short": (
        lambda connection, path: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
        "shop.example breaks the file off.",
    ),
}


@pytest.mark.parametrize(("answer", "expected"), ODD.values(), ids=ODD.keys())
def test_server_that_gives_no_file_gets_a_sentence(answer, expected):
    with server(answer) as port:
        sentence = refused("http://shop.example/", StubInternet(NAMES, port))

    assert sentence == expected


def test_proxy_of_the_environment_is_not_used(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    file = io.BytesIO()
    with server(lambda connection, path: send(connection, b"picture")) as port:
        fetch("http://shop.example/", file, internet=StubInternet(NAMES, port))

    assert file.getvalue() == b"picture"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("shop.example", "picture"), ("six.example", "six.example has no valid certificate.")],
)
def test_certificate_must_be_the_name_s(host, expected, tmp_path):
    served, trusted = certified("shop.example", tmp_path)
    file, said = io.BytesIO(), ""
    with server(lambda connection, path: send(connection, b"picture"), served) as port:
        internet = StubInternet(NAMES, port)
        internet.context = trusted

        try:
            fetch(f"https://{host}/", file, internet=internet)
        except FileRefused as refusal:
            said = str(refusal)

    assert (said or file.getvalue().decode()) == expected


@pytest.mark.usefixtures("impatient")
def test_server_that_never_ends_its_tls_greeting_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sentence = refused("https://shop.example/", StubInternet(NAMES, listener.getsockname()[1]))

    assert sentence == "shop.example sends too slowly: the file takes longer than it may."


def test_name_server_that_does_not_answer_is_given_up(monkeypatch):
    over = threading.Event()

    class Silent(StubInternet):
        def resolve(self, host: str, port: int) -> list[str]:
            over.wait(60)
            return [PUBLIC]

    monkeypatch.setattr(remote, "NAME_SECONDS", 0.1)
    monkeypatch.setattr(remote, "ANSWER_SECONDS", 3600.0)

    sentence = refused("http://shop.example/", Silent(NAMES, 1))

    over.set()
    assert sentence == "There is no host called shop.example."


def test_limits_are_those_that_are_promised():
    assert remote.ANSWER_SECONDS + remote.HEAD_START < 10
    assert (remote.SECONDS, remote.MOST_BYTES) == (30, 25_000_000)
