"""The forms of items: what saving does and refuses."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import Item, Vehicle, Vocabulary
from catalog.tests.factories import (
    AppearanceFactory,
    MediaAssetFactory,
    TermFactory,
    ToolFactory,
    VehicleFactory,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/catalog/vehicle/"


def form_data(**changes: Any) -> dict[str, Any]:
    """Return what the browser posts for a new vehicle, with these changes."""
    formsets = {
        f"{prefix}-{part}_FORMS": "0" for prefix in ("appearances", "media") for part in ("TOTAL", "INITIAL")
    }
    return formsets | {
        "name": "Aston Martin DB5",
        "reference": "V-1",
        "slug": "",
        "make": "",
        "model": "",
        "production_years": "",
        "condition": "",
        "authenticity": "",
        "chassis_number": "",
        "price": "",
        "currency": "USD",
        "availability": "available",
        "location": "",
        "status": "draft",
        "published_at_0": "",
        "published_at_1": "",
        "description": "",
        "provenance": "",
        "specs": "",
    } | changes  # fmt: skip


def errors(client: Client, **changes: Any) -> list[str]:
    """Return every sentence that the form answers a new vehicle with."""
    answer = client.post(f"{LIST}add/", form_data(**changes))
    assert answer.status_code == 200
    form = answer.context["adminform"].form
    return [sentence for sentences in form.errors.values() for sentence in sentences]


def posted_back(client: Client, address: str) -> dict[str, Any]:
    """Return what a browser would post from this page, nothing touched."""
    context = client.get(address).context
    data = {field.html_name: field.value() for field in context["adminform"].form}
    for inline in context["inline_admin_formsets"]:
        forms = [inline.formset.management_form, *inline.formset.initial_forms]
        data |= {field.html_name: field.value() for form in forms for field in form}
    return {name: value for name, value in data.items() if value is not None}


def test_vehicle_added_with_words_and_years(admin_client: Client) -> None:
    TermFactory.create(name="Spy")
    TermFactory.create(name="Sports Car", aliases=["Sportscar"], vocabulary=Vocabulary.VEHICLE_TYPE)

    answer = admin_client.post(
        f"{LIST}add/",
        form_data(
            genres=["Spy"],
            vehicle_types=["Sportscar"],
            production_years="1963-1965",
            specs="Engine: 4.0 litres",
        ),
    )

    car = Vehicle.objects.get()
    assert answer.status_code == 302
    assert (car.kind, car.slug, car.reference) == ("vehicle", "aston-martin-db5-v-1", "V-1")
    assert (car.genres, car.vehicle_types) == (["Spy"], ["Sports Car"])
    assert car.production_years == [1963, 1964, 1965]
    assert car.specs == {"Engine": "4.0 litres"}


def test_vehicle_published_without_a_time_is_published_now(admin_client: Client) -> None:
    before = timezone.now()

    car = VehicleFactory.create(ready=True)

    admin_client.post(
        f"{LIST}{car.pk}/change/",
        form_data(status="published", price="5", description="Seen.", no_production_reason="None."),
    )

    published_at = Vehicle.objects.get().published_at
    assert published_at is not None
    assert before <= published_at <= timezone.now()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"price": "-1"}, "A price cannot be negative.", id="price"),
        pytest.param(
            {"currency": "US"},
            "The currency must be a code of three capital letters, such as USD.",
            id="currency",
        ),
        pytest.param({"reference": "v-0"}, "Another item has this reference.", id="reference in other case"),
        pytest.param(
            {"genres": ["Spionage"]},
            '"Spionage": not in the vocabulary of genres. Choose from the list, or add the term first.',
            id="unknown genre",
        ),
        pytest.param(
            {"production_years": "1964, soon"},
            '"soon" is not a year; write years such as 1964, 1970-1972.',
            id="year",
        ),
        pytest.param({"name": ""}, "This field is required.", id="no name, and so no slug"),
        pytest.param(
            {"genres": ["a\x00"]},
            "Select a valid choice. a\x00 is not one of the available choices.",
            id="NUL",
        ),
    ],
)
def test_vehicle_breaking_a_rule_shows_its_sentence(
    changes: dict[str, Any], sentence: str, admin_client: Client
) -> None:
    ToolFactory.create(reference="V-0")

    assert errors(admin_client, **changes) == [sentence]
    assert not Vehicle.objects.exists()


def test_vehicle_page_posted_back_changes_nothing(admin_client: Client) -> None:
    car = VehicleFactory.create(genres=["Spy"], production_years=[1964], specs={"Doors": 2}, price="1.50")
    MediaAssetFactory.create_batch(30, item=car)
    AppearanceFactory.create_batch(30, item=car)
    address = f"{LIST}{car.pk}/change/"

    answer = admin_client.post(address, posted_back(admin_client, address))

    car.refresh_from_db()
    assert answer.status_code == 302
    assert car.version == 1


def test_vehicle_page_with_many_rows_takes_few_queries(admin_client: Client) -> None:
    car = VehicleFactory.create()
    MediaAssetFactory.create_batch(30, item=car)
    AppearanceFactory.create_batch(30, item=car)
    admin_client.get("/admin/jsi18n/")  # the first request of a browser also begins its session

    with CaptureQueriesContext(connection) as captured:
        page = admin_client.get(f"{LIST}{car.pk}/change/").content.decode()

    assert len(captured) <= 15
    assert page.count('loading="lazy"') == 25


def test_every_attribute_of_an_item_is_on_a_page(admin_client: Client) -> None:
    pages = [
        admin_client.get(f"/admin/catalog/{kind}/add/").context["adminform"] for kind in ("vehicle", "tool")
    ]

    shown = {name for page in pages for name in page.form.fields}
    editable = {field.name for field in Item._meta.concrete_fields if field.editable and not field.generated}
    assert shown == editable - {"id", "kind"} | {"attach"}


def test_vehicle_saved_keeps_words_whose_term_is_gone(admin_client: Client) -> None:
    car = VehicleFactory.create(genres=["Forgotten"])

    admin_client.post(f"{LIST}{car.pk}/change/", form_data(genres=["Forgotten"], price="5"))

    car.refresh_from_db()
    assert car.genres == ["Forgotten"]
    assert car.price == 5


def test_vehicle_saved_leaves_the_person_in_the_history(admin_client: Client, admin_user: Any) -> None:
    car = VehicleFactory.create()

    admin_client.post(f"{LIST}{car.pk}/change/", form_data(price="5"))

    change = car.events.get(pgh_label="update")  # type: ignore[attr-defined]
    assert change.pgh_context.metadata["user"] == admin_user.pk


def test_vehicle_saved_with_files_attached_has_them(admin_client: Client) -> None:
    car = VehicleFactory.create()
    MediaAssetFactory.create(key="loose/1.jpg")

    admin_client.post(f"{LIST}{car.pk}/change/", form_data(attach=["loose/1.jpg"]))

    assert list(car.media.values_list("key", "position")) == [("loose/1.jpg", 1)]


def test_vehicle_with_files_of_another_item_is_refused(admin_client: Client) -> None:
    MediaAssetFactory.create(key="theirs.jpg", item=ToolFactory.create())

    assert errors(admin_client, attach=["theirs.jpg", "nowhere.jpg"]) == [
        '"theirs.jpg", "nowhere.jpg": no such file without an item.'
    ]


def test_vehicle_saved_by_one_who_may_not_change_media_attaches_nothing(
    client: Client, django_user_model: Any
) -> None:
    editor = django_user_model.objects.create_user("editor", is_staff=True)
    editor.user_permissions.add(Permission.objects.get(codename="change_vehicle"))
    client.force_login(editor)
    car = VehicleFactory.create()
    MediaAssetFactory.create(key="loose/1.jpg")

    page = client.get(f"{LIST}{car.pk}/change/").content.decode()
    saved = client.post(f"{LIST}{car.pk}/change/", form_data(attach=["loose/1.jpg"], name="New"))

    assert 'name="attach"' not in page
    assert (saved.status_code, Vehicle.objects.get().name) == (302, "New")
    assert not car.media.exists()


def test_vehicle_page_for_a_viewer_has_no_fields_to_change(client: Client, django_user_model: Any) -> None:
    viewer = django_user_model.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_vehicle"))
    client.force_login(viewer)
    car = VehicleFactory.create(genres=["Spy"], production_years=[1964, 1965], specs={"Doors": "2"})

    answer = client.get(f"{LIST}{car.pk}/change/")

    assert answer.status_code == 200
    assert 'name="_save"' not in answer.content.decode()
    assert 'name="attach"' not in answer.content.decode()


def test_tool_form_has_categories_and_no_chassis(admin_client: Client) -> None:
    shown = admin_client.get("/admin/catalog/tool/add/").context["adminform"].form.fields

    assert "categories" in shown
    assert not {"chassis_number", "vehicle_types", "kind"} & set(shown)
