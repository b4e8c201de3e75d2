"""A row that is at fault gets the sentences that forms and spreadsheets give, all at once, each with its pointer."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from catalog.models import Item, Production, Term
from catalog.tests.factories import ItemFactory, ProductionFactory, TermFactory, VehicleFactory
from catalog.tests.imports import run, table
from catalog.tests.test_rules import BROKEN
from catalog.tests.writes import VEHICLES, faults, send, staff_of_all

pytestmark = pytest.mark.django_db
ADDRESSES = {"vehicle": VEHICLES, "tool": "/v1/tools/"}


@pytest.fixture
def staff():
    return staff_of_all()


@pytest.mark.parametrize(("kind", "broken", "cell", "sentence"), BROKEN)
def test_rule_says_the_same_over_the_api(staff, kind, broken, cell, sentence):
    ((column, value),) = broken.items()
    if column in {"categories", "vehicle_types"}:
        TermFactory.create(vocabulary={"categories": "category"}.get(column, "vehicle_type"), name=value[0])

    answer = send(staff, "post", ADDRESSES[kind], {"reference": "A-1", "name": "Car"} | broken)

    [(pointer, _, said)] = faults(answer)
    assert (answer.status_code, said) == (400, sentence)
    assert pointer.split("/")[1] == column
    assert not Item.objects.exists()


# What a form, a spreadsheet and the API are told of the same row.
THREE_DOORS = [
    pytest.param({"name": ""}, "name", "An item needs a name.", id="name"),
    pytest.param({"price": "-1"}, "price", "A price cannot be negative.", id="price"),
    pytest.param(
        {"currency": "usd"}, "currency", "The currency must be a code of three capital letters, such as USD.", id="currency"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("broken", "column", "sentence"), THREE_DOORS)
def test_three_doors_say_the_same(staff, tmp_path, broken, column, sentence):
    cells = {"reference": "A-1", "name": "Car"} | broken

    with pytest.raises(ValidationError) as form:
        ItemFactory.build(**cells).validate_constraints()
    file = run(table(tmp_path / "t.csv", ",".join(cells), list(cells.values())))
    answer = send(staff, "post", VEHICLES, cells)

    assert form.value.messages == [sentence]
    assert [issue.message for issue in file.issues] == [sentence]
    assert [(pointer, said) for pointer, _, said in faults(answer)] == [(f"/{column}", sentence)]


def test_unknown_word_is_told_as_a_spreadsheet_tells_it(staff, tmp_path):
    TermFactory.create(name="Thriller", slug="thriller")
    path = table(tmp_path / "t.csv", "reference,name,genres", ["A-1", "Car", "Thrillr"])

    file = run(path, terms="refuse")
    answer = send(staff, "post", VEHICLES, {"reference": "A-1", "name": "Car", "genres": ["Thrillr"]})

    sentence = "'Thrillr' is not a known genre. Did you mean 'Thriller'?"
    assert [issue.message for issue in file.issues] == [sentence]
    assert faults(answer) == [("/genres/0", "does_not_exist", sentence)]


def test_unknown_choice_is_told_as_a_spreadsheet_tells_it(staff, tmp_path):
    path = table(tmp_path / "t.csv", "reference,name,condition", ["A-1", "Car", "exelent"])

    file = run(path)
    answer = send(staff, "post", VEHICLES, {"reference": "A-1", "name": "Car", "condition": "exelent"})

    [issue] = file.issues
    assert faults(answer) == [("/condition", "invalid_choice", issue.message)]
    assert issue.message.endswith("Did you mean 'excellent'?")


def test_unknown_production_is_told_with_the_closest(staff):
    ProductionFactory.create(title="Goldfinger", slug="goldfinger-1964")
    body = {"reference": "A-1", "name": "Car", "appearances": [{"production": "goldfingr"}]}

    answer = send(staff, "post", VEHICLES, body)

    sentence = "There is no production with the slug 'goldfingr'. Did you mean 'goldfinger-1964'?"
    assert faults(answer) == [("/appearances/0/production", "does_not_exist", sentence)]


def test_other_spellings_become_the_word_of_the_vocabulary(staff):
    TermFactory.create(name="Sci-Fi", slug="sci-fi", aliases=["Science fiction"])
    TermFactory.create(vocabulary="make", name="Aston Martin", slug="aston-martin", aliases=["AML"])

    answer = send(staff, "post", VEHICLES, {
        "reference": "A-1", "name": "Car", "make": "aml", "genres": ["sci fi", "SCIENCE FICTION"],
    })  # fmt: skip

    assert answer.status_code == 201, answer.content
    assert (answer.json()["make"], answer.json()["genres"]) == ("Aston Martin", ["Sci-Fi"])


def test_make_that_is_no_term_stays_as_it_is(staff):
    answer = send(staff, "post", VEHICLES, {"reference": "A-1", "name": "Car", "make": "Own build"})

    assert answer.json()["make"] == "Own build"


def test_all_faults_of_a_row_are_told_at_once(staff):
    VehicleFactory.create(reference="A-1", slug="taken")

    answer = send(staff, "post", VEHICLES, {
        "reference": "a-1", "name": "Car", "slug": "taken", "price": "-1", "genres": ["Nope"], "categories": [],
        "appearances": [{"production": "none"}],
    })  # fmt: skip

    assert [(pointer, code) for pointer, code, _ in faults(answer)] == [
        ("/genres/0", "does_not_exist"),
        ("/price", "rule"),
        ("/reference", "unique"),
        ("/slug", "unique"),
        ("/appearances/0/production", "does_not_exist"),
    ]


def test_reference_and_slug_that_others_have(staff):
    VehicleFactory.create(reference="A-1", slug="a")
    VehicleFactory.create(reference="B-1", slug="b")

    answer = send(staff, "patch", f"{VEHICLES}b/", {"reference": "a-1", "slug": "a"})

    assert [said for _, _, said in faults(answer)] == [
        "Another item has this reference.",
        "Item with this Slug already exists.",
    ]


def test_appearance_that_is_listed_twice(staff):
    ProductionFactory.create(slug="ronin")
    VehicleFactory.create(slug="a")
    twice = [{"production": "ronin", "role": "hero"}, {"production": "ronin"}]

    answer = send(staff, "patch", f"{VEHICLES}a/", {"appearances": twice})

    sentence = "This item is already listed in that production in that role."
    assert faults(answer) == [("/appearances/1", "repeated", sentence)]


HOSTILE: dict[str, Any] = {
    "no object": [1],
    "text": "x",
    "null": None,
    "unknown field": {"version": 7},
    "its number": {"id": 1},
    "null in a text": {"name": None},
    "NUL": {"name": "a\0b"},
    "lone surrogate": '{"name": "\\ud800"}',
    "lone surrogate in a choice": '{"condition": "\\ud800"}',
    "lone surrogate in a word": '{"genres": ["\\ud800"]}',
    "lone surrogate in specs": '{"specs": {"a": "\\ud800"}}',
    "NUL in a label": {"specs": {"a\0": 1}},
    "specs too deep": '{"specs": ' + '{"a": ' * 3000 + "1" + "}" * 3001,
    "specs with many lists": {"specs": {"a": [[]] * 300}},
    "specs with a long number": '{"specs": {"a": ' + "9" * 400 + "}}",
    "specs with a number without end": '{"specs": {"a": 1e400}}',
    "specs that are none": {"specs": [1]},
    "tiny price": {"price": "1E-50000"},
    "huge price": {"price": "9" * 40},
    "price that is no number": {"price": "NaN"},
    "price that is a list": {"price": [1]},
    "year of 20 digits": {"production_years": [99999999999999999999]},
    "year that is true": {"production_years": [True]},
    "date that is not": {"published_at": "2026-02-30T00:00:00Z"},
    "date before all": {"published_at": "0001-01-01T00:00:00+10:00"},
    "date after all": {"published_at": "9999-12-31T23:59:59-12:00"},
    "offset beyond a day": {"published_at": "3325-01-21T02:16:54-25:16"},
    "long name": {"name": "x" * 201},
    "long list": {"genres": ["x"] * 1001},
    "blank word": {"genres": [" "]},
    "appearances that are none": {"appearances": {"production": "x"}},
    "role that is none": {"appearances": [{"production": "x", "role": 5}]},
    "slug with blanks": {"slug": "a b"},
    "truth as a text": {"name": True},
}  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_body_is_refused(staff, body):
    item = VehicleFactory.create(slug="a", name="Car")

    answer = send(staff, "patch", f"{VEHICLES}a/", body if body is not None else "null")

    item.refresh_from_db()
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), answer.content
    assert (item.name, item.version) == ("Car", 1)


def test_offset_that_postgresql_does_not_write_is_stored(staff):
    VehicleFactory.create(slug="a")

    answer = send(staff, "patch", f"{VEHICLES}a/", {"published_at": "2025-01-21T02:16:54-22:16"})

    assert (answer.status_code, answer.json()["published_at"]) == (200, "2025-01-22T00:32:54Z")


PRODUCTION = {"title": "Goldfinger", "years": [1964], "genres": [], "external_ids": {"imdb": "tt0058150"}}


def test_production_is_created_changed_and_deleted(staff):
    made = send(staff, "post", "/v1/productions/", PRODUCTION)
    changed = send(staff, "patch", made["Location"], {"franchise": "James Bond"})
    gone = send(staff, "delete", made["Location"])

    assert (made.status_code, made.json()["slug"], changed.status_code) == (201, "goldfinger-1964", 200)
    assert (changed.json()["franchise"], gone.status_code) == ("James Bond", 204)
    assert not Production.objects.exists()


def test_production_in_which_items_appear_stays(staff):
    film = ProductionFactory.create(slug="ronin")
    film.appearances.create(item=VehicleFactory.create())

    answer = send(staff, "delete", "/v1/productions/ronin/")

    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "Appearances of items: 1. Take them away first.",
    )


@pytest.mark.parametrize(
    ("broken", "pointer", "sentence"),
    [
        ({"title": ""}, "/title", "A production needs a title."),
        ({"years": [1700]}, "/years/0", "Years must lie between 1880 and 2100."),
        ({"slug": "ronin"}, "/slug", "Production with this Slug already exists."),
        ({"genres": ["Nope"]}, "/genres/0", "'Nope' is not a known genre."),
        ({"external_ids": [1]}, "/external_ids", "External ids must be an object of names and values."),
        ({"kind": "opera"}, "/kind", "A production is a film or a series. Did you mean 'series'?"),
    ],
)
def test_production_at_fault(staff, broken, pointer, sentence):
    ProductionFactory.create(slug="ronin")

    answer = send(staff, "post", "/v1/productions/", PRODUCTION | broken)

    [(where, _, said)] = faults(answer)
    assert where == pointer
    assert said.startswith(sentence.split(" Did you")[0])


def test_term_is_created_and_deleted(staff):
    made = send(staff, "post", "/v1/terms/", {"vocabulary": "genre", "name": "Film noir"})
    gone = send(staff, "delete", made["Location"])

    assert (made.status_code, made["Location"]) == (201, "http://testserver/v1/terms/genre/film-noir/")
    assert (gone.status_code, Term.objects.count()) == (204, 0)


def test_new_name_of_a_term_goes_to_the_items(staff):
    term = TermFactory.create(name="Spy", slug="spy")
    item = VehicleFactory.create(genres=["Spy"])

    answer = send(staff, "patch", "/v1/terms/genre/spy/", {"name": "Espionage", "aliases": ["Agents"]})

    item.refresh_from_db()
    term.refresh_from_db()
    assert (answer.status_code, item.genres) == (200, ["Espionage"])
    assert (term.name, term.aliases) == ("Espionage", ["Agents", "Spy"])


@pytest.mark.parametrize(
    ("broken", "pointer", "sentence"),
    [
        ({"name": "spy"}, "/name", "This vocabulary already has a term of that name."),
        ({"slug": "spy"}, "/slug", "This vocabulary already has a term with that slug."),
        ({"name": "a|b"}, "/name", "A term cannot hold | or ;, which stand between the words of a cell."),
        ({"name": ""}, "/name", "A term needs a name."),
        ({"vocabulary": "genr"}, "/vocabulary", "The vocabulary must be genre, vehicle_type, category or make. Did you mean 'genre'?"),
    ],
)  # fmt: skip
def test_term_at_fault(staff, broken, pointer, sentence):
    TermFactory.create(name="Spy", slug="spy")

    answer = send(staff, "post", "/v1/terms/", {"vocabulary": "genre", "name": "Heist"} | broken)

    assert [(where, said) for where, _, said in faults(answer)] == [(pointer, sentence)]
