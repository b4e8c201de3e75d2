"""Editing many items by one statement, and taking it back from history."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import UserFactory
from accounts.tests.people import member
from catalog import bulk_editing
from catalog.models import BulkEdit, Item
from catalog.tests.factories import TermFactory, ToolFactory, VehicleFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/catalog/vehicle/"


def edit(by: Any, expected: int | None = None, **changes: Any) -> BulkEdit:
    """Edit all items so that each field named is set to the value."""
    spoken = {
        name: value if isinstance(value, dict) else {"op": "set", "value": value}
        for name, value in changes.items()
    }
    items = Item.objects.all()
    number = (
        bulk_editing.preview(items=items, changes=spoken, by=by).allowed if expected is None else expected
    )
    return bulk_editing.confirm(
        items=items, changes=spoken, by=by, page="item", query="", selection="all", expected=number
    )


@pytest.fixture
def curator() -> Any:
    return member("Curator")


@pytest.fixture
def publisher() -> Any:
    return member("Publisher")


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        pytest.param({"op": "add", "value": ["Spy", "Action"]}, ["Action"], ["Action", "Spy"], id="add"),
        pytest.param({"op": "remove", "value": ["Action"]}, ["Action", "Spy"], ["Spy"], id="remove"),
        pytest.param({"op": "set", "value": ["Spy"]}, ["Action", "Comedy"], ["Spy"], id="replace"),
        pytest.param({"op": "set", "value": []}, ["Action"], [], id="empty"),
    ],
)
def test_genres_are_added_removed_and_replaced(change: Any, before: Any, after: Any, curator: Any) -> None:
    car = VehicleFactory.create(genres=before)

    edit(curator, genres=change)

    car.refresh_from_db()
    assert car.genres == after


def test_edit_sets_all_fields_by_one_update(publisher: Any) -> None:
    cars = VehicleFactory.create_batch(3, ready=True)

    with CaptureQueriesContext(connection) as captured:
        done = edit(
            publisher,
            price="250.50",
            currency="EUR",
            availability="sold",
            location="Berlin",
            status="published",
        )

    updates = [each["sql"] for each in captured if 'UPDATE "catalog_item"' in each["sql"]]
    assert len(updates) == 1
    found = set(Item.objects.values_list("price", "currency", "availability", "location", "status"))
    assert [(str(price), *rest) for price, *rest in found] == [
        ("250.50", "EUR", "sold", "Berlin", "published")
    ]
    assert (done.state, done.matched, done.changed) == ("done", 3, len(cars))
    assert not Item.objects.filter(published_at=None).exists()


def test_preview_counts_what_changes_and_what_is_out_of_reach(curator: Any) -> None:
    curator = UserFactory.create(is_staff=True)
    curator.user_permissions.set(
        member("Curator").groups.get().permissions.filter(codename__endswith="_vehicle")
    )
    VehicleFactory.create(location="Rome")
    VehicleFactory.create_batch(2)
    ToolFactory.create()

    found = bulk_editing.preview(
        items=Item.objects.all(), changes={"location": {"op": "set", "value": "Rome"}}, by=curator
    )

    assert (found.matched, found.forbidden, found.changing) == (4, 1, 2)


def test_curator_does_not_set_the_status(curator: Any) -> None:
    car = VehicleFactory.create()

    done = edit(curator, status="published")

    car.refresh_from_db()
    assert (car.status, done.matched) == ("draft", 0)


def test_another_number_of_items_than_told_is_refused(curator: Any) -> None:
    VehicleFactory.create_batch(2, location="")

    with pytest.raises(bulk_editing.EditRefused, match="2 items instead of 1"):
        edit(curator, expected=1, location="Rome")

    assert set(Item.objects.values_list("location", flat=True)) == {""}
    assert not BulkEdit.objects.exists()


@pytest.mark.django_db(transaction=True)  # history tells transactions apart
def test_undo_restores_what_was_and_leaves_what_was_changed_since(curator: Any) -> None:
    first = VehicleFactory.create(price=10, currency="USD", location="Oslo")
    second = VehicleFactory.create(name="Second", reference="S-2", price=20, currency="GBP")
    third = VehicleFactory.create(price=99, currency="EUR")
    done = edit(curator, price="99", currency="EUR")
    Item.objects.filter(pk=first.pk).update(location="Rome")
    Item.objects.filter(pk=second.pk).update(price=55)

    undone = bulk_editing.undo(edit=done, by=curator)

    rows: Any = Item.objects.order_by("pk").values_list("pk", "price", "currency", "location")
    assert list(rows) == [
        (first.pk, 10, "USD", "Rome"),
        (second.pk, 55, "EUR", ""),
        (third.pk, 99, "EUR", ""),
    ]
    assert (done.changed, undone.restored, undone.left_alone) == (2, 1, 1)
    assert undone.left_sample == ["Second (S-2)"]
    assert undone.message == "1 item as before. 1 item left alone, because they were changed again since."


def test_undo_of_published_items_makes_them_drafts_without_a_time(publisher: Any) -> None:
    car = VehicleFactory.create(ready=True)
    done = edit(publisher, status="published")

    bulk_editing.undo(edit=done, by=publisher)

    car.refresh_from_db()
    assert (car.status, car.published_at) == ("draft", None)


def test_undo_happens_once(curator: Any) -> None:
    VehicleFactory.create()
    done = edit(curator, location="Rome")
    bulk_editing.undo(edit=done, by=curator)

    with pytest.raises(bulk_editing.EditRefused):
        bulk_editing.undo(edit=done, by=curator)


def test_undo_takes_the_rights_of_the_edit(curator: Any, publisher: Any) -> None:
    VehicleFactory.create(ready=True)
    done = edit(publisher, status="published")

    with pytest.raises(bulk_editing.EditRefused, match="rights"):
        bulk_editing.undo(edit=done, by=curator)

    assert Item.objects.get().status == "published"


def test_many_items_wait_for_the_worker(curator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_editing, "AT_ONCE", 1)
    VehicleFactory.create_batch(2)

    waiting = edit(curator, location="Rome")

    assert (waiting.state, set(Item.objects.values_list("location", flat=True))) == ("waiting", {""})
    bulk_editing.carry_out(waiting.pk)
    bulk_editing.carry_out(waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.changed) == ("done", 2)
    assert set(Item.objects.values_list("location", flat=True)) == {"Rome"}


def test_account_that_was_closed_meanwhile_edits_nothing(
    curator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_editing, "AT_ONCE", 0)
    VehicleFactory.create()
    waiting = edit(curator, location="Rome")
    curator.is_active = False
    curator.save()

    bulk_editing.carry_out(waiting.pk)

    waiting.refresh_from_db()
    assert (waiting.state, waiting.message) == (
        "failed",
        "The account that asked for this may not do so any more; nothing was changed.",
    )
    assert Item.objects.get().location == ""


def test_rule_of_the_catalogue_is_told_in_its_sentence(curator: Any) -> None:
    VehicleFactory.create()

    refused = edit(curator, price="-1")

    assert (refused.state, refused.message) == ("failed", "A price cannot be negative. Nothing was changed.")


def test_history_says_who_edited(curator: Any) -> None:
    car = VehicleFactory.create()

    edit(curator, location="Rome")

    event = car.events.latest("pgh_id")  # type: ignore[attr-defined]
    assert (event.pgh_context.metadata["user"], event.pgh_context.metadata["action"]) == (
        curator.pk,
        "edit many",
    )


def post(client: Client, step: str, **data: Any) -> Any:
    keys = [str(key) for key in Item.objects.values_list("pk", flat=True)]
    return client.post(
        LIST,
        {"action": "edit_many", "select_across": "1", "_selected_action": keys[:1], "step": step, **data},
    )


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        pytest.param({}, "Choose at least one change.", id="nothing"),
        pytest.param({"price_change": "set"}, "Say what.", id="no price"),
        pytest.param({"price": "5"}, "Say what to do with it.", id="price without a word"),
        pytest.param({"price_change": "set", "price": "-5"}, "greater than or equal to 0", id="negative"),
        pytest.param({"currency": "euro"}, "code of three letters", id="currency"),
        pytest.param({"genres_change": "add", "genres": ["Nonsense"]}, "not in the vocabulary", id="genre"),
        pytest.param({"availability": "eaten"}, "Select a valid choice", id="availability"),
    ],
)
def test_bad_form_is_asked_again(data: Any, sentence: str, admin_client: Client) -> None:
    VehicleFactory.create()

    answer = post(admin_client, "confirm", **data)

    assert sentence in answer.content.decode()
    assert not BulkEdit.objects.exists()


def test_confirmation_of_other_changes_than_previewed_previews_again(admin_client: Client) -> None:
    TermFactory.create(name="Spy")
    VehicleFactory.create()
    seen = post(admin_client, "preview", location_change="set", location="Rome").context["mark"]

    answer = post(admin_client, "confirm", location_change="set", location="Oslo", seen=seen)

    assert "Something is different from the preview" in answer.content.decode()
    assert Item.objects.get().location == ""


def test_confirmed_edit_leads_to_its_page_and_undo_back(admin_client: Client) -> None:
    VehicleFactory.create(location="Oslo")
    data = {"location_change": "set", "location": "Rome"}
    seen = post(admin_client, "preview", **data).context["mark"]

    answer = post(admin_client, "confirm", seen=seen, **data)

    made = BulkEdit.objects.get()
    page = f"/admin/catalog/bulkedit/{made.pk}/change/"
    assert answer.url == page
    assert "1 item changed" in admin_client.get(page).content.decode()
    admin_client.post(f"/admin/catalog/bulkedit/{made.pk}/undo/")
    assert Item.objects.get().location == "Oslo"
    assert "1 item as before." in admin_client.get(page).content.decode()


def test_edit_of_a_kind_that_one_does_not_see_is_not_there(client: Client) -> None:
    viewer = UserFactory.create(is_staff=True)
    viewer.user_permissions.set(member("Curator").groups.get().permissions.filter(codename="change_tool"))
    client.force_login(viewer)
    made = BulkEdit.objects.create(kinds=["vehicle"], changes={"location": {"op": "set", "value": "Rome"}})

    assert client.post(f"/admin/catalog/bulkedit/{made.pk}/undo/").status_code == 404
