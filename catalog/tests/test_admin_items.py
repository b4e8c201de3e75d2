"""The lists and forms of items: what filters and search find, what saving does and refuses."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Item, Production, Status, Vehicle, Vocabulary
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
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

    admin_client.post(f"{LIST}add/", form_data(status="published"))

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


def test_unassigned_files_found_by_the_start_of_their_key(admin_client: Client) -> None:
    for key in ("loose/1.jpg", "loose/2.jpg", "other.jpg"):
        MediaAssetFactory.create(key=key)
    MediaAssetFactory.create(key="loose/3.jpg", item=ItemFactory.create())

    answer = admin_client.get("/admin/catalog/mediaasset/unassigned/", {"term": "loose/"})

    assert [result["id"] for result in answer.json()["results"]] == ["loose/1.jpg", "loose/2.jpg"]


@pytest.mark.parametrize(
    "address", ["/admin/catalog/mediaasset/unassigned/", "/admin/catalog/term/words/genre/"]
)
def test_words_are_not_for_staff_without_a_right(
    address: str, client: Client, django_user_model: Any
) -> None:
    client.force_login(django_user_model.objects.create_user("stranger", is_staff=True))

    assert client.get(address).status_code == 403


def test_vehicle_page_for_a_viewer_has_no_fields_to_change(client: Client, django_user_model: Any) -> None:
    viewer = django_user_model.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_vehicle"))
    client.force_login(viewer)
    car = VehicleFactory.create(genres=["Spy"], production_years=[1964, 1965], specs={"Doors": "2"})

    answer = client.get(f"{LIST}{car.pk}/change/")

    assert answer.status_code == 200
    assert 'name="_save"' not in answer.content.decode()
    assert 'name="attach"' not in answer.content.decode()


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


def test_tool_form_has_categories_and_no_chassis(admin_client: Client) -> None:
    shown = admin_client.get("/admin/catalog/tool/add/").context["adminform"].form.fields

    assert "categories" in shown
    assert not {"chassis_number", "vehicle_types", "kind"} & set(shown)


@pytest.mark.parametrize(
    ("action", "status", "message"),
    [
        pytest.param(
            "publish", "published", "2 vehicles published; 1 already had that status.", id="publish"
        ),
        pytest.param("withdraw", "draft", "1 vehicle withdrawn; 2 already had that status.", id="withdraw"),
        pytest.param("archive", "archived", "3 vehicles archived.", id="archive"),
    ],
)
def test_vehicles_action(action: str, status: str, message: str, admin_client: Client) -> None:
    cars = [*VehicleFactory.create_batch(2), VehicleFactory.create(published=True)]
    untouched = VehicleFactory.create(status="draft")

    answer = admin_client.post(
        LIST, {"action": action, "_selected_action": [car.pk for car in cars]}, follow=True
    )

    assert [str(shown) for shown in answer.context["messages"]] == [message]
    assert set(Item.objects.exclude(pk=untouched.pk).values_list("status", flat=True)) == {status}
    assert Item.objects.get(pk=untouched.pk).status == "draft"


@pytest.mark.usefixtures("garage")
def test_vehicles_action_on_the_whole_filtered_list(admin_client: Client) -> None:
    admin_client.post(
        f"{LIST}?genres=Action",
        {"action": "archive", "select_across": "1", "_selected_action": [Item.objects.get(name="A").pk]},
    )

    assert sorted(Item.objects.filter(status="archived").values_list("name", flat=True)) == ["A", "B", "C"]


def test_vehicles_action_without_the_right_is_not_offered(client: Client, django_user_model: Any) -> None:
    viewer = django_user_model.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_vehicle"))
    client.force_login(viewer)
    car = VehicleFactory.create()

    client.post(LIST, {"action": "publish", "_selected_action": [car.pk]})

    car.refresh_from_db()
    assert car.status == "draft"


def test_item_page_leads_to_the_page_of_its_kind(admin_client: Client) -> None:
    tool = ToolFactory.create()

    answer = admin_client.get(reverse("admin:catalog_item_change", args=[tool.pk]))

    assert answer.headers["Location"] == f"/admin/catalog/tool/{tool.pk}/change/"


def test_item_page_of_nothing_says_so(admin_client: Client) -> None:
    answer = admin_client.get(reverse("admin:catalog_item_change", args=[0]), follow=True)

    assert [str(message) for message in answer.context["messages"]] == [
        "item with ID \u201c0\u201d doesn\u2019t exist. Perhaps it was deleted?"
    ]


def test_words_found_by_part_of_name_or_alias(admin_client: Client) -> None:
    TermFactory.create(name="Science Fiction", aliases=["Sci-Fi"])
    TermFactory.create(name="Scifi Bike", vocabulary=Vocabulary.VEHICLE_TYPE)
    TermFactory.create(name="Action")

    answer = admin_client.get("/admin/catalog/term/words/genre/", {"term": "sci-f"})

    assert answer.json() == {
        "results": [{"id": "Science Fiction", "text": "Science Fiction"}],
        "pagination": {"more": False},
    }


def test_words_come_in_pages(admin_client: Client) -> None:
    TermFactory.create_batch(25)

    pages = [admin_client.get("/admin/catalog/term/words/genre/", {"page": n}).json() for n in (1, 2)]

    assert [(len(page["results"]), page["pagination"]["more"]) for page in pages] == [(20, True), (5, False)]


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999999999999", ""])
def test_words_of_a_strange_page_is_no_error(page: str, admin_client: Client) -> None:
    answer = admin_client.get("/admin/catalog/term/words/genre/", {"page": page, "term": "\x00"})

    assert answer.status_code == 200


def test_words_of_an_unknown_vocabulary_is_not_found(admin_client: Client) -> None:
    assert admin_client.get("/admin/catalog/term/words/colour/").status_code == 404


def test_form_with_many_terms_renders_none_of_them(admin_client: Client) -> None:
    TermFactory.create_batch(50, vocabulary=Vocabulary.GENRE)
    car = VehicleFactory.create(genres=["Action"])

    pages = [admin_client.get(address).content.decode() for address in (LIST, f"{LIST}{car.pk}/change/")]

    assert all("Genre 1" not in page for page in pages)


def test_media_search_by_reference_finds_the_item_s_files(admin_client: Client) -> None:
    item = ItemFactory.create(reference="V-007")
    MediaAssetFactory.create(item=item, key="elsewhere/1.jpg")
    MediaAssetFactory.create(key="vehicles/db5/1.jpg")

    by_reference = admin_client.get("/admin/catalog/mediaasset/", {"q": "v-00"}).context["cl"].result_list
    by_key = admin_client.get("/admin/catalog/mediaasset/", {"q": "vehicles/"}).context["cl"].result_list

    assert [asset.key for asset in by_reference] == ["elsewhere/1.jpg"]
    assert [asset.key for asset in by_key] == ["vehicles/db5/1.jpg"]


def test_production_without_a_slug_gets_one(admin_client: Client) -> None:
    answer = admin_client.post(
        "/admin/catalog/production/add/",
        {
            "title": "Goldfinger", "kind": "film", "years": "1964", "slug": "", "franchise": "", "external_ids": "",
            "appearances-TOTAL_FORMS": "0", "appearances-INITIAL_FORMS": "0",
        },
    )  # fmt: skip

    assert answer.status_code == 302
    assert Production.objects.values_list("slug", "years").get() == ("goldfinger-1964", [1964])


def test_term_renamed_rewrites_the_items(admin_client: Client) -> None:
    term = TermFactory.create(name="Sci-Fi", slug="sci-fi")
    item = ItemFactory.create(genres=["Sci-Fi"])
    ProductionFactory.create(genres=["Drama"])

    answer = admin_client.post(
        f"/admin/catalog/term/{term.pk}/change/",
        {"name": "Science Fiction", "slug": "sci-fi", "aliases": ""},
        follow=True,
    )

    item.refresh_from_db()
    assert item.genres == ["Science Fiction"]
    assert "Renamed. Items changed: 1; productions changed: 0. Sci-Fi is an alias now." in [
        str(message) for message in answer.context["messages"]
    ]
