"""A small internet for tests: names, numbers, and a server of bad manners on this machine."""

import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from media_sync.arrivals.remote import Internet

PUBLIC = "93.184.216.34"  # of a host that has always been there; nothing is sent to it
Answer = Callable[[socket.socket, str], None]  # gets the connection, and the path that was asked for


class StubInternet(Internet):
    """Names are those given here, and every number leads to the server at `port` of this machine.

    Whatever passes the judge is connected, private numbers too: `opened` tells them.
    """

    def __init__(self, names: Mapping[str, list[str] | Iterator[list[str]]], port: int) -> None:
        self.names, self.port, self.opened = names, port, list[str]()
        self.context: ssl.SSLContext | None = None

    def resolve(self, host: str, port: int) -> list[str]:
        found = self.names.get(host)
        if found is None:
            raise OSError(host)
        return found if isinstance(found, list) else next(found)

    def connect(self, number: str, port: int, seconds: float) -> socket.socket:
        self.opened.append(number)
        return socket.create_connection(("127.0.0.1", self.port), seconds)

    def tls(self) -> ssl.SSLContext:
        return self.context or super().tls()


@contextmanager
def server(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Give the port of a server that answers every connection by this function."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                asked = tls.wrap_socket(self.request, server_side=True) if tls else self.request
                head = b""
                while b"\r\n\r\n" not in head and (more := asked.recv(4096)):
                    head += more
                with closing(asked):
                    answer(asked, [*head.split(), b"", b""][1].decode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that goes is no error."""

    with Server(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield listening.server_address[1]
        listening.shutdown()


def send(connection: socket.socket, body: bytes, *headers: str, status: str = "200 OK") -> None:
    """Send an answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    connection.sendall("\r\n".join(lines).encode() + body)


def endless(connection: socket.socket, block: bytes, *, every: float = 0.0, head: str = "") -> None:
    """Send a block over and over, as the content of an answer (or what stands in `head`); end when nobody gives up."""
    connection.sendall((head or "HTTP/1.1 200 OK\r\n\r\n").encode())
    for _ in range(600):
        connection.sendall(block)
        time.sleep(every)


def certified(host: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return what a server of this name speaks TLS with, and what clients trust that know its certificate alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    text = made.public_bytes(serialization.Encoding.PEM)
    file.write_bytes(
        text
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(file)
    return served, ssl.create_default_context(cadata=text.decode())
