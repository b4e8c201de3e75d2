"""gunicorn as we configure it: what it bounds, what it believes, and liveness while its threads wait."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import NamedTuple

import pytest

from marketplace import gunicorn, headers
from marketplace.tests import stack

GUARDS = {
    "Content-Security-Policy": headers.NOTHING,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=60",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Echo(NamedTuple):
    """gunicorn as we configure it, one process, before an application of the tests."""

    port: int
    release: Path


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Echo]:
    place = tmp_path_factory.mktemp("echo")
    served = Echo(stack.free_port(), place / "release")
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "python:marketplace.gunicorn", "marketplace.tests.echo"],
        env=stack.environment(place, PORT=str(served.port), WEB_CONCURRENCY="1", RELEASE=str(served.release)),
        stderr=subprocess.DEVNULL,
    )
    try:
        stack.wait_until(lambda: answers(served.port))
        yield served
    finally:
        served.release.touch()
        process.terminate()
        process.wait(timeout=60)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def asked(server: Echo, path: str, sent: dict[str, str] | None = None) -> tuple[int, str]:
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request("GET", path, headers=sent or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_gunicorn_believes_nothing_that_a_caller_says_of_the_connection(echo: Echo) -> None:
    claims = {"X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "on", "SCRIPT_NAME": "/admin"}

    assert asked(echo, "/here", claims) == (200, "http /here")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param({f"X-{number}": "1" for number in range(60)}, 200, id="many"),
        pytest.param({f"X-{number}": "1" for number in range(65)}, 431, id="too many"),
        pytest.param({"X-Long": "x" * 8000}, 200, id="long"),
        pytest.param({"X-Long": "x" * 9000}, 431, id="too long"),
    ],
)
def test_gunicorn_bounds_headers(echo: Echo, sent: dict[str, str], status: int) -> None:
    assert asked(echo, "/here", sent)[0] == status


def test_what_gunicorn_refuses_by_itself_carries_the_usual_headers(echo: Echo) -> None:
    with socket.create_connection(("127.0.0.1", echo.port), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n")
        answer = HTTPResponse(connection)
        answer.begin()
        body = answer.read()

    assert (answer.status, b"Bad Request" in body) == (400, True)
    assert {name: answer.getheader(name) for name in GUARDS} == GUARDS
    assert "publickey-credentials-get=()" in (answer.getheader("Permissions-Policy") or "")


def test_parameter_of_8_kb_reaches_the_application_which_names_it(echo: Echo) -> None:
    assert asked(echo, f"/here?q={'x' * 8192}") == (200, "http /here")


def test_address_that_is_too_long_is_a_problem(echo: Echo) -> None:
    with socket.create_connection(("127.0.0.1", echo.port), timeout=30) as connection:
        connection.sendall(b"GET /?q=" + b"x" * gunicorn.limit_request_line + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = HTTPResponse(connection)
        answer.begin()
        body = json.loads(answer.read())

    assert (answer.status, answer.getheader("Content-Type")) == (414, "application/problem+json")
    assert body == {
        "type": "about:blank",
        "title": HTTPStatus.REQUEST_URI_TOO_LONG.phrase,
        "status": 414,
        "detail": "The address, with all its parameters, is longer than the 16,380 bytes that this service reads.",
    }


def test_liveness_is_answered_while_every_thread_waits(echo: Echo) -> None:
    count = 4 * gunicorn.threads
    with ThreadPoolExecutor(count + 1) as pool:
        waiting = [pool.submit(asked, echo, "/wait") for _ in range(count)]
        behind = pool.submit(asked, echo, "/here")
        try:
            probes = [asked(echo, path) for path in ("/healthz", "/healthz?from=probe", "/healthz")]

            # Others queue: were there a thread left, the probes would prove nothing.
            unanswered = [not future.done() for future in (*waiting, behind)]
        finally:
            echo.release.touch()
        late = [future.result(timeout=30) for future in waiting]
        echo.release.unlink()

    assert probes == [(200, "http /healthz")] * 3
    assert all(unanswered)
    assert late == [(200, "http /wait")] * count


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([b"GET /he", b"althz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"], id="in pieces"),
        pytest.param([b"GET /healthz HTTP/1.1\r\nHost: a\r\n", b"Connection: close\r\n\r\n"], id="head cut"),
        pytest.param([b"HEAD /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"], id="HEAD"),
        pytest.param([b"GET /healthzz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"], id="another"),
    ],
)
def test_request_arriving_in_any_pieces_is_answered(echo: Echo, sent: list[bytes]) -> None:
    with socket.create_connection(("127.0.0.1", echo.port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in sent:
            connection.sendall(piece)
            time.sleep(0.1)  # so that they arrive apart; together they must work as well

        assert connection.recv(12) == b"HTTP/1.1 200"


def test_liveness_waits_for_no_body_that_a_probe_announces_and_never_sends(echo: Echo) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
    promising = [socket.create_connection(("127.0.0.1", echo.port)) for _ in range(gunicorn.threads // 2)]
    for connection in promising:
        connection.sendall(head)

    # Each would hold the one thread of the probes for 5 s.
    with closing(HTTPConnection("127.0.0.1", echo.port, timeout=12)) as probe:
        probe.request("GET", "/healthz")
        status = probe.getresponse().status

    for connection in promising:
        connection.close()
    assert status == 200


def test_connections_that_say_nothing_hold_no_thread(echo: Echo) -> None:
    silent = [socket.create_connection(("127.0.0.1", echo.port)) for _ in range(4 * gunicorn.threads)]

    answer = asked(echo, "/here")

    for connection in silent:
        connection.close()
    assert answer == (200, "http /here")
