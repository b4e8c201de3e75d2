"""The pages beside those of items: terms and their words, productions, media, import runs."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import Production, Vocabulary
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


def test_production_page_with_many_items_takes_few_queries(admin_client: Client) -> None:
    film = ProductionFactory.create()
    AppearanceFactory.create_batch(30, production=film)

    with CaptureQueriesContext(connection) as captured:
        answer = admin_client.get(f"/admin/catalog/production/{film.pk}/change/")

    assert len(captured) <= 17
    assert len(answer.context["inline_admin_formsets"][0].formset.initial_forms) == 25


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


def test_unassigned_files_are_not_for_staff_who_may_not_see_media(
    client: Client, django_user_model: Any
) -> None:
    user = django_user_model.objects.create_user("librarian", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_term"))
    client.force_login(user)

    assert client.get("/admin/catalog/mediaasset/unassigned/").status_code == 403


@pytest.mark.parametrize("column", ["item", "production"])
def test_autocomplete_of_a_null_character_is_no_error(column: str, admin_client: Client) -> None:
    asked = {"app_label": "catalog", "model_name": "appearance", "field_name": column, "term": "a\x00"}

    answer = admin_client.get("/admin/autocomplete/", asked)

    assert (answer.status_code, answer.json()["results"]) == (200, [])


def test_production_with_appearances_is_not_deleted_and_says_why(admin_client: Client) -> None:
    film = ProductionFactory.create()
    AppearanceFactory.create_batch(3, production=film)

    one = admin_client.post(f"/admin/catalog/production/{film.pk}/delete/", {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [film.pk], "post": "yes"}
    several = admin_client.post("/admin/catalog/production/", chosen)

    assert [page.status_code for page in (one, several)] == [200, 200]
    for page in (one, several):
        assert "Appearances of items: 3. Take them away first." in page.content.decode()
    assert Production.objects.count() == 1


def test_production_without_appearances_is_deleted(admin_client: Client) -> None:
    film = ProductionFactory.create()

    admin_client.post(f"/admin/catalog/production/{film.pk}/delete/", {"post": "yes"})

    assert not Production.objects.exists()


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

    addresses = ["/admin/catalog/vehicle/", f"/admin/catalog/vehicle/{car.pk}/change/"]
    pages = [admin_client.get(address).content.decode() for address in addresses]

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
