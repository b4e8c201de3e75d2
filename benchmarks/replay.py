"""A server that answers a bucket's listing as Amazon's does, from memory: `python -m benchmarks.replay OBJECTS`."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit
from urllib.request import urlopen

from benchmarks.database import ROOT

PAGE = 1000
ENTRY = (
    "<Contents><Key>{key}</Key><LastModified>2026-01-02T03:04:{second:02}.000Z</LastModified>"
    "<ETag>&quot;{etag:032x}&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
    "<ChecksumType>FULL_OBJECT</ChecksumType><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
)
ANSWER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<Name>bench-sync</Name><Prefix></Prefix><KeyCount>{count}</KeyCount><MaxKeys>1000</MaxKeys>"
    "<EncodingType>url</EncodingType>{more}{entries}</ListBucketResult>"
)
MORE = "<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
LAST = "<IsTruncated>false</IsTruncated>"


def key_of(number: int) -> str:
    """Return the key of an object; in the order of numbers they are in the order of bytes. One in ten is no ASCII."""
    name = f"{number % 10} front é.jpg" if number % 10 == 9 else f"{number % 10}.jpg"
    return f"vehicles/BENCH-{number // 10:07}/{name}"


class Server(ThreadingHTTPServer):
    """`changed`: every hundredth object is another than before."""

    changed = False
    objects = 0

    def page(self, start: int, most: int = PAGE) -> bytes:
        numbers = range(start, min(start + most, self.objects))
        entries = "".join(
            ENTRY.format(
                key=quote(key_of(n)), second=n % 60, size=1000 + n % 5000,
                etag=n * 7 + (self.changed and n % 100 == 0),
            )
            for n in numbers
        )  # fmt: skip
        end = start + most
        more = MORE.format(token=end) if end < self.objects else LAST
        return ANSWER.format(count=len(numbers), more=more, entries=entries).encode()


class Handler(BaseHTTPRequestHandler):
    """Answers ListObjectsV2, with StartAfter and tokens; has no object to HEAD; POST changes the objects."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        start = int(asked.get("continuation-token", 0)) or self._behind(asked.get("start-after", ""))
        self._answer(self.server.page(start, min(PAGE, int(asked.get("max-keys", PAGE)))))

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.server.changed = True
        self._answer(b"")

    def _behind(self, key: str) -> int:
        """Return the number of the first object behind the key."""
        low, high = 0, self.server.objects
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if key_of(middle) <= key else (low, middle)
        return low

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Replayed:
    """A server in a process of its own, so that what it costs is not the client's."""

    def __init__(self, address: str) -> None:
        self.address = address

    def change(self) -> Iterator[None]:
        with urlopen(self.address, data=b"") as answer:
            answer.read()
        yield


@contextmanager
def replayed(objects: int) -> Iterator[Replayed]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.replay", str(objects)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        yield Replayed(process.stdout.readline().strip())
    finally:
        process.terminate()
        process.wait(30)


def main() -> None:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.objects = int(sys.argv[1])
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
