"""What a run may touch: by the policy on what exists, and by the rights of who brings the file."""

import pytest

from catalog.imports.reach import Reach
from catalog.models import Appearance, Item, MediaAsset, Production, Term
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
)
from catalog.tests.imports import counts, faults, run, table

pytestmark = pytest.mark.django_db

ROWS = (
    ["A-1", "Same", ""],
    ["A-2", "Changed", ""],
    ["A-3", "New", ""],
    ["A-3", "Again", ""],
    ["a-1", "", "cheap"],
    ["", "Nameless", ""],
)


@pytest.fixture
def stock(tmp_path):
    ItemFactory.create(reference="A-1", name="Same")
    ItemFactory.create(reference="A-2", name="Before")
    return table(tmp_path / "t.csv", "reference,name,price", *ROWS)


def test_only_new_items_are_added(stock):
    result = run(stock, existing="add")

    assert (*counts(result), result.left_out) == (1, 0, 0, 2, 3)
    assert [line for line, *_ in faults(result)] == [5, 7]
    assert sorted(Item.objects.values_list("name", flat=True)) == ["Before", "New", "Same"]


def test_only_known_items_are_updated(stock):
    result = run(stock, existing="update")

    assert (*counts(result), result.left_out) == (0, 1, 1, 2, 2)
    assert [line for line, *_ in faults(result)] == [6, 6, 7]
    assert sorted(Item.objects.values_list("name", flat=True)) == ["Changed", "Same"]


def test_policy_counts_for_every_table(tmp_path):
    TermFactory.create(vocabulary="genre", name="Spy", slug="spy")
    production = ProductionFactory.create(title="Dune", slug="dune-1984", years=[1984])
    AppearanceFactory.create(item=ItemFactory.create(reference="A-1"), production=production)
    MediaAssetFactory.create(key="1.jpg")
    files = {
        "term": table(tmp_path / "1.csv", "vocabulary,name,aliases", ["genre", "spy", "x"], ["genre", "New", ""]),
        "production": table(tmp_path / "2.csv", "title,years,franchise", ["DUNE", "1984", "x"], ["New", "1999", ""]),
        "appearance": table(tmp_path / "3.csv", "reference,title,year,notes", ["A-1", "Dune", "1984", "x"], ["A-1", "Other", "1999", ""]),
        "image": table(tmp_path / "4.csv", "key,caption", ["1.jpg", "x"], ["2.jpg", "x"]),
    }  # fmt: skip

    added = {target: run(path, target, existing="add", dry_run=True) for target, path in files.items()}
    updated = {target: run(path, target, existing="update", dry_run=True) for target, path in files.items()}

    assert {target: (*counts(result), result.left_out) for target, result in added.items()} == {
        "term": (1, 0, 0, 0, 1),
        "production": (1, 0, 0, 0, 1),
        "appearance": (1, 0, 0, 0, 1),
        "image": (0, 0, 0, 1, 1),
    }
    assert {(*counts(result), result.left_out) for result in updated.values()} == {(0, 1, 0, 0, 1)}


RIGHTS = [
    pytest.param(("term", Reach(terms=False), "vocabulary,name", ["genre", "Spy"], ("name", "Spy", "Terms need the rights catalog.add_term and catalog.change_term.")), id="term"),
    pytest.param(("production", Reach(productions=False), "title,slug", ["Dune", "dune"], ("slug", "dune", "Productions need the rights catalog.add_production and catalog.change_production.")), id="production"),
    pytest.param(("appearance", Reach(appearance_notes=False), "reference,title,year", ["A-1", "Known", "1999"], ("reference", "A-1", "Appearances need the rights catalog.add_appearance and catalog.change_appearance.")), id="appearance"),
    pytest.param(("appearance", Reach(new_productions=False), "reference,title,year", ["A-1", "Dune", "1984"], ("title", "Dune", "A film or series here is not in the catalogue, and adding it needs the right catalog.add_production.")), id="film"),
    pytest.param(("image", Reach(images=False), "key,caption", ["1.jpg", "x"], ("key", "1.jpg", "Images need the right catalog.change_mediaasset.")), id="image"),
]  # fmt: skip


@pytest.mark.parametrize("case", RIGHTS)
def test_rows_of_each_table_need_the_rights_of_that_table(tmp_path, case):
    target, reach, header, row, fault = case
    ItemFactory.create(reference="A-1")
    ProductionFactory.create(title="Known", slug="known", years=[1999])
    MediaAssetFactory.create(key="1.jpg")

    result = run(table(tmp_path / "t.csv", header, row), target, reach=reach)

    assert faults(result) == [(2, *fault)]
    assert not Term.objects.exists()
    assert not Appearance.objects.exists()
    assert not MediaAsset.objects.exclude(caption="").exists()
    assert Production.objects.count() == 1


def test_item_of_a_kind_beyond_the_rights_is_none_to_refer_to(tmp_path):
    ItemFactory.create(reference="A-1000", kind="tool")
    MediaAssetFactory.create(key="1.jpg")
    path = table(tmp_path / "t.csv", "key,reference", ["1.jpg", "A-1000"])

    result = run(path, "image", reach=Reach(kinds=("vehicle",)))

    assert faults(result) == [(2, "reference", "A-1000", "There is no item with the reference 'A-1000'.")]


def test_words_that_earlier_rows_were_rejected_with_are_no_terms(tmp_path):
    rows = [["A-1", "Car", "Heist", "cheap"], ["A-2", "Car", "heist|Spy", ""]]

    result = run(table(tmp_path / "t.csv", "reference,name,genres,price", *rows))

    assert counts(result) == (1, 0, 0, 1)
    assert sorted(Term.objects.values_list("name", flat=True)) == ["Heist", "Spy"]


def test_list_in_brackets_is_taken_word_for_word(tmp_path):
    TermFactory.create(vocabulary="genre", name="Spy", slug="spy")
    ItemFactory.create(reference="A-1", genres=["SPY", "a|b"])
    rows = [
        ["A-1", "Renamed", '["SPY", "a|b"]'],
        ["A-2", "Car", '["Spy", "SPY"]'],
        ["A-3", "Car", '["Spy"]'],
        ["A-4", "Car", "[]"],
    ]

    result = run(table(tmp_path / "t.csv", "reference,name,genres", *rows))

    sentence = "A list in brackets is taken word for word, and 'SPY' is no genre."
    assert faults(result) == [(3, "genres", '["Spy", "SPY"]', sentence)]
    assert list(Item.objects.order_by("reference").values_list("name", "genres")) == [
        ("Renamed", ["SPY", "a|b"]),
        ("Car", ["Spy"]),
        ("Car", []),
    ]
    assert Term.objects.count() == 1


def test_years_in_brackets_are_taken_as_they_are(tmp_path):
    rows = [["A-1", "Car", "[1966, 1964, 1964]"], ["A-2", "Car", "[]"], ["A-3", "Car", "[1966, x]"]]

    result = run(table(tmp_path / "t.csv", "reference,name,production_years", *rows))

    assert [line for line, *_ in faults(result)] == [4]
    assert list(Item.objects.order_by("reference").values_list("production_years", flat=True)) == [
        [1966, 1964, 1964],
        [],
    ]
