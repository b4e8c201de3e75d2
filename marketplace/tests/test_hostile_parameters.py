"""What breaks a usual API: texts that an address can hold and a database cannot, in every parameter, as staff."""

import re
from typing import Any

import pytest

from accounts.models import User
from accounts.tests.factories import UserFactory
from accounts.tests.people import api
from catalog.tests.factories import MediaAssetFactory, ProductionFactory, TermFactory, VehicleFactory
from marketplace.tests.hostile import HOSTILE
from marketplace.tests.test_hostile_bodies import KEYS, SAME_VIEWS, document

pytestmark = pytest.mark.django_db

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
        f"{name}: {what}": staff(path, f"{name}={value}") for name in names for what, value in HOSTILE.items()
    }

    assert {each: status for each, status in statuses.items() if status not in {200, 400, 404, 409}} == {}
