"""Attach files and rename terms: in sets, with the person's name in the history."""

import pytest
from django.core.exceptions import ValidationError

from accounts.models import User
from catalog.attaching import attach_media
from catalog.models import Vocabulary
from catalog.tests.factories import ItemFactory, MediaAssetFactory, ProductionFactory, TermFactory
from catalog.wording import Rename, rename_term

pytestmark = pytest.mark.django_db


@pytest.fixture
def curator() -> User:
    return User.objects.create_user("curator")


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
