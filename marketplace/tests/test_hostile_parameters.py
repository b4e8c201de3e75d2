"""What breaks a usual API: texts that an address can hold and a database cannot, in every parameter, as staff."""

import re
from typing import Any

import pytest

from accounts.models import User
from accounts.tests.factories import UserFactory
from accounts.tests.people import api
from catalog.tests.factories import MediaAssetFactory, ProductionFactory, TermFactory, VehicleFactory
from marketplace.tests.test_hostile_bodies import KEYS, SAME_VIEWS, document

pytestmark = pytest.mark.django_db

VALUES = {
    "NUL": "%00",
    "NUL within": "a%00b",
    "blank": "%20%20",
    "lone surrogate": "%ED%A0%80",
    "not UTF-8": "%FF",
    "tiny number": "1E-50000",
    "huge number": "9" * 400,
    "beyond 64 bits": "9" * 20,
    "negative": "-1",
    "not a number": "NaN",
    "infinite": "Infinity",
    "other digits": "%D9%A1%D9%A2",
    "year 99999": "99999",
    "date that is not": "2026-02-30",
    "year 99999 date": "99999-01-01T00:00:00Z",
    "offset beyond 15:59": "3325-01-21T02:16:54-22:16",
    "time before all": "0001-01-01T00:00:00%2B10:00",
    "500 values": ",".join(f"v{n}" for n in range(500)),
    "8 kB": "x" * 8192,
    "quote left open": "%22abc",
    "line break": "a%0Ab",
    "regular expression": "(((((",
    "search operators": "%21%26%7C%3C-%3E:*",
    "3,000 lists": "%5B" * 3000,
    "SQL": "'%3B DROP TABLE x--",
    "format": "%25s%25(x)s{}",
}
# As those of vehicles; and what catalog/tests/test_api_bad_input.py asks as nobody.
SAME = (
    *SAME_VIEWS,
    "/v1/items/",
    *(f"/v1/exports/{kind}/" for kind in ("item", "memorabilia", "tool", "vehicle")),
)
ASKED = {"/v1/productions/", "/v1/terms/", "/v1/media/"}


def parameters() -> dict[str, list[str]]:
    """Return the names of what each address reads of its query."""
    found = {}
    for path, operations in document()["paths"].items():
        told = [each for each in operations.get("get", {}).get("parameters", []) if each["in"] == "query"]
        if told and path not in ASKED and not path.startswith(SAME):
            found[path] = [each["name"] for each in told]
    return found


@pytest.fixture
def staff(settings, fast_hashes):
    """A client of somebody who may do everything, and the addresses of a row of each kind."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS)
    VehicleFactory.create(slug="full", published=True)
    ProductionFactory.create(slug="full")
    TermFactory.create(vocabulary="genre", slug="full")
    asset = MediaAssetFactory.create()
    client = api(User.objects.get(pk=UserFactory.create(superuser=True).pk))

    def status(path: str, query: str) -> Any:
        address = re.sub(r"\{(\w+)\}", lambda found: str(KEYS.get(found[1], asset.pk)), path)
        needed = "&as=csv" if path.startswith("/v1/exports/") else ""
        answer = client.get(f"{address}?{query}{needed}")
        if answer.streaming:
            b"".join(answer)
        return answer.status_code

    return status


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("path", "names"), parameters().items(), ids=list(parameters()))
def test_hostile_values_are_no_fault_of_the_server(staff, path, names):
    statuses = {
        f"{name}: {what}": staff(path, f"{name}={value}") for name in names for what, value in VALUES.items()
    }

    assert {each: status for each, status in statuses.items() if status not in {200, 400, 404, 409}} == {}
