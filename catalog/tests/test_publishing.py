"""Publish, schedule, withdraw and archive: in sets, only what is ready, with the person's name in the history."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.tests.people import holder, member
from catalog import bulk_editing, publishing
from catalog.models import BulkEdit, Item, Status
from catalog.tests.factories import ToolFactory, VehicleFactory

pytestmark = pytest.mark.django_db

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
AHEAD = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture
def publisher() -> Any:
    return member("Publisher")


def put(by: Any, status: Status, at: datetime | None = None) -> BulkEdit:
    """Put all items into the status."""
    wanted, items = publishing.changes(status, at), Item.objects.all()
    expected = bulk_editing.preview(items=items, changes=wanted, by=by).allowed
    return bulk_editing.confirm(
        items=items, changes=wanted, by=by, page="item", query="", selection="all", expected=expected
    )


def stands(item: Item) -> Any:
    return Item.objects.values_list("status", "published_at").get(pk=item.pk)


def test_publish_changes_the_drafts_and_leaves_what_is_public(publisher: Any) -> None:
    drafts = VehicleFactory.create_batch(2, ready=True)
    public = VehicleFactory.create(published=True)
    before = timezone.now()

    done = put(publisher, Status.PUBLISHED)

    assert (done.changed, done.refused, done.message) == (
        2,
        0,
        "2 items changed; 1 were so already, or are gone.",
    )
    assert all(before <= stands(draft)[1] <= timezone.now() for draft in drafts)
    assert stands(public) == ("published", NEW_YEAR)


def test_publish_leaves_what_is_not_ready(publisher: Any) -> None:
    ready, bare = VehicleFactory.create(ready=True), VehicleFactory.create()

    done = put(publisher, Status.PUBLISHED)

    assert (stands(ready)[0], stands(bare)) == ("published", ("draft", None))
    assert (done.changed, done.refused) == (1, 1)
    assert done.message == (
        "1 item changed; 1 not ready to be published and left as they were; 0 were so already, or are gone."
    )


def test_what_was_public_before_the_rules_stays_so(publisher: Any) -> None:
    bare = VehicleFactory.create(published=True)

    done = put(publisher, Status.PUBLISHED)

    assert (stands(bare), done.refused) == (("published", NEW_YEAR), 0)


@pytest.mark.parametrize(
    ("had", "becomes"),
    [
        pytest.param({"published_at": NEW_YEAR}, NEW_YEAR, id="withdrawn keeps its first time"),
        pytest.param({"published_at": AHEAD}, None, id="a time ahead gives way"),
        pytest.param({"status": "published", "published_at": AHEAD}, None, id="scheduled is brought forward"),
    ],
)
def test_publish_at_once(had: dict[str, Any], becomes: datetime | None, publisher: Any) -> None:
    car = VehicleFactory.create(ready=True, **had)

    put(publisher, Status.PUBLISHED)

    status, at = stands(car)
    assert status == "published"
    assert at == becomes if becomes else NEW_YEAR < at <= timezone.now()


def test_schedule_gives_the_time_and_leaves_what_is_public(publisher: Any) -> None:
    draft, public = VehicleFactory.create(ready=True), VehicleFactory.create(published=True)
    planned = VehicleFactory.create(ready=True, status="published", published_at=AHEAD)
    at = AHEAD - timedelta(days=3)

    done = put(publisher, Status.PUBLISHED, at)

    assert [stands(draft), stands(planned)] == [("published", at)] * 2
    assert (stands(public), done.changed) == (("published", NEW_YEAR), 2)
    assert list(Item.objects.published()) == [Item.objects.get(pk=public.pk)]


def test_schedule_again_for_the_same_time_changes_nothing(publisher: Any) -> None:
    VehicleFactory.create(ready=True)
    put(publisher, Status.PUBLISHED, AHEAD)

    assert put(publisher, Status.PUBLISHED, AHEAD).changed == 0


def test_withdraw_keeps_the_time(publisher: Any) -> None:
    car = VehicleFactory.create(published=True)

    done = put(publisher, Status.DRAFT)

    assert (stands(car), done.changed) == (("draft", NEW_YEAR), 1)


def test_archive_hides_whatever_it_was(publisher: Any) -> None:
    VehicleFactory.create(published=True)
    VehicleFactory.create(status="archived")

    done = put(publisher, Status.ARCHIVED)

    assert (done.changed, Item.objects.published().exists()) == (1, False)


@pytest.mark.django_db(transaction=True)  # history tells transactions apart
def test_undo_puts_back_what_was_public(publisher: Any) -> None:
    car = VehicleFactory.create(published=True)
    done = put(publisher, Status.ARCHIVED)

    bulk_editing.undo(edit=done, by=publisher)

    assert stands(car) == ("published", NEW_YEAR)


def test_publishing_takes_the_right_of_the_kind_and_no_other() -> None:
    someone = holder("catalog.view_item", "catalog.publish_vehicle")
    car, tool = VehicleFactory.create(ready=True), ToolFactory.create(ready=True)

    done = put(someone, Status.PUBLISHED)

    assert (stands(car)[0], stands(tool)[0], done.matched) == ("published", "draft", 1)


def test_publishing_leaves_the_person_in_the_history(publisher: Any) -> None:
    car = VehicleFactory.create(ready=True)

    done = put(publisher, Status.PUBLISHED)

    change = car.events.get(pgh_label="update")  # type: ignore[attr-defined]
    expected = {"user": publisher.pk, "action": "set status published", "bulk_edit": done.pk}
    assert change.pgh_context.metadata == expected


def test_price_that_the_same_edit_sets_is_there(publisher: Any) -> None:
    car = VehicleFactory.create(ready=True, price=None)
    wanted = publishing.changes(Status.PUBLISHED)
    wanted |= {"price": {"op": "set", "value": None}, "price_on_request": {"op": "set", "value": True}}

    found = bulk_editing.preview(items=Item.objects.all(), changes=wanted, by=publisher)
    bulk_editing.confirm(
        items=Item.objects.all(),
        changes=wanted,
        by=publisher,
        page="item",
        query="",
        selection="",
        expected=1,
    )

    car.refresh_from_db()
    assert (found.changing, found.not_ready) == (1, 0)
    assert (car.status, car.price, car.price_on_request) == ("published", None, True)
