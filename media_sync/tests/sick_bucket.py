"""A bucket's server that looks well when it is asked how it does, and fails at everything else in a way of its own."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

WELL = b"<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated></ListBucketResult>"
PROBE = b"list-type=2&max-keys=1"
BYTE_SECONDS = 0.05  # until the next byte of a server that sends one after the other
HEAD = b'HTTP/1.1 200 OK\r\nConnection: close\r\nETag: "e"\r\nContent-Length: %d\r\n\r\n'

Answer = Callable[["SickBucket", socket.socket], None]


class SickBucket:
    """Answers probes, and each other request as `answer` does."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.over = threading.Event()
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._opened: list[socket.socket] = []
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Break off whatever is left, so that whoever waits for it ends."""
        self.over.set()
        for each in [self._listener, *self._opened]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                opened, _ = self._listener.accept()
                self.connections += 1
                self._opened.append(opened)
                threading.Thread(target=self._serve, args=(opened,), daemon=True).start()

    def _serve(self, opened: socket.socket) -> None:
        with suppress(OSError), opened:
            head = b""
            while b"\r\n\r\n" not in head:
                block = opened.recv(65536)
                if not block:
                    return
                head += block
            if PROBE in head:
                opened.sendall(HEAD % len(WELL) + WELL)
                return
            self.answer(self, opened)


def says_nothing(bucket: SickBucket, opened: socket.socket) -> None:
    bucket.over.wait()


def says_nothing_behind_the_head(bucket: SickBucket, opened: socket.socket) -> None:
    opened.sendall(HEAD % 1000)
    bucket.over.wait()


def drips_its_head(bucket: SickBucket, opened: socket.socket) -> None:
    opened.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(bucket, opened)


def drips_its_body(bucket: SickBucket, opened: socket.socket) -> None:
    opened.sendall(HEAD % 1_000_000)
    _drip(bucket, opened)


def breaks_off_in_the_body(bucket: SickBucket, opened: socket.socket) -> None:
    opened.sendall(HEAD % 1000 + b"x" * 500)
    # The end is a reset, as when a machine is switched off.
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def answers_500(bucket: SickBucket, opened: socket.socket) -> None:
    opened.sendall(b"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")


def is_no_server(bucket: SickBucket, opened: socket.socket) -> None:
    opened.sendall(b"220 mail.example.com ESMTP\r\n")


SICKNESSES: dict[str, Answer] = {
    each.__name__: each
    for each in (
        says_nothing, says_nothing_behind_the_head, drips_its_head, drips_its_body, breaks_off_in_the_body, answers_500,
        is_no_server,
    )
}  # fmt: skip


@contextmanager
def sick_bucket(answer: Answer) -> Iterator[SickBucket]:
    bucket = SickBucket(answer)
    try:
        yield bucket
    finally:
        bucket.close()


def _drip(bucket: SickBucket, opened: socket.socket) -> None:
    while not bucket.over.wait(BYTE_SECONDS):
        opened.sendall(b"x")
