"""The lists of items: what filters and search find, and what the actions do."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from catalog.models import Status, Vehicle
from catalog.tests.factories import (
    AppearanceFactory,
    MediaAssetFactory,
    ToolFactory,
    VehicleFactory,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/catalog/vehicle/"


def names(client: Client, **parameters: Any) -> list[str]:
    """Return the names in the vehicle list under these parameters, in alphabetical order."""
    answer = client.get(LIST, parameters)
    assert answer.status_code == 200
    return sorted(item.name for item in answer.context["cl"].result_list)


@pytest.fixture
def garage() -> None:
    VehicleFactory.create(
        name="A", genres=["Action", "Spy"], production_years=[1963, 1964], price=10, make="Aston Martin"
    )
    VehicleFactory.create(name="B", genres=["Action"], production_years=[1981], price=20, make="DMC")
    VehicleFactory.create(name="C", genres=["Comedy"], production_years=[1963], status=Status.ARCHIVED)
    VehicleFactory.create(name="D")
    ToolFactory.create(name="E", genres=["Action"])


@pytest.mark.usefixtures("garage")
@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        pytest.param({}, "ABCD", id="no filter, this kind only"),
        pytest.param({"genres": ["Spy", "Comedy"]}, "AC", id="any of"),
        pytest.param({"genres": ["Action", "Spy"], "genres__mode": "all"}, "A", id="all of"),
        pytest.param({"genres": ["Action"], "genres__mode": "none"}, "CD", id="none of"),
        pytest.param({"genres__mode": "empty"}, "D", id="empty"),
        pytest.param({"production_years_from": "1964", "production_years_to": "1981"}, "AB", id="years"),
        pytest.param({"production_years_to": "1963"}, "AC", id="years to"),
        pytest.param(
            {"production_years_from": "1970", "production_years_to": "1960"}, "", id="years backwards"
        ),
        pytest.param({"price_from": "10", "price_to": "19.99"}, "A", id="price range"),
        pytest.param({"price_from": "20"}, "B", id="price from"),
        pytest.param({"make_starts": "aston"}, "A", id="make begins"),
        pytest.param({"status__exact": ["archived", "published"]}, "C", id="several statuses"),
        pytest.param({"price_from": "dear"}, "", id="not a price"),
        pytest.param({"genres__mode": "some"}, "", id="not a mode"),
    ],
)
def test_vehicles_filtered(parameters: dict[str, Any], found: str, admin_client: Client) -> None:
    assert names(admin_client, **parameters) == list(found)


def test_vehicles_filtered_by_nonsense_says_why(admin_client: Client) -> None:
    answer = admin_client.get(LIST, {"price_from": "dear"})

    assert [str(message) for message in answer.context["messages"]] == ["Price, from: Enter a number."]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param("aston mar", ["Aston Martin DB5"], id="unfinished word"),
        pytest.param("citroen", ["Citroën 2CV"], id="without the accent"),
        pytest.param("v-00", ["Aston Martin DB5", "Citroën 2CV"], id="start of references"),
        pytest.param("aston-martin-d", ["Aston Martin DB5"], id="start of a slug"),
        pytest.param("spy", ["Aston Martin DB5"], id="genre"),
        pytest.param("aston citroen", [], id="words of two items"),
        pytest.param("' & | ! ( ) : * \\ <->", [], id="marks of the query language"),
        pytest.param("   ", ["Aston Martin DB5", "Citroën 2CV"], id="blanks"),
    ],
)
def test_vehicles_searched(words: str, found: list[str], admin_client: Client) -> None:
    VehicleFactory.create(name="Aston Martin DB5", reference="V-001", slug="aston-martin-db5", genres=["Spy"])
    VehicleFactory.create(name="Citroën 2CV", reference="V-002", slug="citroen-2cv")

    assert names(admin_client, q=words) == found


def test_vehicles_beyond_the_limit_are_counted_by_estimate(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.admin.CappedPaginator.COUNT_LIMIT", 2)
    VehicleFactory.create_batch(5)

    answer = admin_client.get(LIST)

    assert answer.context["cl"].paginator.count > 2
    assert "about" in answer.context["cl"].paginator.count_text


def test_vehicle_published_ahead_of_time_shows_as_scheduled(admin_client: Client) -> None:
    VehicleFactory.create(status="published", published_at=timezone.now() + timedelta(days=1))

    shown = admin_client.get(LIST).content.decode()

    assert shown.count("Scheduled") == 1


def test_vehicles_show_the_cover(admin_client: Client) -> None:
    car = VehicleFactory.create(name="DB5")
    MediaAssetFactory.create(item=car, key="vehicles/db5/2.jpg", position=2)
    MediaAssetFactory.create(item=car, key="vehicles/db5/0.jpg", position=0, state="missing")
    MediaAssetFactory.create(item=car, key="vehicles/db5/0.mp4", position=0, kind="video")
    MediaAssetFactory.create(item=car, key="vehicles/db5/1.jpg", position=1, alt_text="From the left")

    shown = admin_client.get(LIST).content.decode()

    assert shown.count("<img src=") == 1
    assert "vehicles/db5/1.jpg?" in shown
    assert 'alt="From the left" loading="lazy"' in shown


def test_vehicles_deleted_in_great_number_are_refused(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.admin.DELETE_LIMIT", 2)
    cars = VehicleFactory.create_batch(3)

    answer = admin_client.post(
        LIST,
        {"action": "delete_selected", "_selected_action": [car.pk for car in cars], "post": "yes"},
        follow=True,
    )

    assert [str(message) for message in answer.context["messages"]] == [
        "Choose at most 2 vehicles to delete at once."
    ]
    assert Vehicle.objects.count() == 3


def test_vehicles_deleted_take_their_appearances_with_them(admin_client: Client) -> None:
    car = VehicleFactory.create()
    AppearanceFactory.create(item=car)
    asset = MediaAssetFactory.create(item=car)

    admin_client.post(LIST, {"action": "delete_selected", "_selected_action": [car.pk], "post": "yes"})

    asset.refresh_from_db()
    assert not Vehicle.objects.exists()
    assert asset.item is None


def test_vehicles_action_without_the_right_is_not_offered(client: Client, django_user_model: Any) -> None:
    viewer = django_user_model.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_vehicle"))
    client.force_login(viewer)
    car = VehicleFactory.create()

    client.post(LIST, {"action": "publish", "_selected_action": [car.pk]})

    car.refresh_from_db()
    assert car.status == "draft"
