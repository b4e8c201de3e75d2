"""Fetches files from addresses that somebody wrote into a spreadsheet, and from nowhere that he could not reach himself.

The name is resolved once, every number that it stands for is judged, and the socket is opened to a judged number:
no second question to a name server, no proxy, no redirect that is not judged anew. A clock of its own ends
whatever takes too long, at whichever stage.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPException
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import urljoin

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from media_sync.arrivals.addresses import Address, is_public, read_address
from media_sync.arrivals.errors import FileRefused

MOST_BYTES = 25_000_000
SECONDS = 30.0  # for all of it
ANSWER_SECONDS = 5.0  # until the content begins, redirects included
SLOWEST = 64 * 1024  # bytes a second, on average, of the content
HEAD_START = 4.0  # seconds in which it may be slower
NAME_SECONDS = 4.0
CONNECT_SECONDS = 4.0
REDIRECTS = 5
BLOCK = 64 * 1024
MOST_NUMBERS = 4  # of a name, that are tried
MOVED = (301, 302, 303, 307, 308)
HEADERS = {
    "Accept": "image/*,video/*,application/pdf,*/*;q=0.5",
    "Accept-Encoding": "identity",
    "User-Agent": "catalogue",
}

NOT_PUBLIC = "{host} is in a private network; only public addresses are asked."
NO_ANSWER = "{host} does not answer."
BROKEN_OFF = "{host} breaks the file off."
TOO_SLOW = "{host} sends too slowly: the file takes longer than it may."
TOO_LARGE = f"The file is larger than the {MOST_BYTES // 1_000_000} MB that are fetched from an address."


class Internet:
    """Names and connections as this machine has them. Tests bring their own; judging is not part of it."""

    def resolve(self, host: str, port: int) -> list[str]:
        """Return the numbers that a name stands for. Raises OSError, UnicodeError."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [str(each[4][0]) for each in found]

    def connect(self, number: str, port: int, seconds: float) -> socket.socket:
        """Open a connection to a number. Raises OSError."""
        return socket.create_connection((number, port), seconds)

    def tls(self) -> ssl.SSLContext:
        """Return how certificates are checked."""
        return ssl.create_default_context()


def fetch(url: str, file: IO[bytes], *, internet: Internet | None = None) -> int:
    """Copy what lies at the address into the file; return the bytes. Raises FileRefused.

    At most MOST_BYTES are read, and it ends within SECONDS; a server that does not answer within ANSWER_SECONDS, or
    sends slower than SLOWEST, is given up at once.
    """
    with Clock(SECONDS) as clock:
        return _follow(url, file, internet or Internet(), clock)


def _follow(url: str, file: IO[bytes], internet: Internet, clock: "Clock") -> int:
    clock.limit(ANSWER_SECONDS)
    for _ in range(REDIRECTS + 1):
        address = read_address(url)
        with _told(address.host, clock), _asked(address, internet, clock) as answer:
            if answer.status in MOVED and answer.headers.get("location"):
                url = urljoin(url, answer.headers["location"])
                continue
            if answer.status != HTTPStatus.OK:
                raise FileRefused(f"{address.host} answers with {answer.status}.")
            return _copy(answer, file, address.host, clock)
    raise FileRefused(f"The address leads on more than {REDIRECTS} times.")


@contextmanager
def _told(host: str, clock: "Clock") -> Iterator[None]:
    """Turn every way in which a server disappoints into a sentence."""
    try:
        yield
    except FileRefused:
        raise
    except ssl.SSLError as error:
        raise FileRefused(_late(host, clock) or f"{host} has no valid certificate.") from error
    except (OSError, HTTPError, HTTPException, ValueError) as error:
        cause = error.__cause__ or error.__context__
        if isinstance(cause, ssl.SSLError) and not clock.has_struck:
            raise FileRefused(f"{host} has no valid certificate.") from error
        raise FileRefused(_late(host, clock) or NO_ANSWER.format(host=host)) from error


def _late(host: str, clock: "Clock") -> str:
    return TOO_SLOW.format(host=host) if clock.has_struck else ""


@contextmanager
def _asked(address: Address, internet: Internet, clock: "Clock") -> Iterator[BaseHTTPResponse]:
    """Give the answer of the first of the host's numbers that can be reached, all of which were judged."""
    numbers = _judged(address, internet, clock)
    connection = _connection(address, numbers, internet, clock)
    try:
        connection.request(
            "GET", address.target, headers=HEADERS, preload_content=False, decode_content=False
        )
        with closing(connection.getresponse()) as answer:
            yield answer
    finally:
        connection.close()


def _judged(address: Address, internet: Internet, clock: "Clock") -> list[str]:
    """Return the host's numbers; raise FileRefused if even one of them is not public."""
    with suppress(ValueError):
        ipaddress.ip_address(address.host)
        return [address.host]  # judged as it was read
    numbers = _resolved(address, internet, min(NAME_SECONDS, clock.left()))
    if not numbers:
        raise FileRefused(_late(address.host, clock) or f"There is no host called {address.host}.")
    if not all(is_public(number) for number in numbers):
        raise FileRefused(NOT_PUBLIC.format(host=address.host))
    return list(dict.fromkeys(numbers))[:MOST_NUMBERS]


def _resolved(address: Address, internet: Internet, seconds: float) -> list[str]:
    """Ask for a name in a thread: the system's resolver takes as long as it likes."""
    found: list[str] = []

    def ask() -> None:
        with suppress(OSError, UnicodeError):
            found.extend(internet.resolve(address.host, address.port))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    return [] if asking.is_alive() else found


def _connection(address: Address, numbers: list[str], internet: Internet, clock: "Clock") -> "HTTPConnection":
    reach = (numbers, internet, clock)  # its timeout is none: the clock cuts before
    if address.scheme == "http":
        return JudgedConnection(address.host, address.port, timeout=SECONDS, reach=reach)
    return JudgedTlsConnection(
        address.host, address.port, timeout=SECONDS, ssl_context=internet.tls(), reach=reach
    )


class _Judged:
    """Opens its socket to numbers that were judged, whatever its host's name means by now."""

    def __init__(self, *args: Any, reach: tuple[list[str], Internet, "Clock"], **options: Any) -> None:
        super().__init__(*args, **options)
        self._numbers, self._internet, self._clock = reach

    def _new_conn(self) -> socket.socket:
        failure: OSError = OSError("no address")
        for number in self._numbers:
            if not is_public(number):
                break
            try:
                seconds = min(CONNECT_SECONDS, self._clock.left())
                opened = self._internet.connect(number, self.port, seconds)  # type: ignore[attr-defined]
            except OSError as error:
                failure = error
                continue
            opened.settimeout(SECONDS)
            self._clock.watch(opened)
            return opened
        raise failure


class JudgedConnection(_Judged, HTTPConnection):
    """HTTP."""


class JudgedTlsConnection(_Judged, HTTPSConnection):
    """HTTPS; the certificate must be the host's."""


def _copy(answer: BaseHTTPResponse, file: IO[bytes], host: str, clock: "Clock") -> int:
    """Copy the content; each block earns it more time."""
    if (answer.length_remaining or 0) > MOST_BYTES:
        raise FileRefused(TOO_LARGE)
    size, began = 0, clock.passed()
    while True:
        clock.limit(min(SECONDS, began + HEAD_START + size / SLOWEST))
        block = _block(answer, host, clock)
        if not block:
            break
        size += len(block)
        if size > MOST_BYTES:
            raise FileRefused(TOO_LARGE)
        file.write(block)
    if clock.has_struck:
        raise FileRefused(TOO_SLOW.format(host=host))
    file.flush()
    return size


def _block(answer: BaseHTTPResponse, host: str, clock: "Clock") -> bytes:
    try:
        return answer.read1(BLOCK, decode_content=False)
    except (OSError, HTTPError, HTTPException) as error:
        raise FileRefused(_late(host, clock) or BROKEN_OFF.format(host=host)) from error


class Clock:
    """Ends what takes too long: at the time it cuts the connections that it watches. A context manager."""

    def __init__(self, seconds: float) -> None:
        self._has_struck = False
        self._began = time.monotonic()
        self._until = self._began + seconds
        self._watched: list[socket.socket] = []
        self._changed = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()
        for each in self._watched:
            each.close()

    @property
    def has_struck(self) -> bool:
        """Return whether the time has come, even if the clock's own thread has had no turn to say so yet."""
        return self._has_struck or time.monotonic() >= self._until

    def passed(self) -> float:
        """Return the seconds since the beginning."""
        return time.monotonic() - self._began

    def limit(self, seconds: float) -> None:
        """Strike so many seconds after the beginning."""
        with self._changed:
            self._until = self._began + seconds
            self._changed.notify()

    def left(self) -> float:
        """Return the seconds until it strikes; never 0, which a socket would take for no limit."""
        return max(self._until - time.monotonic(), 0.01)

    def watch(self, opened: socket.socket) -> None:
        """Cut this connection when the time has come; by a handle of our own, since TLS takes the socket's away."""
        with self._changed:
            self._watched.append(opened.dup())

    def _run(self) -> None:
        with self._changed:
            while not self._over and (left := self._until - time.monotonic()) > 0:
                self._changed.wait(left)
            if self._over:
                return
            self._has_struck = True
            for each in self._watched:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
