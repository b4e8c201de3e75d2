"""Answers about imports are what the OpenAPI document says of them, in every state of an import."""

from functools import cache
from typing import Any

import pytest
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from catalog.imports.life import work
from catalog.tests.api_imports import IMPORTS, importer, post, read, upload

pytestmark = [
    pytest.mark.usefixtures("bucket"),
    pytest.mark.django_db,
]
ODD = b"reference,name,Farbe\nA-1,DB5,silver\nA-2,,red\n"


@cache
def document() -> dict[str, Any]:
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


def faults(answer: Any, path: str, method: str = "get", status: int = 200) -> list[str]:
    """Return where the answer breaks the promise of the document."""
    assert answer.status_code == status, answer.content
    promised = document()["paths"][path][method]["responses"][str(status)]["content"]["application/json"]
    judge = Draft202012Validator(
        promised["schema"] | {"components": document()["components"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    return [f"{error.json_path}: {error.message}" for error in judge.iter_errors(answer.json())]


def test_import_is_as_documented_from_upload_to_undo():
    client = importer("catalog.view_importlayout", "catalog.delete_vehicle")
    run, rows = f"{IMPORTS}{{id}}/", f"{IMPORTS}{{id}}/rows/"
    sent = upload(client, ODD)
    address, pk = sent["Location"], sent.json()["id"]

    found = [faults(sent, IMPORTS, "post", 202), faults(client.get(address), run)]
    work.read_now(pk)
    found += [faults(client.get(address), run)]
    mapping = {"name": {"header": "name"}, "ignored": ["Farbe"]}
    body = {"sheets": [{"position": 0, "mapping": mapping}], "remember": True}
    found += [faults(post(client, f"{address}mapping/", body, "put"), f"{run}mapping/", "put", 202)]
    work.read_now(pk)
    found += [faults(client.get(address), run), faults(client.get(f"{address}rows/?page_size=1"), rows)]
    found += [faults(client.get(f"{IMPORTS}layouts/"), f"{IMPORTS}layouts/")]
    found += [faults(post(client, f"{address}leave-out/", {"lines": [9]}), f"{run}leave-out/", "post", 202)]
    work.read_now(pk)
    found += [faults(post(client, f"{address}confirm/"), f"{run}confirm/", "post", 202)]
    work.land_now(pk)
    found += [
        faults(client.get(address), run),
        faults(client.get(f"{address}rows/?page_size=1&page=2"), rows),
    ]
    found += [faults(post(client, f"{address}undo/"), f"{run}undo/", "post", 202)]
    work.undo_now(pk)
    found += [faults(client.get(address), run), faults(client.get(f"{address}rows/"), rows)]
    found += [faults(client.get(IMPORTS), IMPORTS)]

    assert found == [[]] * len(found)
    assert client.get(address).json()["state"] == "undone"


def test_import_that_failed_or_was_cancelled_is_as_documented():
    client = importer()
    failed, cancelled = read(client, b"%PDF", name="a.xlsx"), read(client)

    answer = post(client, f"{cancelled}cancel/")

    assert faults(answer, f"{IMPORTS}{{id}}/cancel/", "post", 202) == []
    assert faults(client.get(failed), f"{IMPORTS}{{id}}/") == []


def test_every_link_is_a_route():
    client = importer()
    address = read(client, b"reference,name\nA-1,\nA-2,DB5\n")

    links = client.get(address).json()["links"]

    pk = address.rstrip("/").rpartition("/")[2]
    names = {"mapping": "give_mapping", "file": "original"}
    assert {name: link for name, link in links.items() if link} == {
        name: f"http://testserver{reverse(f'import-{names.get(name, name)}', args=[pk])}"
        for name in links
        if name != "undo"
    }
