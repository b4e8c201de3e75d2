"""How the text of one cell becomes a value, or a sentence."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from catalog.imports.judgement.casting import PRICE_SENTENCE, TIME_SENTENCE
from catalog.imports.judgement.lookups import SLUG_SENTENCE
from catalog.models import Appearance, Item
from catalog.tests.factories import ItemFactory, ProductionFactory, TermFactory
from catalog.tests.imports import counts, faults, run, table

pytestmark = pytest.mark.django_db
YEARS = "production_years must be years such as 1964, or ranges such as 1964-1966, with | or ; between them."
SPECS = "specs must be a JSON object, or labels and values such as: Engine: 4.0 l | Power: 282 bhp."


def landed(path, column, cell, field=None):
    run(table(path / "one.csv", f"reference,name,{column}", ["A-1", "Car", cell]))
    return getattr(Item.objects.get(), field or column)


def refused(path, column, cell):
    result = run(table(path / "one.csv", f"reference,name,{column}", ["A-1", "Car", cell]))
    assert not Item.objects.exists()
    return [(name, message) for _, name, _, message in faults(result)]


@pytest.mark.parametrize(
    ("cell", "price"),
    [
        ("1250000", Decimal("1250000.00")),
        ("1,250,000", Decimal("1250000.00")),
        ("1,250,000.00", Decimal("1250000.00")),
        (" 12.5 ", Decimal("12.50")),
        ("0", Decimal("0.00")),
        ("999999999999.99", Decimal("999999999999.99")),
    ],
)
def test_price_of_plain_number_lands(tmp_path, cell, price):
    assert landed(tmp_path, "price", cell) == price


@pytest.mark.parametrize("cell", ["on request", "Price on request", "POA", "p.o.a.", "[clear]"])
def test_price_on_request_becomes_null(tmp_path, cell):
    ItemFactory.create(reference="A-1", name="Car", price=5)

    assert landed(tmp_path, "price", cell) is None


@pytest.mark.parametrize(
    "cell",
    [
        "€ 12", "$5", "1.250.000,00", "1,25", "12,50,000", "12 apples", "1.234", "NaN", "Infinity", "1e6", "1_000",
        "٣", "--5", "abc", "1,250,00", "12.500",
    ],
)  # fmt: skip
def test_price_of_other_text_is_refused(tmp_path, cell):
    assert refused(tmp_path, "price", cell) == [("price", PRICE_SENTENCE)]


def test_price_too_large_is_refused(tmp_path):
    assert refused(tmp_path, "price", "1000000000000") == [
        ("price", "A price has at most 12 digits before the point.")
    ]


@pytest.mark.parametrize(
    ("cell", "years"),
    [
        ("1964", [1964]),
        ("1966|1964", [1966, 1964]),
        ("1964-1966", [1964, 1965, 1966]),
        ("1964 \u2013 1966; 1970", [1964, 1965, 1966, 1970]),
        ("1964, 1964", [1964]),
    ],
)
def test_years_land_in_the_order_given(tmp_path, cell, years):
    assert landed(tmp_path, "production_years", cell) == years


@pytest.mark.parametrize("cell", ["64", "196x", "1966-1964", "1964-66", "1900-9999", "|"])
def test_years_of_other_text_are_refused(tmp_path, cell):
    assert refused(tmp_path, "production_years", cell) == [("production_years", YEARS)]


@pytest.mark.parametrize("cell", ["very_good", "Very good", "VERY-GOOD", "very  good"])
def test_choice_accepts_value_and_label_in_any_case(tmp_path, cell):
    assert landed(tmp_path, "condition", cell) == "very_good"


def test_choice_of_unknown_word_is_refused_with_the_list(tmp_path):
    assert refused(tmp_path, "authenticity", "genuine") == [
        (
            "authenticity",
            "The authenticity is not one of those offered. Use screen_used, stunt, production_made,"
            " promotional, replica, same_model.",
        )
    ]


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T18:30:00Z", datetime(2026, 1, 31, 18, 30, tzinfo=UTC)),
        ("2026-01-31 18:30+02:00", datetime(2026, 1, 31, 16, 30, tzinfo=UTC)),
    ],
)
def test_time_in_iso_8601_lands(tmp_path, cell, moment):
    assert landed(tmp_path, "published_at", cell) == moment


@pytest.mark.parametrize(
    "cell",
    [
        "31.01.2026",
        "2026-02-30",
        "01/02/2026",
        "yesterday",
        "45000",
        "now",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59-10:00",
    ],
)
def test_time_of_other_text_is_refused(tmp_path, cell):
    assert refused(tmp_path, "published_at", cell) == [("published_at", TIME_SENTENCE)]


@pytest.mark.parametrize(
    ("cell", "specs"),
    [
        ('{"Engine": "4.0 l", "Doors": 2}', {"Engine": "4.0 l", "Doors": 2}),
        ("Engine: 4.0 l | Power: 282 bhp", {"Engine": "4.0 l", "Power": "282 bhp"}),
        ("Time: 10:30", {"Time": "10:30"}),
    ],
)
def test_specs_land_as_object(tmp_path, cell, specs):
    assert landed(tmp_path, "specs", cell) == specs


@pytest.mark.parametrize("cell", ["just words", '{"a": ', '{"a": "\\u0000"}', "a: 1 | b"])
def test_specs_of_other_text_are_refused(tmp_path, cell):
    assert refused(tmp_path, "specs", cell) == [("specs", SPECS)]


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param('{"a":' * 201 + "1" + "}" * 201, id="deep"),
        pytest.param('{"a":' * 60_000 + "1" + "}" * 60_000, id="deeper than the database reads"),
        pytest.param('{"a": 1e308}', id="long number"),
        pytest.param('{"a": 1e5000}', id="endless number"),
    ],
)
def test_specs_that_python_could_not_read_back_are_refused(tmp_path, cell):
    sentence = "specs holds too much: at most 200 lists and objects, and no number of more than 308 digits."

    assert refused(tmp_path, "specs", cell) == [("specs", sentence)]


@pytest.mark.parametrize(
    ("column", "cell", "sentence"),
    [
        ("genres", "||", "genres must be words with | or ; between them."),
        ("appearances", " | ", "A cell of appearances must name some, each as Title (year) or Title (year): role, with | between them."),
        ("appearances", "|".join(["A (1964)"] * 1_001), "A cell of appearances holds at most 1,000."),
        ("appearances", "|" * 200_000, "A cell of appearances holds at most 1,000."),
    ],
    ids=["no words", "no appearances", "many appearances", "many separators"],
)  # fmt: skip
def test_list_of_nothing_or_of_too_much_is_refused(tmp_path, column, cell, sentence):
    assert refused(tmp_path, column, cell) == [(column, sentence)]


def test_specs_naming_a_label_twice_are_refused(tmp_path):
    assert refused(tmp_path, "specs", "A: 1 | B: 2 | A: 3") == [("specs", "specs names a label twice.")]


def test_specs_of_a_json_list_break_the_tables_rule(tmp_path):
    assert refused(tmp_path, "specs", "[1, 2]") == [("specs", "Specs must be labels and values.")]


def test_slug_with_blanks_is_refused(tmp_path):
    assert refused(tmp_path, "slug", "my car") == [("slug", SLUG_SENTENCE)]


def test_text_longer_than_the_field_is_refused_as_in_forms(tmp_path):
    assert refused(tmp_path, "make", "x" * 101) == [
        ("make", "Ensure this value has at most 100 characters (it has 101).")
    ]


@pytest.mark.parametrize("cell", ["\u00a0 DB5 \u3000", "\uff24\uff22\uff15"])
def test_canonical_text_is_trimmed_and_normalised(tmp_path, cell):
    assert landed(tmp_path, "model", cell) == "DB5"


@pytest.mark.parametrize("cell", ["#REF!", "#N/A", "#DIV/0!"])
def test_error_of_a_spreadsheet_is_refused(tmp_path, cell):
    assert refused(tmp_path, "location", cell) == [
        ("location", "The cell holds an error of its spreadsheet instead of a value.")
    ]


def test_known_words_take_the_terms_spelling(tmp_path):
    TermFactory.create(name="Sci-Fi", slug="sci-fi", aliases=["Science Fiction"])
    TermFactory.create(name="Action", slug="action")

    assert landed(tmp_path, "genres", "science fiction | ACTION; sci fi |action") == ["Sci-Fi", "Action"]


def test_unknown_words_become_terms_in_their_first_spelling(tmp_path):
    path = table(
        tmp_path / "two.csv",
        "reference,name,genres",
        ["A-1", "Car", "Film noir"],
        ["A-2", "Car", "FILM NOIR|七"],
    )

    result = run(path)

    assert [item.genres for item in Item.objects.order_by("reference")] == [
        ["Film noir"],
        ["Film noir", "七"],
    ]
    assert result.warnings == ("2 new terms in the vocabulary genre: Film noir, 七.",)


def test_unknown_words_are_refused_with_a_suggestion_when_asked(tmp_path):
    TermFactory.create(name="Science fiction", slug="science-fiction")
    path = table(tmp_path / "one.csv", "reference,name,genres", ["A-1", "Car", "Sciense fiction|Opera"])

    result = run(path, terms="refuse")

    assert faults(result) == [
        (
            2,
            "genres",
            "Sciense fiction|Opera",
            "'Opera' is not a known genre. 'Sciense fiction' is not a known genre."
            " Did you mean 'Science fiction'?",
        )
    ]


def test_words_between_wide_separators_are_told_apart(tmp_path):
    assert landed(tmp_path, "genres", "动作\uff1b喜剧\uff5c西部") == ["动作", "喜剧", "西部"]


def test_words_of_rejected_rows_become_no_terms(tmp_path):
    result = run(table(tmp_path / "one.csv", "reference,name,genres", ["A-1", "", "Noir"]))

    assert (result.rejected, result.warnings) == (1, ())


def test_make_takes_the_terms_spelling_and_an_unknown_one_stays(tmp_path):
    TermFactory.create(vocabulary="make", name="Aston Martin", slug="aston-martin", aliases=["AML"])
    path = table(tmp_path / "t.csv", "reference,name,make", ["A-1", "a", "aml"], ["A-2", "b", "Trabant"])

    run(path)

    assert list(Item.objects.order_by("reference").values_list("make", flat=True)) == [
        "Aston Martin",
        "Trabant",
    ]


def test_appearances_find_or_make_productions(tmp_path):
    known = ProductionFactory.create(title="Amélie", slug="amelie", years=[2001])
    path = table(
        tmp_path / "t.csv",
        "reference,name,appearances",
        ["A-1", "Car", "amelie (2001) | Mission: Impossible (1996): Stunt double | 七人の侍 (1954)"],
    )

    result = run(path)

    rows = Appearance.objects.order_by("production__years").values_list(
        "production__title", "production__years", "production__slug", "role"
    )
    assert [row[:2] + row[3:] for row in rows] == [
        ("七人の侍", [1954], "hero"),
        ("Mission: Impossible", [1996], "stunt"),
        (known.title, [2001], "hero"),
    ]
    assert (rows[1][2], rows[2][2]) == ("mission-impossible-1996", "amelie")
    assert result.warnings == ("2 new productions: 七人の侍 (1954), Mission: Impossible (1996).",)


def test_appearances_become_what_the_row_lists_and_notes_stay(tmp_path):
    item = ItemFactory.create(reference="A-1")
    kept = Appearance.objects.create(
        item=item, production=ProductionFactory.create(title="Kept", slug="k", years=[1990]), notes="chase"
    )
    Appearance.objects.create(item=item, production=ProductionFactory.create(title="Gone", years=[1991]))

    result = run(table(tmp_path / "t.csv", "reference,appearances", ["A-1", "Kept (1990) | New (1999)"]))

    assert counts(result) == (0, 1, 0, 0)
    assert list(item.appearances.order_by("id").values_list("production__title", "notes")) == [
        ("Kept", "chase"),
        ("New", ""),
    ]
    assert Appearance.objects.get(notes="chase").pk == kept.pk


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("Goldfinger", "'Goldfinger' must be written as Title (year) or Title (year): role."),
        (
            "Goldfinger (1964): driver",
            "'driver' is not a role; use hero, stunt, camera, background, promotional, replica, other.",
        ),
        ("Goldfinger (1066)", "Years must lie between 1880 and 2100."),
    ],
)
def test_appearances_of_other_text_are_refused(tmp_path, cell, message):
    assert refused(tmp_path, "appearances", cell) == [("appearances", message)]
