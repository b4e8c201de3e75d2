"""2,000 requests made from the OpenAPI document are answered as it promises; `make fuzz` makes 50,000."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from accounts import tokens
from accounts.models import User
from accounts.tests.factories import UserFactory
from catalog.tests.factories import (
    AppearanceFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
    VehicleFactory,
)
from marketplace.tests.promises import is_broken
from marketplace.wsgi import application

CASES = 2_000
WHO = ["anonymous", "client", "staff"]


@pytest.fixture
def rows(settings, fast_hashes):
    """A published vehicle with everything, a draft, and accounts; no client has asked too often."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS)
    vehicle = VehicleFactory.create(slug="0", published=True, price=1, specs={"Doors": 2}, genres=["Spy"])
    AppearanceFactory.create(item=vehicle, production=ProductionFactory.create(slug="0"))
    MediaAssetFactory.create(item=vehicle, width=640, height=480)
    TermFactory.create(vocabulary="genre", slug="0")
    VehicleFactory.create(slug="draft")
    UserFactory.create(username="client")
    UserFactory.create(username="staff", superuser=True)


def headers_of(who: str) -> dict[str, str]:
    """Sign in anew for every request, since some of them end the session that they came with."""
    if who == "anonymous":
        return {}
    return {"Authorization": f"Bearer {tokens.begin(User.objects.get(username=who), verified=False).access}"}


def broken_promises(operation: Any, who: str, cases: int) -> Iterator[str]:
    found: list[str] = []

    @settings(
        max_examples=cases,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: "Case[Any]") -> None:
        headers = headers_of(who)
        response = case.call(headers=headers)
        try:
            case.validate_response(response, headers=headers)
        except FailureGroup as group:
            found.extend(
                f"{operation.label}: {failure.title}: {failure.message} {response.status_code} "
                f"{response.text[:500]} {case.as_curl_command()[:500]}"
                for failure in group.exceptions
                if is_broken(failure, case, response, is_staff=who == "staff")
            )

    ask()
    yield from found


@pytest.mark.timeout(3600)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", WHO)
def test_answers_are_as_promised(rows, who):
    document = schemathesis.openapi.from_wsgi("/v1/schema/?format=json", application)
    operations = [each.ok() for each in document.get_all_operations() if isinstance(each, Ok)]
    share = math.ceil(CASES / len(WHO) / len(operations))

    broken = [said for each in operations for said in broken_promises(each, who, share)]

    assert broken == []
