"""Which item a path belongs to."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.tests.factories import MemorabiliaFactory, VehicleFactory
from media_sync.arrivals.matching import Match, match_names, match_paths
from media_sync.models import MatchedBy

pytestmark = pytest.mark.django_db


@pytest.fixture
def stock():
    """Give the keys of some items by their references."""
    items = [
        VehicleFactory.create(reference="DB5-1964", slug="aston-martin-db5"),
        VehicleFactory.create(reference="DB5", slug="aston-martin-db5-prototype"),
        MemorabiliaFactory.create(reference="A7", slug="golden-gun"),
        VehicleFactory.create(reference="1001", slug="delorean"),
        VehicleFactory.create(reference="Äther 9", slug="aether"),
    ]
    return {item.reference: item.pk for item in items}


def told(path: str) -> tuple[str, str, int | None]:
    (match,) = match_paths([path])
    return match.reference, match.matched_by, match.position


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("DB5-1964/03.jpg", ("DB5-1964", "reference", 3)),
        ("db5-1964/front.JPG", ("DB5-1964", "reference", None)),
        ("shoot/DB5-1964_03.jpg", ("DB5-1964", "reference", 3)),
        ("03 DB5-1964.jpg", ("DB5-1964", "reference", 3)),
        ("03_DB5-1964_front.jpg", ("DB5-1964", "reference", 3)),
        ("DB5-1964.jpg", ("DB5-1964", "reference", None)),
        ("DB5/DB5-1964 (2).png", ("DB5-1964", "reference", 2)),
        ("DB5/1964.jpg", ("DB5", "reference", 1964)),
        ("vehicles/aston-martin-db5/1.jpg", ("DB5-1964", "slug", 1)),
        ("Aston Martin DB5/IMG_0012.jpg", ("DB5-1964", "slug", 12)),
        ("Photos of the Golden Gun/7.jpg", ("A7", "slug", 7)),
        ("A7/front 2.jpg", ("A7", "reference", 2)),
        ("1001/0003.jpg", ("1001", "reference", 3)),
        ("1001.jpg", ("1001", "reference", None)),
        ("A\u0308ther 9/1.jpg", ("Äther 9", "reference", 1)),
        ("DB5/01-front-1964.jpg", ("DB5", "reference", 1)),
        ("DB5/3 of 12.jpg", ("DB5", "reference", 3)),
        ("DB5/1964 front 3.jpg", ("DB5", "reference", 3)),
        ("DB5/50th birthday 3.jpg", ("DB5", "reference", 3)),
        ("DB5/1-front.jpg", ("DB5", "reference", 1)),
        ("DB5/0001b.jpg", ("DB5", "reference", 1)),
        ("../../DB5-1964/1.jpg", ("DB5-1964", "reference", 1)),
        ("DB5-1964/" + "9" * 5000 + ".jpg", ("DB5-1964", "reference", 999_999)),
    ],
)
@pytest.mark.usefixtures("stock")
def test_path_finds_its_item(path, expected):
    assert told(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "nobody/1.jpg",
        "shoot/1001.jpg",
        "my A7 thing.jpg",
        "2001/1001-5.jpg",
        "",
        "/",
        "...",
        "\u202e/\u200b.jpg",
        "%s'\"\\.jpg",
    ],
)
@pytest.mark.usefixtures("stock")
def test_path_that_names_no_item_finds_none(path):
    (match,) = match_paths([path])

    assert (match.item_id, match.message) == (
        None,
        "No folder and no part of the name is the reference or slug of an item.",
    )


@pytest.mark.usefixtures("stock")
def test_path_that_fits_two_items_as_well_finds_none():
    MemorabiliaFactory.create(reference="XY12", slug="poster")
    MemorabiliaFactory.create(reference="AB34", slug="prop")

    (match,) = match_paths(["XY12/AB34.jpg"])

    assert match == Match(None, "", MatchedBy.NOTHING, 34, "The name fits more than one item: AB34, XY12.")


def test_former_slug_finds_its_item():
    item = VehicleFactory.create(slug="old-name")
    item.slug = "new-name"
    item.save()

    assert told("old-name/1.jpg") == (item.reference, "old_slug", 1)


def test_former_slug_that_another_item_has_now_is_that_item_s():
    before = VehicleFactory.create(slug="old-name")
    before.slug = "new-name"
    before.save()
    now = VehicleFactory.create(slug="old-name")

    assert told("old-name/1.jpg") == (now.reference, "slug", 1)


def test_many_paths_take_one_statement(stock, django_assert_num_queries):
    with django_assert_num_queries(1):
        matches = match_paths([f"DB5-1964/{number}.jpg" for number in range(500)])

    assert {match.item_id for match in matches} == {stock["DB5-1964"]}


def test_path_of_very_many_words_costs_little_and_finds_its_item(stock):
    crowd = " ".join(f"{a}{b}" for a in "abcde" for b in "stuvwxyz")
    path = f"{crowd}/1 {crowd}/2 {crowd}/3 {crowd}/4 {crowd}/5 {crowd}/DB5-1964 {crowd}.jpg"
    with CaptureQueriesContext(connection) as asked:
        (match,) = match_paths([path])

    assert match.item_id == stock["DB5-1964"]
    assert len(asked[0]["sql"]) < 60_000


def test_names_of_a_column_are_whole_references_or_slugs(stock):
    matches = match_names(["db5", " aston-martin-db5 ", "DB5 front", ""])

    assert [match.item_id for match in matches] == [stock["DB5"], stock["DB5-1964"], None, None]
    assert matches[2].message == "There is no item with the reference or slug DB5 front."
