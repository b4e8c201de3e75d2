"""What tests of imports over the API share: a person who imports, and the steps of an import as requests."""

import json
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.tests.people import api, holder
from catalog.imports.life import work

IMPORTS = "/v1/imports/"
RIGHTS = tuple(f"catalog.{verb}_importrun" for verb in ("add", "preview", "confirm", "undo", "view"))
VEHICLES = tuple(f"catalog.{verb}_vehicle" for verb in ("view", "add", "change"))
STOCK = (
    b"reference,name,make,price\nA-1,Aston Martin DB5,Aston Martin,1250000\nA-2,Lotus Esprit,Lotus,90000\n"
)


def importer(*more: str) -> Client:
    """Return a client with the token of a new staff account that may import vehicles, and what else is named."""
    return api(holder(*RIGHTS, *VEHICLES, *more))


def upload(client: Client, content: bytes = STOCK, name: str = "stock.csv", **fields: Any) -> Any:
    """Send a file; vehicles where nothing else is said."""
    form = {"file": SimpleUploadedFile(name, content), "target": "vehicle"} | fields
    return client.post(IMPORTS, form)


def post(client: Client, address: str, body: Any = None, method: str = "post") -> Any:
    """Send JSON; an empty object where nothing else is given."""
    content = json.dumps({} if body is None else body)
    return client.generic(method.upper(), address, content, content_type="application/json")


def read(client: Client, content: bytes = STOCK, **fields: Any) -> str:
    """Bring a file and let it be read; return the address of its run."""
    answer = upload(client, content, **fields)
    assert answer.status_code == 202, answer.content
    work.read_now(answer.json()["id"])
    return str(answer["Location"])


def landed(client: Client, content: bytes = STOCK, **fields: Any) -> str:
    """Bring a file, and let it be read and landed; return the address of its run."""
    address = read(client, content, **fields)
    answer = post(client, f"{address}confirm/")
    assert answer.status_code == 202, answer.content
    work.land_now(answer.json()["id"])
    return address


def told(client: Client, address: str, *names: str) -> tuple[Any, ...]:
    """Return these fields of the run."""
    answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return tuple(answer.json()[name] for name in names)


def pointers(answer: Any, status: int = 400) -> list[str]:
    """Return what the problem points to."""
    assert (answer.status_code, answer["Content-Type"]) == (
        status,
        "application/problem+json",
    ), answer.content
    return [fault["pointer"] for fault in answer.json().get("errors", [])]
