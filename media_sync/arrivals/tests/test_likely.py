"""Items that a file could belong to, by its name."""

import pytest

from catalog.models import Item, Kind
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
    "path",
    [
        "zzz.jpg",
        "",
        "....",
        "' & | ! ( ) : * \\.jpg",
        "\u200b\u202e",
        "a b c",
        "%s %d",
        "x" * 1000,
        "\u6f22" * 1000,
    ],
)
def test_name_that_is_like_nothing_names_nothing(path):
    assert references(path) == []


def crowd(**values: str) -> None:
    """Make a thousand vehicles of these values, with numbers from 10,000 on in them."""
    Item.objects.bulk_create(
        VehicleFactory.build(
            slug=f"crowd-{number}", **{name: text.format(number) for name, text in values.items()}
        )
        for number in range(10_000, 11_000)
    )


def test_item_is_found_among_a_thousand_whose_references_begin_alike():
    crowd(reference="BENCH-{}", name="Car")
    VehicleFactory.create(reference="BENCH-11000", name="Car")

    assert references("BENCH-11000x.jpg")[0] == "BENCH-11000"


def test_item_with_two_words_goes_before_a_thousand_that_have_one():
    crowd(reference="A-{}", name="Aston Vantage {}")
    VehicleFactory.create(reference="LAST", name="Aston Lagonda")

    assert references("aston lagonda.jpg")[0] == "LAST"
