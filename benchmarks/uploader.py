"""A client of the service that brings texts, and of the bucket that it sends them to. Django must be set up."""

import hashlib
import http.client
import json
import time
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from accounts import tokens
from accounts.models import User


class Uploader:
    """The service as its clients have it."""

    def __init__(self, port: int, person: User) -> None:
        self._port = port
        self._token = tokens.begin(person, verified=False).access

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as asking:
            asking.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = asking.getresponse()
            return answer.status, json.loads(answer.read())

    def announce(self, content: bytes, seconds: list[float]) -> dict[str, Any]:
        """Announce a text until the service takes it; return the upload."""
        told = {
            "name": "provenance.txt", "type": "text/plain", "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }  # fmt: skip
        while True:
            begin = time.monotonic()
            status, upload = self.ask("POST", "/v1/media/uploads/", told)
            seconds.append(time.monotonic() - begin)
            if status in {200, 201}:
                return dict(upload)
            if status != 503:
                raise SystemExit(f"an announcement was answered {status}: {upload}")

    def complete(self, url: str) -> tuple[int, float]:
        """Return status and seconds."""
        begin = time.monotonic()
        status, _ = self.ask("POST", urlsplit(url).path, {})
        return status, time.monotonic() - begin

    def state(self, url: str) -> str:
        return str(self.ask("GET", urlsplit(url).path)[1]["state"])


def send(doors: dict[str, Any], content: bytes) -> None:
    """Send the file to the bucket until it says that it has it."""
    address = urlsplit(doors["url"])
    while True:
        try:
            with closing(
                http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
            ) as sending:
                sending.request("PUT", f"{address.path}?{address.query}", content, doors["headers"])
                answer = sending.getresponse()
                answer.read()
        except (OSError, http.client.HTTPException):
            continue
        if answer.status == 200:
            return
        if answer.status != 503:
            raise SystemExit(f"the bucket answered {answer.status}")
