"""The lists under the form that matches columns: words that are replaced, columns that are made of several."""

import pytest

from catalog.models import Item
from catalog.tests.factories import TermFactory
from catalog.tests.import_screens import (
    address,
    columns_form,
    importer,
    newest,
    page,
    previewed,
    step,
    worked,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucket")]

DEALER = (
    "Stock No.;Jahr;Marke;Typ;Lage;Preis\n"
    "D-1;1964;Aston Martin;DB5;halle nord;auf Anfrage\n"
    "D-2;1976;Lotus;Esprit;Hof;90.000,50\n"
)
MATCHED = {
    "s0-0-to": "reference", "s0-1-to": "production_years", "s0-2-to": "make", "s0-3-to": "model",
    "s0-4-to": "availability", "s0-5-to": "price", "s0-5-written": "decimal:,",
}  # fmt: skip
WORDS = {"s0-words-TOTAL_FORMS": "3", "s0-words-INITIAL_FORMS": "0"}
JOINS = {"s0-joins-TOTAL_FORMS": "1", "s0-joins-INITIAL_FORMS": "0"}


def word(number, title, old, new):
    return {
        f"s0-words-{number}-title": title,
        f"s0-words-{number}-word": old,
        f"s0-words-{number}-ours": new,
    }


def join(column, *parts, between="blank"):
    chosen = {f"s0-joins-0-part{number}": title for number, title in enumerate(parts, start=1)}
    return {"s0-joins-0-column": column, "s0-joins-0-between": between} | chosen


def fill(client, run, *rows):
    """Return the form as a browser sends it that has filled these rows, and no others."""
    return (
        columns_form(client, run, lists=False)
        | MATCHED
        | WORDS
        | JOINS
        | {k: v for row in rows for k, v in row.items()}
    )


def test_words_are_replaced_and_columns_made_of_several_without_code():
    client = importer()
    run = previewed(client, DEALER)

    rows = [
        word(0, "Lage", "HALLE NORD", "Available"), word(1, "Lage", "hof", "Sold"),
        word(2, "Preis", "auf Anfrage", "on request"), join("name", "Jahr", "Marke", "Typ"),
    ]  # fmt: skip
    step(client, run, "columns", fill(client, run, *rows))
    run = worked()
    step(client, run, "confirm")
    worked()

    assert run.rejected == 0
    assert list(Item.objects.order_by("reference").values_list("name", "availability", "price")) == [
        ("1964 Aston Martin DB5", "available", None),
        ("1976 Lotus Esprit", "sold", 90_000.5),
    ]


def test_rows_show_again_what_was_said():
    client = importer()
    run = previewed(client, DEALER)
    rows = [word(0, "Lage", "Hof", "Sold"), join("name", "Marke", "Typ", between="comma")]
    step(client, run, "columns", fill(client, run, *rows))
    run = worked()

    (form,) = client.get(address(run), {"columns": ""}).context["sheet_forms"]

    assert form.words.initial == [{"title": "Lage", "word": "Hof", "ours": "Sold"}]
    assert form.joins.initial == [{"column": "name", "between": "comma", "part1": "Marke", "part2": "Typ"}]
    assert form.fields["rules"].initial is None


def test_row_that_is_emptied_is_gone():
    client = importer()
    run = previewed(client, DEALER)
    step(
        client,
        run,
        "columns",
        fill(client, run, word(0, "Lage", "Hof", "Sold"), join("name", "Typ", "Marke")),
    )
    run = worked()

    again = columns_form(client, run) | word(0, "", "", "") | join("", "", "")
    step(client, run, "columns", again)

    mapping = newest().sheets.get().mapping
    assert (mapping["availability"], "name" in mapping) == ({"header": "Lage"}, False)


def test_suggested_replacements_stand_in_rows():
    client = importer()

    run = previewed(client, "Stock No.;Zustand\nD-1;Scheunenfund\nD-2;sehr gut\n")

    (form,) = client.get(address(run)).context["sheet_forms"]
    assert form.words.initial == [
        {"title": "Zustand", "word": "Scheunenfund", "ours": "Project"},
        {"title": "Zustand", "word": "sehr gut", "ours": "Very good"},
    ]
    assert {row.title: row.to.value() for row in form.rows}["Zustand"] == "condition"
    assert not form["rules"].value()


def test_words_of_ours_are_suggested_by_where_the_column_goes():
    TermFactory.create(vocabulary="genre", name="Spy")
    client = importer()
    run = previewed(client, "Stock No.;Zustand;Genre\nD-1;Scheunenfund;Agenten\n")

    text = page(client, run)

    conditions, every = (
        text.split(f'<datalist id="{name}">')[1].split("</datalist>")[0]
        for name in ("s0-ours-condition", "s0-ours")
    )
    assert 'list="s0-ours-condition"' in text
    assert '<option value="Very good">' in conditions
    assert "Spy" not in conditions
    assert '<option value="Spy">' in every


def test_more_rows_come_without_losing_what_was_typed():
    client = importer()
    run = previewed(client, DEALER)

    form = fill(client, run, word(0, "Lage", "Hof", "Sold")) | {"more": "s0-words"}
    answer = step(client, run, "columns", form)

    (shown,) = answer.context["sheet_forms"]
    assert (answer.status_code, len(shown.words.forms), shown.words[0]["word"].value()) == (200, 8, "Hof")
    assert newest().state == "mapping"


@pytest.mark.parametrize("count", ["100", "9" * 30, "-1", "x", ""])
def test_more_rows_end_at_a_hundred(count):
    client = importer()
    run = previewed(client, DEALER)

    form = fill(client, run) | {"more": "s0-words", "s0-words-TOTAL_FORMS": count}
    answer = step(client, run, "columns", form)

    (shown,) = answer.context["sheet_forms"]
    assert (answer.status_code, len(shown.words.forms) <= 100, newest().state) == (200, True, "mapping")


SENTENCES = [
    ([word(0, "Lage", "", "Sold")], "words", "Say which column of the file, and which word of it."),
    ([word(0, "", "Hof", "Sold")], "words", "Say which column of the file, and which word of it."),
    ([word(0, "Lage", "Hof", "Sold"), word(1, "Lage", "HOF", "")], None, "'HOF' in 'Lage' is replaced twice; choose one."),
    ([word(0, "Lage", "Hof", "Sold"), {"s0-4-to": ""}], None,
     "The words of 'Lage' can be replaced once it goes to one column of ours."),
    ([join("name")], "joins", "Say which column of ours, and of which columns of the file it is made."),
    ([join("", "Typ")], "joins", "Say which column of ours, and of which columns of the file it is made."),
    ([join("make", "Typ", "Jahr")], "2-to", "make is filled from 'Typ, Jahr' already; choose one."),
    ([{"s0-4-to": "money", "s0-4-written": "decimal:,", "s0-5-to": "currency", "s0-5-written": ""}], "5-to",
     "currency is filled from 'Lage' already; choose one."),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "place", "sentence"), SENTENCES)
def test_rows_that_cannot_be_used_say_why(rows, place, sentence):
    client = importer()
    run = previewed(client, DEALER)

    answer = step(client, run, "columns", fill(client, run, *rows))

    (form,) = answer.context["sheet_forms"]
    found = (
        form.errors.get(place)
        if place not in ("words", "joins")
        else getattr(form, place)[0].non_field_errors()
    )
    assert [*(form.non_field_errors() if place is None else found)] == [sentence]
    assert sentence.replace("'", "&#x27;") in answer.content.decode()
    assert newest().state == "mapping"


def test_more_words_than_fit_stay_as_they_are():
    client = importer()
    run = previewed(client, DEALER)
    sheet = run.sheets.get()
    many = {f"word {number}": "Sold" for number in range(300)}
    sheet.mapping = {"reference": {"header": "Stock No."}, "availability": {"header": "Lage", "values": many}}
    sheet.save()

    step(client, run, "columns", columns_form(client, run))

    assert newest().sheets.get().mapping["availability"] == {"header": "Lage", "values": many}
