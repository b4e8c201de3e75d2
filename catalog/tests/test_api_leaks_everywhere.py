"""Nothing of 1,000 unpublished items beside 1,000 published ones reaches those who may not see them, by any route.

The addresses are walked, not listed: every route that is served, with every parameter that the OpenAPI document
offers. A new route or parameter is asked for as soon as it is there; one of a new type fails until `VALUES` has it.
"""

import base64
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson
import pytest
from django.db import connection
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from accounts import tokens
from catalog.api import filters
from catalog.api.shapes.cursors import MAC_BYTES
from catalog.models import MediaAsset
from catalog.tests.api import staff_client
from catalog.tests.leaks import CANARY, EACH, FEW, TOOLS_ONLY, add_canaries, add_shown
from marketplace.tests.routes import routes_outside_the_admin

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_limits(settings: Any, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The walks ask more often than a client may, and on a busy machine for longer than a token lasts."""
    monkeypatch.setattr(tokens.AccessJWT, "lifetime", timedelta(days=1))
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")


@pytest.fixture
def few() -> None:
    add_shown(FEW)
    add_canaries(FEW)


# The addresses

TEXTS = ["shown,canary,canary-7", "canary"]
VALUES = {
    "boolean": ["true", "false"],
    "integer": ["2", "0", "1888", "1950"],
    "decimal": ["777777", "60"],
    "date-time": ["2000-01-01", "2026-01-02"],
    "string": [
        "canary",
        "canary7",
        "cannary",
        "canar*",
        "shown",
        "showm",
        "Shared",
        "first",
        "last",
        "-shown",
        "sha",
    ],
}


def values_of(schema: dict[str, Any]) -> list[str]:
    """Return values of a parameter that tell much, of any but a few of the type perhaps all."""
    if schema["type"] != "array":
        found: list[str] = schema.get("enum") or VALUES[schema.get("format", schema["type"])]
        return found
    each = schema["items"]
    if "enum" in each:
        return [",".join(each["enum"]), *each["enum"][:3]]
    return TEXTS if each["type"] == "string" else VALUES[each["type"]]


def queries(offered: dict[str, Any], asked: set[str]) -> Iterator[str]:
    """Yield queries: each value of each parameter, with an exact count; the first and all words with every facet.

    `asked` are parameters of addresses that came before: one value of them shows that they are served alike.
    """
    always = {"count": "exact", "page_size": "3", "as": "csv"}
    always = {name: value for name, value in always.items() if name in offered}
    facets = {"facets": ",".join(offered["facets"]["items"]["enum"])} if "facets" in offered else {}
    yield urlencode(always | facets)
    for name, schema in offered.items():
        values = values_of(schema)
        for value in values[:1] if f"{name} {schema}" in asked else values:
            counted = (
                facets if value == values[0] or name == "q" else {}
            )  # they cost a hundred times the rest
            yield urlencode(always | counted | {name: value})
        asked.add(f"{name} {schema}")
    if {"q", "highlight"} <= offered.keys():
        for words in ("canary", "shown", "canary or shown", "shwn"):
            yield urlencode(always | {"q": words, "ordering": "relevance", "highlight": "true"})


def addresses() -> list[str]:
    """Return the addresses without variables that can be read, each with many queries."""
    document = SchemaGenerator().get_schema(request=None, public=True)
    offered = {
        path: {
            each["name"]: each["schema"]
            for each in operations["get"].get("parameters", [])
            if each["in"] == "query"
        }
        for path, operations in document["paths"].items()
        if "get" in operations and "{" not in path and not path.startswith("/v1/auth/")
    }
    asked: set[str] = set()
    paths = sorted(offered, key=lambda path: (-len(offered[path]), path))  # /v1/items/ comes first
    return [f"{path}?{query}" for path in paths for query in queries(offered[path], asked)]


PUBLIC_DETAILS = [
    "/v1/productions/shared-1964/", "/v1/productions/shown-1950/", "/v1/terms/genre/action/", "/v1/items/shown-1/",
    "/v1/items/shown-1/?include=appearances,images", "/v1/vehicles/shown-0/", "/v1/schema/", "/.well-known/jwks.json",
]  # fmt: skip
# Of the time or of the request.
PASSING = {"X-Request-ID", "Date", "RateLimit", "Content-Disposition"}

Answer = tuple[int, bytes, tuple[tuple[str, str], ...]]


def told(answer: Any) -> Answer:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    # To the public no write of what it does not see shows in tags and times; to all staff every write does.
    passing = (
        PASSING if "private" not in answer.get("Cache-Control", "") else PASSING | {"ETag", "Last-Modified"}
    )
    headers = sorted((name, value) for name, value in answer.headers.items() if name not in passing)
    return answer.status_code, body, tuple(headers)


def answers(client: Client) -> dict[str, Answer]:
    """Ask for all; a route that is closed to the caller is asked once."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # no other process can do it to rows of this transaction
    found: dict[str, Answer] = {}
    closed: set[str] = set()
    for address in [*addresses(), *PUBLIC_DETAILS]:
        path = urlsplit(address).path
        if path not in closed:
            found[address] = told(client.get(address))
            closed |= {path} if found[address][0] in {401, 403} else set()
    return found


def differing(one: dict[str, Answer], other: dict[str, Answer]) -> dict[str, tuple[Any, Any]]:
    return {
        address: (one[address], other.get(address)) for address in one if one[address] != other.get(address)
    }


def holding_a_canary(found: dict[str, Answer]) -> list[str]:
    """Return the addresses whose answers hold more of a canary than was asked for."""
    return [
        address
        for address, (status, body, _) in found.items()
        if status == 200 and CANARY.encode() in re.sub(rb'"(next|previous|did_you_mean)":"[^"]*"', b"", body)
    ]


@pytest.mark.timeout(900)  # some 1,500 requests
def test_public_reads_the_same_with_and_without_unpublished_items() -> None:
    add_shown(EACH)
    client, signed_in = Client(), staff_client()
    before = answers(client)

    add_canaries(EACH)

    after = answers(client)
    assert differing(before, after) == {}
    assert holding_a_canary(after) == []
    assert sum(status == 200 for status, _, _ in after.values()) > 300  # not only refusals are alike
    sample = {address: after[address][:2] for address in [*after][::5] if after[address][0] == 200}
    assert {address for address in sample if told(signed_in.get(address))[:2] != sample[address]} == set()


@pytest.mark.timeout(900)
def test_staff_of_tools_read_the_same_with_and_without_others_unpublished_items() -> None:
    add_shown(EACH)
    client = staff_client(*TOOLS_ONLY)
    before = answers(client)

    add_canaries(EACH)

    after = answers(client)
    assert differing(before, after) == {}
    assert holding_a_canary(after) == []
    assert {urlsplit(address).path for address, (status, _, _) in after.items() if status == 200} >= {
        "/v1/exports/item/", "/v1/exports/tool/", "/v1/exports/production/", "/v1/items/", "/v1/media/"
    }  # fmt: skip


# Details: what is unseen is answered as what is not there

METHODS = ("get", "put", "patch", "post", "delete")
NEVER = "01234567-89ab-cdef-0123-456789abcdef"


def keys_of(converter: str) -> tuple[list[str], str]:
    """Return keys of canaries that fit a variable of a route, and one that nothing has."""
    media = MediaAsset.objects.filter(alt_text=CANARY).order_by("pk")[:3]
    return {
        "slug:slug": ([f"{CANARY}-{at}" for at in (0, 1, 2, "film", "before")], "never-was"),
        "slug:vocabulary": (["genre"], "genre"),
        "slug:prefix": ([CANARY], "never"),
        "int:pk": ([str(each.pk) for each in media], str(2**31 - 1)),
        "str:name": (["full-320.webp"], "full-320.webp"),
        "uuid:pk": ([NEVER], NEVER),
        "uuid:session": ([NEVER], NEVER),
    }[converter]


def pairs() -> Iterator[tuple[str, str]]:
    """Yield the addresses of canaries, each with one of the same route that leads nowhere."""
    for route in routes_outside_the_admin():
        names = re.findall(r"<([^>]+)>", route)
        if names and route.startswith("v1/"):
            own = {name: keys_of(name) for name in names}
            longest = max(len(keys) for keys, _ in own.values())
            for at in range(longest):
                found = missing = f"/{route}"
                for name, (keys, never) in own.items():
                    found = found.replace(f"<{name}>", keys[at % len(keys)])
                    missing = missing.replace(f"<{name}>", never)
                yield found, missing


@pytest.mark.parametrize(
    "rights", [None, [], TOOLS_ONLY], ids=["anonymous", "staff without rights", "staff of tools"]
)
def test_unseen_detail_is_byte_for_byte_that_of_a_missing_one(few: None, rights: list[str] | None) -> None:
    client = Client() if rights is None else staff_client(*rights)
    unlike = {}
    for found, missing in set(pairs()):
        for method in METHODS:
            one, other = (
                told(
                    client.get(address)
                    if method == "get"
                    else client.generic(method.upper(), address, b"{}", content_type="application/json")
                )
                for address in (found, missing)
            )
            if one != other:
                unlike[method, found] = one, other
    assert unlike == {}


# Writes

NAMES_A_CANARY: list[tuple[str, str, Any]] = [
    ("PATCH", "/v1/tools/bulk/", [{"reference": "canary-7", "price": "1.00"}]),
    ("PATCH", "/v1/items/bulk/?on_error=skip_failed", [{"reference": "canary-7", "price": "1.00"}]),
    ("DELETE", "/v1/items/bulk/?dry_run=true", [{"reference": "canary-7"}]),
    ("POST", "/v1/tools/?dry_run=true", {"reference": "t", "name": "t", "appearances": [{"production": "canary-film"}]}),
    ("POST", "/v1/tools/?dry_run=true", {"reference": "t", "name": "t", "genres": ["canary-7"]}),
    ("PATCH", "/v1/tools/shown-2/?dry_run=true", {"appearances": [{"production": "canary-film"}]}),
    ("PATCH", "/v1/media/{media}/", {"item": "canary-7"}),
    ("POST", "/v1/media/uploads/", {"name": "a.jpg", "type": "image/jpeg", "size": 3, "sha256": "0" * 64, "item": "canary-7"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "address", "body"), NAMES_A_CANARY)
def test_write_that_names_what_is_unseen_is_refused_as_of_nothing(
    few: None, method: str, address: str, body: Any
) -> None:
    client = staff_client(*TOOLS_ONLY)
    media = MediaAsset.objects.get(item__slug="shown-2").pk

    def answer(text: str) -> tuple[int, str]:
        given = client.generic(method, address.format(media=media), text, content_type="application/json")
        return given.status_code, given.content.decode()

    said = orjson.dumps(body).decode()
    status, found = answer(said)
    never = answer(said.replace("canary-7", "qqqqqq-7").replace("canary-film", "qqqqqq-film"))

    assert (status, found.replace("canary-7", "qqqqqq-7").replace("canary-film", "qqqqqq-film")) == never


def test_sentence_of_a_write_suggests_no_film_that_is_unseen(few: None) -> None:
    client = staff_client(*TOOLS_ONLY)
    answer = client.patch(
        "/v1/tools/shown-2/",
        {"appearances": [{"production": "canari-film"}]},
        content_type="application/json",
    )

    assert answer.status_code == 400
    assert CANARY not in answer.content.decode()


def test_reason_why_a_film_stays_counts_no_item_that_is_unseen(few: None) -> None:
    client = staff_client("view_production", "delete_production")
    of_both = client.delete("/v1/productions/shared-1964/")
    of_shown = client.delete("/v1/productions/shown-1950/")

    assert [(answer.status_code, answer.json()["detail"]) for answer in (of_both, of_shown)] == [
        (409, "Items appear in it, and you may not see all of them. Take the appearances away first."),
        (409, f"Appearances of items: {FEW // 2}. Take them away first."),
    ]


def test_answer_that_is_kept_for_a_key_is_its_writers_alone(few: None) -> None:
    body = {"kind": "vehicle", "reference": "canary-new", "name": "canary new"}
    key: Any = {"headers": {"Idempotency-Key": "the same"}, "content_type": "application/json"}
    first = staff_client("view_vehicle", "add_vehicle").post("/v1/items/", body, **key)

    second = staff_client(*TOOLS_ONLY).post("/v1/items/", body, **key)

    assert (first.status_code, second.status_code) == (201, 403)
    assert "Idempotency-Replayed" not in second.headers


# Cursors and tags


@pytest.mark.parametrize("ordering", [name for name in filters.ITEM_ORDERS if name != "relevance"])
def test_cursors_hold_places_of_rows_that_are_shown(few: None, ordering: str) -> None:
    client, rows, places = Client(), [], []
    address = f"/v1/items/?{urlencode({'ordering': ordering, 'cursor': 'first', 'page_size': 20})}"

    while address:
        answer = client.get(address).json()
        rows += answer["results"]
        address = answer["next"]
        if address:
            (cursor,) = parse_qs(urlsplit(address).query)["cursor"]
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[MAC_BYTES:]
            places.append((orjson.loads(raw)[-1], answer["results"][-1]["id"]))

    assert (len(rows), {row["slug"].partition("-")[0] for row in rows}) == (FEW, {"shown"})
    assert [place for place, _ in places] == [last for _, last in places]


@pytest.mark.parametrize(
    "address", ["/v1/items/shown-1/", "/v1/productions/shared-1964/", "/v1/terms/genre/action/"]
)
def test_tag_of_a_detail_stays_when_unpublished_items_are_written(address: str) -> None:
    add_shown(FEW)
    before = Client().get(address)["ETag"]

    add_canaries(FEW)

    assert Client().get(address)["ETag"] == before
