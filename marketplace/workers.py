"""gunicorn's worker of threads, with a thread of its own for liveness, and our headers on its own refusals.

A database that stands still holds every thread that waits for it, and a probe behind them in the queue would have an
orchestrator kill a process that is well.
"""

import json
import os
import re
import selectors
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from types import FrameType
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from marketplace import gunicorn as limits
from marketplace import headers

# The whole head of a request for liveness, which has no body: reading it can make nobody wait.
PROBE = re.compile(rb"(?:GET|HEAD) /healthz[ ?].{0,2000}\r\n\r\n\Z", re.DOTALL)
BODY = re.compile(rb"\n(?:content-length|transfer-encoding):", re.IGNORECASE)
LONGEST_PROBE = 2048  # bytes
REFUSALS = {
    HTTPStatus.REQUEST_URI_TOO_LONG: "The address, with all its parameters, is longer than the"
    f" {limits.limit_request_line:,} bytes that this service reads.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"This service reads up to {limits.limit_request_fields} headers"
    f" of {limits.limit_request_field_size:,} bytes each.",
}
FIRST_BYTES_SECONDS = 5  # so long a new connection may stay silent


class Guarded:
    """A connection on which gunicorn itself refuses what it cannot read: as a problem, with the usual headers."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def sendall(self, answer: bytes) -> None:
        # Of gunicorn's page only the status goes on: its words repeat what the client sent.
        line = answer.partition(b"\r\n")[0]
        status = HTTPStatus(int(line.split(b" ", 2)[1]))
        problem = {
            "type": "about:blank",
            "title": status.phrase,
            "status": int(status),
            "detail": REFUSALS.get(status, "The request cannot be read."),
        }
        body = json.dumps(problem).encode()
        told = headers.of_no_request() | {
            "Connection": "close",
            "Content-Type": "application/problem+json",
            "Content-Length": str(len(body)),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self.connection.sendall(line + b"\r\n" + lines.encode() + b"\r\n" + body)


class Worker(ThreadWorker):
    """Looks at what a connection asks for before a thread takes it."""

    def init_process(self) -> None:
        self.probes = ThreadPoolExecutor(max_workers=1)
        super().init_process()

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """End at once. Python itself would wait for every running request first, and keep the port so long."""
        os._exit(0)

    def enqueue_req(self, conn: TConn) -> None:
        if conn.initialized or conn.data_ready:
            pool = self.probes if _is_probe(conn) else self.tpool
            pool.submit(self.handle, conn).add_done_callback(partial(self._done, conn))
        else:
            self._wait_for_first_bytes(conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        super().handle_error(req, Guarded(client), addr, exc)

    def _wait_for_first_bytes(self, conn: TConn) -> None:
        # As gunicorn does it with a connection whose client is slow; it comes back by on_pending_socket_readable.
        conn.timeout = time.monotonic() + FIRST_BYTES_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _done(self, conn: TConn, future: "Future[Any]") -> None:
        self.method_queue.defer(self.finish_request, conn, future)


def _is_probe(conn: TConn) -> bool:
    try:
        head = conn.sock.recv(LONGEST_PROBE, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:  # nothing there to see, or the client is gone, which handling it will find
        return False
    return bool(PROBE.match(head)) and not BODY.search(head)
