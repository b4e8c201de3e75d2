"""Requests about an import that cannot be used: a sentence names what is wrong, and nothing happens to the import."""

import json
from typing import Any

import pytest

from catalog.tests.api_imports import IMPORTS, importer, pointers, post, read

pytestmark = [
    pytest.mark.usefixtures("bucket"),
    pytest.mark.django_db,
]

BODIES: dict[str, list[tuple[Any, list[str]]]] = {
    "confirm": [
        ({"withdraw": "many"}, ["/withdraw"]),
        ({"withdraw": -1}, ["/withdraw"]),
        ({"withdraw": 10**30}, ["/withdraw"]),
        ({"withdraw": [1]}, ["/withdraw"]),
        ({"withdrawn": 1}, ["/withdrawn"]),
        ([], [""]),
        ("yes", [""]),
    ],
    "leave-out": [
        ({"lines": 3}, ["/lines"]),
        ({"lines": [0, "a", 10**30]}, ["/lines/0", "/lines/1", "/lines/2"]),
        ({"lines": [1] * 10_001}, ["/lines"]),
        ({"take_back": {"a": 1}}, ["/take_back"]),
        ({"columns": ["colour"]}, ["/columns/0"]),
        ({"columns": ["na\0me"]}, ["/columns/0"]),
        ({"sheet": 7}, ["/sheet"]),
        ({"rows": [1]}, ["/rows"]),
    ],
    "undo": [({"force": "very"}, ["/force"]), ({"force": []}, ["/force"]), ({"undo": True}, ["/undo"])],
    "cancel": [({"why": "because"}, ["/why"]), ([1], [""])],
    "mapping": [
        ({}, ["/sheets"]),
        ({"sheets": []}, ["/sheets"]),
        ({"sheets": [{}]}, ["/sheets/0/position", "/sheets/0/mapping"]),
        ({"sheets": [{"position": 0, "mapping": []}]}, ["/sheets/0/mapping"]),
        ({"sheets": [{"position": 0, "mapping": {}, "name": "x"}]}, ["/sheets/0/name"]),
        ({"sheets": [{"position": 9, "mapping": {}}]}, ["/sheets/0/position"]),
        ({"sheets": [{"position": 0, "mapping": {}}] * 2}, ["/sheets/1/position"]),
        (
            {"sheets": [{"position": 0, "mapping": {"name": {"header": "Nowhere"}}}]},
            ["/sheets/0/mapping/name"],
        ),
        ({"sheets": [{"position": 0, "mapping": {"colour": {}}}]}, ["/sheets/0/mapping"]),
        ({"sheets": "all", "remember": 3}, ["/sheets", "/remember"]),
    ],
}


def test_body_that_cannot_be_used():
    client = importer()
    address = read(client)
    methods = {action: "put" if action == "mapping" else "post" for action in BODIES}

    found = {
        action: [pointers(post(client, f"{address}{action}/", body, methods[action])) for body, _ in bodies]
        for action, bodies in BODIES.items()
    }

    assert found == {action: [named for _, named in bodies] for action, bodies in BODIES.items()}
    assert client.get(address).json()["state"] == "ready"


def test_body_that_is_no_json():
    client = importer()
    address = read(client)
    methods = {action: "PUT" if action == "mapping" else "POST" for action in BODIES}
    bodies = [
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"withdraw": NaN}',
        json.dumps({"withdraw": 9}).encode("utf-16"),
    ]

    found = {
        action: [
            client.generic(method, f"{address}{action}/", body, content_type="application/json").status_code
            for body in bodies
        ]
        for action, method in methods.items()
    }

    assert found == dict.fromkeys(BODIES, [400] * len(bodies))


QUERIES = {
    "rows/?outcome=good": "outcome",
    "rows/?page=0": "page",
    "rows/?page=2": "page",
    "rows/?page=2147483648": "page",
    "rows/?page=2147483647": "page",
    "rows/?page_size=101": "page_size",
    "rows/?sheet=1": "sheet",
    "rows/?sheet=-1": "sheet",
    "rows/?sheets=1": "sheets",
    "rows/?outcome=new&outcome=changed": "outcome",
    "rejected/?sheet=2147483647": "sheet",
    "rejected/?format=csv": "format",
    "?rows=1": "rows",
}


def parameters(answer: Any) -> list[str]:
    assert answer.status_code == 400, answer.content
    return [fault["parameter"] for fault in answer.json()["errors"]]


def test_query_that_cannot_be_used():
    client = importer()
    address = read(client)

    found = {query: parameters(client.get(f"{address}{query}")) for query in QUERIES}

    assert found == {query: [named] for query, named in QUERIES.items()}


LIST_QUERIES = ["state=gone", "target=boat", "page_size=0", "order=id", "count=no", "state="]


def test_list_with_a_query_that_cannot_be_used():
    client = importer()

    found = [parameters(client.get(f"{IMPORTS}?{query}")) for query in LIST_QUERIES]

    assert found == [[query.partition("=")[0]] for query in LIST_QUERIES]


@pytest.mark.parametrize("number", ["0", "9" * 12, "9" * 30], ids=len)
def test_run_that_there_is_not(number):
    client = importer()

    found = {
        (action, method): getattr(client, method)(f"{IMPORTS}{number}/{action}").status_code
        for action, method in [
            ("", "get"), ("rows/", "get"), ("rejected/", "get"), ("mapping/", "put"), ("leave-out/", "post"),
            ("confirm/", "post"), ("cancel/", "post"), ("undo/", "post"),
        ]
    }  # fmt: skip

    assert set(found.values()) == {404}
