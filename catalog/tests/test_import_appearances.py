"""Appearances from a file of their own, and how an item's cell names productions."""

import pytest
from django.db import connection

from catalog.imports.judgement.appearances import as_text
from catalog.imports.judgement.productions import ambiguous_productions
from catalog.imports.reach import Reach
from catalog.models import Appearance, Production
from catalog.tests.factories import AppearanceFactory, ItemFactory, ProductionFactory
from catalog.tests.imports import counts, faults, run, table

pytestmark = pytest.mark.django_db


def stored() -> list[tuple[str, str, str, str]]:
    return list(
        Appearance.objects.order_by("id").values_list("item__reference", "production__slug", "role", "notes")
    )


def test_appearances_land_and_land_once(tmp_path):
    ItemFactory.create(reference="A-1")
    ProductionFactory.create(title="Goldfinger", slug="goldfinger-1964", years=[1964])
    path = table(
        tmp_path / "t.csv", "reference,title,year,production,role,notes",
        ["a-1", "goldfinger", "1964", "", "", "The car"],
        ["A-1", "", "", "goldfinger-1964", "Stunt double", ""],
        ["A-1", "Thunderball", "1965", "", "hero", ""],
    )  # fmt: skip

    first, second = run(path, "appearance"), run(path, "appearance")

    assert faults(first) == []
    assert (counts(first), counts(second)) == ((3, 0, 0, 0), (0, 0, 3, 0))
    assert stored() == [
        ("A-1", "goldfinger-1964", "hero", "The car"),
        ("A-1", "goldfinger-1964", "stunt", ""),
        ("A-1", "thunderball-1965", "hero", ""),
    ]
    assert Production.objects.get(slug="thunderball-1965").years == [1965]


def test_notes_change_and_nothing_is_removed(tmp_path):
    item = ItemFactory.create(reference="A-1")
    production = ProductionFactory.create(title="Goldfinger", slug="goldfinger", years=[1964])
    AppearanceFactory.create(item=item, production=production, notes="Old")
    AppearanceFactory.create(item=item, production=production, role="stunt", notes="Kept")

    result = run(
        table(tmp_path / "t.csv", "reference,production,notes", ["A-1", "goldfinger", "New"]), "appearance"
    )

    assert counts(result) == (0, 1, 0, 0)
    assert stored() == [("A-1", "goldfinger", "hero", "New"), ("A-1", "goldfinger", "stunt", "Kept")]


REJECTED = [
    pytest.param({"reference": "A-2000"}, ("reference", "A-2000", "There is no item with the reference 'A-2000'. Did you mean 'A-1000'?"), id="item"),
    pytest.param({"reference": "zz"}, ("reference", "zz", "There is no item with the reference 'zz'."), id="item like no other"),
    pytest.param({"reference": ""}, ("reference", "", "The reference is missing; it tells which item the row is."), id="no item"),
    pytest.param({"production": "goldfingr", "title": "", "year": ""}, ("production", "goldfingr", "There is no production with the slug 'goldfingr'. Did you mean 'goldfinger-1964'?"), id="slug"),
    pytest.param({"production": "gold-64"}, ("title", "Goldfinger", "There is no production with the slug 'gold-64'. Did you mean 'goldfinger-1964'?"), id="slug of a known title"),
    pytest.param({"production": "batman-1966"}, ("title", "Goldfinger", "The slug 'batman-1966' belongs to the production 'Batman', not to 'Goldfinger'."), id="slug of another"),
    pytest.param({"title": "Goldfingers", "year": ""}, ("title", "Goldfingers", "There is no production 'Goldfingers'; with its year it would be made, as a film of that year. Did you mean 'Goldfinger'?"), id="title without year"),
    pytest.param({"title": "Batman", "year": ""}, ("title", "Batman", "Several productions are called 'Batman'; name the slug of the one that is meant, as in Title (1964) [slug]."), id="several titles"),
    pytest.param({"title": "Twins", "year": "1988"}, ("title", "Twins", "Several productions are called 'Twins (1988)'; name the slug of the one that is meant, as in Title (1964) [slug]."), id="several of a year"),
    pytest.param({"title": "", "year": "1964"}, ("title", "", "The production is missing; name its title and year, or its slug."), id="no production"),
    pytest.param({"year": "1700"}, ("title", "Goldfinger", "Years must lie between 1880 and 2100."), id="year"),
    pytest.param({"role": "stund"}, ("role", "stund", "The role is not one of those offered. Use hero, stunt, camera, background, promotional, replica, other. Did you mean 'stunt'?"), id="role"),
    pytest.param({"title": "x" * 201}, ("title", "x" * 201, "A title has at most 200 characters."), id="long title"),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "fault"), REJECTED)
def test_appearance_that_refers_to_nothing_is_rejected(tmp_path, cells, fault):
    ItemFactory.create(reference="A-1000")
    ProductionFactory.create(title="Goldfinger", slug="goldfinger-1964", years=[1964])
    ProductionFactory.create(title="Batman", slug="batman-1966", years=[1966])
    ProductionFactory.create(title="Batman", slug="batman-1989", years=[1989])
    ProductionFactory.create(title="Twins", slug="twins-a", years=[1988])
    ProductionFactory.create(title="Twins", slug="twins-b", years=[1988])
    row = {"reference": "A-1000", "title": "Goldfinger", "year": "1964", "production": "", "role": ""} | cells

    result = run(table(tmp_path / "t.csv", ",".join(row), list(row.values())), "appearance")

    assert faults(result) == [(2, *fault)]
    assert stored() == []


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({"production": "goldfingr"}, "There is no production with the slug 'goldfingr'."),
        ({"production": "g", "title": "Goldfinger"}, "There is no production with the slug 'g'."),
        (
            {"title": "Goldfingers"},
            "There is no production 'Goldfingers'; with its year it would be made, as a film of that year.",
        ),
        (
            {"production": "goldfinger-1964", "title": "Dune"},
            "The slug 'goldfinger-1964' belongs to another production, not to 'Dune'.",
        ),
    ],
)
def test_film_of_drafts_of_other_kinds_is_not_named_to_who_may_not_see_it(tmp_path, cells, sentence):
    ItemFactory.create(reference="A-1", kind="tool")
    film = ProductionFactory.create(title="Goldfinger", slug="goldfinger-1964", years=[1964])
    AppearanceFactory.create(item=ItemFactory.create(kind="vehicle", status="draft"), production=film)
    row = {"reference": "A-1", "title": "", "production": ""} | cells

    result = run(
        table(tmp_path / "t.csv", ",".join(row), list(row.values())),
        "appearance",
        reach=Reach(kinds=("tool",), every_production=False),
    )

    assert [issue.message for issue in result.issues] == [sentence]


def test_slug_that_the_file_gives_to_several_films_is_rejected(tmp_path):
    ItemFactory.create(reference="A-1")
    path = table(
        tmp_path / "t.csv", "reference,title,year,production,role",
        ["A-1", "Goldfinger", "1964", "du", "hero"],
        ["A-1", "Dune", "1984", "du", "hero"],
        ["A-1", "GOLDFINGER", "1964", "gold", "hero"],
        ["A-1", "Goldfinger", "1964", "gold", "stunt"],
    )  # fmt: skip

    result = run(path, "appearance")

    sentence = (
        "This file gives the slug 'du' to several films, such as 'Dune (1984)' and 'Goldfinger (1964)'; each needs a"
        " slug of its own."
    )
    assert [(fault[0], fault[-1]) for fault in faults(result)] == [(2, sentence), (3, sentence)]
    assert stored() == [("A-1", "gold", "hero", ""), ("A-1", "gold", "stunt", "")]


def test_year_that_is_no_number_is_rejected(tmp_path):
    ItemFactory.create(reference="A-1")

    result = run(
        table(tmp_path / "t.csv", "reference,title,year", ["A-1", "Goldfinger", "MCMLXIV"]), "appearance"
    )

    assert (2, "year", "MCMLXIV", "year must be a whole number, such as 1964.") in faults(result)
    assert counts(result) == (0, 0, 0, 1)


def test_appearance_listed_twice_is_rejected(tmp_path):
    ItemFactory.create(reference="A-1")
    path = table(
        tmp_path / "t.csv",
        "reference,title,year,role",
        ["A-1", "Dune", "1984", "hero"],
        ["a-1", "DUNE", "1984", ""],
    )

    result = run(path, "appearance")

    assert counts(result) == (1, 0, 0, 1)
    assert faults(result) == [(3, "reference", "a-1", "Line 2 has the same item, production and role.")]


def test_cell_names_one_of_two_productions_by_its_slug(tmp_path):
    ItemFactory.create(reference="A-1")
    for slug in ("twins-a", "twins-b"):
        ProductionFactory.create(title="Twins", slug=slug, years=[1988])
    cell = "Twins (1988) [twins-b]: stunt | Twins (1988) [twins-a] | New One (2001) [new-one]"

    results = [run(table(tmp_path / "t.csv", "reference,appearances", ["A-1", cell])) for _ in range(2)]

    assert [counts(result) for result in results] == [(0, 1, 0, 0), (0, 0, 1, 0)]
    assert sorted(stored()) == [
        ("A-1", "new-one", "hero", ""),
        ("A-1", "twins-a", "hero", ""),
        ("A-1", "twins-b", "stunt", ""),
    ]


def test_cell_with_an_ambiguous_production_is_rejected(tmp_path):
    for slug in ("twins-a", "twins-b"):
        ProductionFactory.create(title="Twins", slug=slug, years=[1988])
    path = table(tmp_path / "t.csv", "reference,name,appearances", ["A-1", "Car", "Twins (1988)"])

    result = run(path)

    sentence = "Several productions are called 'Twins (1988)'; name the slug of the one that is meant, as in Title (1964) [slug]."
    assert faults(result) == [(2, "appearances", "Twins (1988)", sentence)]


@pytest.mark.parametrize(
    "title",
    ["Undated", "Crash", "[REC]", "Blow-Up (1966)", "One|Two", "A [b]: c", "Se7en: The [Cut]", "M (1931): hero", "O'Brien; Part 2"],
)  # fmt: skip
@pytest.mark.parametrize("years", [[], [1999, 2001]])
def test_every_production_can_be_written_in_a_cell(tmp_path, title, years):
    item = ItemFactory.create(reference="A-1")
    production = ProductionFactory.create(title=title, slug="the-one", years=years)
    ProductionFactory.create(title=title, slug="the-other", years=years)
    AppearanceFactory.create(item=item, production=production, role="stunt")
    cell = as_text(title, years, "the-one", "stunt", with_slug=True)

    result = run(table(tmp_path / "t.csv", "reference,appearances", ["A-1", cell]))

    assert (counts(result), faults(result)) == ((0, 0, 1, 0), [])


@pytest.mark.django_db(transaction=True)
def test_large_run_leaves_fresh_statistics_of_what_its_cells_bring(tmp_path, monkeypatch):
    monkeypatch.setattr("catalog.imports.judgement.applying.LARGE_RUN", 2)
    rows = [["A-1", "Car", "Dune (1984)"], ["A-2", "Bike", "Dune (1984) | Dune (2021)"]]

    run(table(tmp_path / "t.csv", "reference,name,appearances", *rows))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reltuples FROM pg_class WHERE relname IN ('catalog_appearance', 'catalog_production')"
        )
        assert dict(cursor.fetchall()) == {"catalog_appearance": 3, "catalog_production": 2}


def test_slug_is_needed_where_title_and_first_year_are_shared_or_no_year_is_there():
    ProductionFactory.create(title="Twins", slug="twins-1988", years=[1988])
    shared = ProductionFactory.create(title="TWINS", slug="twins-b", years=[1988, 1989])
    undated = ProductionFactory.create(title="Twins", slug="twins", years=[])
    ProductionFactory.create(title="Twins", slug="twins-later", years=[1999])

    found = Production.objects.raw(ambiguous_productions())

    assert sorted(production.pk for production in found) == [shared.pk, undated.pk]


def test_appearance_without_ambiguity_is_written_as_people_write_it():
    assert (
        as_text("Goldfinger", [1964], "goldfinger-1964", "hero", with_slug=False) == "Goldfinger (1964): hero"
    )
