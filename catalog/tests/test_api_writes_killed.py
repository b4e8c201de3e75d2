"""A server that is killed between the commit and the answer: the same request again gets the answer that was lost."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, RemoteDisconnected
from typing import Any

import pytest
from django.conf import settings

from accounts.tests.people import api, holder
from catalog.models import AnsweredRequest, Item
from catalog.tests.runs import surroundings
from catalog.tests.writes import EVERY_RIGHT, VEHICLES
from marketplace.tests.stack import free_port, wait_until

NEW = {"reference": "A-1", "name": "Car"}


@pytest.fixture
def port() -> Iterator[int]:
    """gunicorn with one worker, which its master replaces when it is killed."""
    port = free_port()
    words = ["gunicorn", "-c", "python:marketplace.gunicorn", "catalog.tests.dying"]
    process = subprocess.Popen(
        [sys.executable, "-m", *words], cwd=settings.BASE_DIR, stderr=subprocess.DEVNULL,
        env=surroundings() | {"PORT": str(port), "WEB_CONCURRENCY": "1", "LOG_LEVEL": "CRITICAL"},
    )  # fmt: skip
    try:
        wait_until(lambda: is_up(port), seconds=120)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=60)


def is_up(port: int) -> bool:
    try:
        return sent(port, "GET", "/healthz")[0] == 200
    except OSError:
        return False


def sent(
    port: int, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"} | named)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_answer_that_a_killed_server_never_sent_is_given_to_the_repetition(port):
    client = api(holder(*[f"catalog.{name}" for name in EVERY_RIGHT]))
    known = {"Authorization": client.defaults["HTTP_AUTHORIZATION"], "Idempotency_Key": "k-1"}
    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        sent(port, "POST", VEHICLES, NEW, X_Die="1", **known)
    lost = AnsweredRequest.objects.get()

    wait_until(lambda: is_up(port), seconds=120)
    status, headers, body = sent(port, "POST", VEHICLES, NEW, **known)

    assert (status, body, headers["Idempotency-Replayed"]) == (201, bytes(lost.body), "true")
    assert {name: headers[name] for name in ("Location", "ETag")} == lost.headers
    assert json.loads(body)["id"] == Item.objects.get().pk
