"""Publish, withdraw, archive and rename: in sets, with the person's name in the history."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import User
from catalog.attaching import attach_media
from catalog.models import Item, Status, Vocabulary
from catalog.publishing import StatusChange, archive, publish, withdraw
from catalog.tests.factories import ItemFactory, MediaAssetFactory, ProductionFactory, TermFactory
from catalog.wording import Rename, rename_term

pytestmark = pytest.mark.django_db


@pytest.fixture
def curator() -> User:
    return User.objects.create_user("curator")


def test_publish_drafts_and_published_changes_the_drafts(curator: User) -> None:
    ItemFactory.create_batch(2)
    ItemFactory.create(published=True)

    done = publish(items=Item.objects.all(), by=curator)

    assert done == StatusChange(Status.PUBLISHED, changed=2, unchanged=1)
    assert Item.objects.published().count() == 3


def test_publish_with_a_time_keeps_it(curator: User) -> None:
    ahead = datetime(2099, 1, 1, tzinfo=UTC)
    item = ItemFactory.create(published_at=ahead)

    publish(items=Item.objects.all(), by=curator)

    item.refresh_from_db()
    assert (item.status, item.published_at) == (Status.PUBLISHED, ahead)


def test_publish_without_a_time_takes_now(curator: User) -> None:
    item = ItemFactory.create()
    before = timezone.now()

    publish(items=Item.objects.all(), by=curator)

    item.refresh_from_db()
    assert item.published_at is not None
    assert before <= item.published_at <= timezone.now()


def test_publish_some_leaves_the_others(curator: User) -> None:
    chosen, other = ItemFactory.create_batch(2)

    publish(items=Item.objects.filter(pk=chosen.pk).order_by("-name"), by=curator)

    assert list(Item.objects.published()) == [chosen]
    assert list(Item.objects.exclude(status=Status.PUBLISHED)) == [other]


def test_publish_leaves_the_person_in_the_history(curator: User) -> None:
    item = ItemFactory.create()

    publish(items=Item.objects.all(), by=curator)

    change = item.events.get(pgh_label="update")  # type: ignore[attr-defined]
    assert change.pgh_context.metadata == {"user": curator.pk, "action": "set status published"}


def test_withdraw_published_keeps_its_time(curator: User) -> None:
    item = ItemFactory.create(published=True)

    done = withdraw(items=Item.objects.all(), by=curator)

    item.refresh_from_db()
    assert done == StatusChange(Status.DRAFT, changed=1, unchanged=0)
    assert (item.status, item.published_at) == (Status.DRAFT, datetime(2026, 1, 1, tzinfo=UTC))


def test_archive_any_hides_it(curator: User) -> None:
    ItemFactory.create(published=True)
    ItemFactory.create(status=Status.ARCHIVED)

    done = archive(items=Item.objects.all(), by=curator)

    assert done == StatusChange(Status.ARCHIVED, changed=1, unchanged=1)
    assert not Item.objects.published().exists()


def test_attach_media_puts_free_files_behind_the_own_ones(curator: User) -> None:
    item, other = ItemFactory.create_batch(2)
    MediaAssetFactory.create(item=item, key="own.jpg", position=4)
    MediaAssetFactory.create(item=other, key="other.jpg")
    for key in ("b.jpg", "a.jpg", "c.jpg"):
        MediaAssetFactory.create(key=key)

    attached = attach_media(item=item, keys=["b.jpg", "a.jpg", "other.jpg", "nowhere.jpg"], by=curator)

    assert attached == 2
    assert list(item.media.in_order().values_list("key", "position")) == [
        ("own.jpg", 4),
        ("a.jpg", 5),
        ("b.jpg", 6),
    ]


def test_rename_term_rewrites_items_and_productions(curator: User) -> None:
    term = TermFactory.create(name="Sci-Fi", aliases=["SF"])
    item = ItemFactory.create(genres=["Action", "Sci-Fi"])
    ItemFactory.create(genres=["Drama"], vehicle_types=["Sci-Fi"])
    film = ProductionFactory.create(genres=["Sci-Fi"])

    done = rename_term(term=term, name="Science Fiction", by=curator)

    for row in (term, item, film):
        row.refresh_from_db()
    assert done == Rename(items=1, productions=1)
    assert (term.name, term.aliases) == ("Science Fiction", ["SF", "Sci-Fi"])
    assert item.genres == ["Action", "Science Fiction"]
    assert film.genres == ["Science Fiction"]


def test_rename_term_of_a_make_rewrites_the_make(curator: User) -> None:
    term = TermFactory.create(name="Aston-Martin", vocabulary=Vocabulary.MAKE)
    item = ItemFactory.create(make="Aston-Martin")

    done = rename_term(term=term, name="Aston Martin", by=curator)

    item.refresh_from_db()
    assert done == Rename(items=1, productions=0)
    assert item.make == "Aston Martin"


def test_rename_term_to_a_name_in_use_is_refused(curator: User) -> None:
    TermFactory.create(name="Action")
    term = TermFactory.create(name="Adventure")

    with pytest.raises(ValidationError) as refused:
        rename_term(term=term, name="action", by=curator)

    assert refused.value.messages == ["This vocabulary already has a term of that name."]
