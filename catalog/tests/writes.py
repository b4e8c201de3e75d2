"""What tests of writes over the API share."""

import json
from typing import Any

from django.test import Client

from catalog.models import Kind
from catalog.tests.api import staff_client

VERBS = ("view", "add", "change", "publish", "delete")
EVERY_RIGHT = [
    *[f"{verb}_{kind}" for verb in VERBS for kind in Kind.values],
    *[f"{verb}_{name}" for verb in ("view", "add", "change", "delete") for name in ("production", "term", "appearance")],
]  # fmt: skip
VEHICLES, BULK = "/v1/vehicles/", "/v1/vehicles/bulk/"


def staff_of_all() -> Client:
    """Return a client of staff who may write everything."""
    return staff_client(*EVERY_RIGHT)


def send(client: Client, method: str, address: str, body: Any = None, **headers: str) -> Any:
    """Send a body as JSON; headers by their names with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.generic(
        method.upper(), address, _json(body), content_type="application/json", headers=named
    )


def _json(body: Any) -> Any:
    return body if isinstance(body, bytes | str) else "" if body is None else json.dumps(body)


def faults(answer: Any) -> list[tuple[str, str, str]]:
    """Return (pointer, code, sentence) of what the answer says is wrong."""
    assert answer["Content-Type"] == "application/problem+json", answer.content
    return [(each["pointer"], each["code"], each["detail"]) for each in answer.json()["errors"]]
