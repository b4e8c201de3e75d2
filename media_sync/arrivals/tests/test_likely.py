"""Items that a file could belong to, by its name."""

import pytest

from catalog.models import Kind
from catalog.tests.factories import MemorabiliaFactory, VehicleFactory
from media_sync.arrivals.likely import likely

pytestmark = pytest.mark.django_db


def references(path: str, *kinds: str) -> list[str]:
    found = likely([(7, path)], kinds or Kind.values)
    return [item.reference for item in found.get(7, [])]


@pytest.fixture(autouse=True)
def _stock():
    VehicleFactory.create(reference="DB5-1964", name="Aston Martin DB5")
    VehicleFactory.create(reference="DB4-1960", name="Aston Martin DB4")
    VehicleFactory.create(reference="X-1", name="Lotus Esprit")
    MemorabiliaFactory.create(reference="M-1", name="Aston Martin poster")


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("IMG_0001 aston db5.jpg", "DB5-1964"),
        ("DB5-1965_2.jpg", "DB5-1964"),
        ("lotus/front.jpg", "X-1"),
        ("aston poster.png", "M-1"),
    ],
)
def test_likeliest_item_stands_first(path, first):
    assert references(path)[0] == first


def test_items_of_other_kinds_are_not_named():
    assert set(references("aston.jpg", "vehicle")) == {"DB5-1964", "DB4-1960"}


def test_at_most_five_are_named():
    for number in range(9):
        VehicleFactory.create(name=f"Aston Vantage {number}")

    assert len(references("aston vantage.jpg")) == 5


@pytest.mark.parametrize(
    "path", ["zzz.jpg", "", "....", "' & | ! ( ) : * \\.jpg", "\u200b\u202e", "a b c", "%s %d", "x" * 1000]
)
def test_name_that_is_like_nothing_names_nothing(path):
    assert references(path) == []
