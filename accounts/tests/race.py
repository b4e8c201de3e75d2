"""One refresh token, exchanged by many clients at the same moment with a real server of several processes."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any

from django.conf import settings

from marketplace.tests.database import database_address
from marketplace.tests.stack import free_port, wait_until

WORKERS, THREADS = 4, 12
JSON = {"Content-Type": "application/json"}


@contextmanager
def served(application: str = "marketplace.wsgi:application", **variables: str) -> Iterator[int]:
    """Serve the application on the database that Django is connected to; give the port."""
    port = free_port()
    server = subprocess.Popen(
        [
            sys.executable, "-m", "gunicorn", "-c", "python:marketplace.gunicorn", "--keep-alive", "60",
            f"--workers={WORKERS}", f"--threads={THREADS}", application,
        ],
        cwd=settings.BASE_DIR, stderr=subprocess.DEVNULL,
        env=os.environ | {"DATABASE_URL": database_address(), "HOST": "127.0.0.1", "PORT": str(port), "LOG_LEVEL": "ERROR"} | variables,
    )  # fmt: skip
    try:
        wait_until(lambda: server.poll() is not None or answers(port), seconds=60)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def answers(port: int) -> bool:
    try:
        with connected(port) as server:
            call(server, "GET", "/")
    except OSError:
        return False
    return True


def connected(port: int) -> "closing[HTTPConnection]":
    return closing(HTTPConnection("127.0.0.1", port, timeout=60))


def call(server: HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Send a request on the connection, which stays open; return the status and what was answered."""
    server.request(method, path, None if body is None else json.dumps(body), JSON)
    answer = server.getresponse()
    content = answer.read()
    return answer.status, json.loads(content) if "json" in answer.headers["Content-Type"] else None


def refresh_at_once(port: int, path: str, token: str, times: int) -> list[tuple[int, Any]]:
    """Exchange the token so many times at the same moment, each over a connection that is open already."""
    barrier = threading.Barrier(times)

    def exchange() -> tuple[int, Any]:
        with connected(port) as server:
            call(server, "POST", path, {})  # opens it
            barrier.wait(timeout=60)
            return call(server, "POST", path, {"refresh": token})

    with ThreadPoolExecutor(times) as pool:
        return [each.result() for each in [pool.submit(exchange) for _ in range(times)]]
