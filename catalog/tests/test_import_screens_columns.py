"""The screen that matches a dealer's columns with ours."""

import re
from decimal import Decimal

import pytest
from django.urls import reverse

from catalog.admin.imports.matching import Match, mapping_of, matches_of
from catalog.imports.columns import TARGETS, column_name
from catalog.models import ImportLayout, Item
from catalog.tests.import_screens import (
    address,
    columns_form,
    importer,
    newest,
    page,
    person,
    previewed,
    signed_in,
    step,
    upload,
    worked,
)

pytestmark = [pytest.mark.usefixtures("bucket"), pytest.mark.django_db]

VEHICLE = TARGETS["vehicle"]
DEALER = (
    "Stock No.;Car;Preis;Leistung;Notes\n"
    "D-1;1964 Aston Martin DB5;1.250.000,00 EUR;286;call first\n"
    "D-2;1976 Lotus Esprit;90.000,50 EUR;162;\n"
)


def sent(client, run, **changes):
    """Return what a browser sends from the form as it is shown, with these changes."""
    return columns_form(client, run) | changes


def chosen(client, run):
    """Return where each column of the file goes as the form suggests it."""
    (form,) = client.get(address(run)).context["sheet_forms"]
    return {row.title: row.to.value() for row in form.rows}


FILLED = {
    "s0-0-to": "reference", "s0-1-to": "car", "s0-2-to": "money", "s0-2-written": "decimal:,",
    "s0-3-to": "label:specs", "s0-3-label": "Power", "s0-3-unit": "kW", "s0-3-factor": "0.5", "s0-3-written": "",
    "s0-4-to": "", "s0-fixed-name": "One of ours", "s0-fixed-condition": "Good",
    "s0-joins-0-column": "", "s0-joins-0-part1": "",
}  # fmt: skip


def test_file_with_unknown_columns_waits_for_them_with_suggestions_and_samples():
    client = importer()

    run = previewed(client, DEALER)
    text = page(client, run)

    assert run.state == "mapping"
    assert chosen(client, run)["Stock No."] == "reference"
    assert "1.250.000,00 EUR" in text


def test_columns_that_were_matched_lead_to_the_preview():
    client = importer()
    run = previewed(client, DEALER)

    answer = step(client, run, "columns", sent(client, run, **FILLED))
    run = worked()
    step(client, run, "confirm")
    worked()

    assert (answer["Location"], run.state, run.rejected) == (address(run), "ready", 0)
    assert list(
        Item.objects.order_by("reference").values_list(
            "reference",
            "make",
            "model",
            "production_years",
            "price",
            "currency",
            "specs",
            "condition",
            "name",
        )
    ) == [
        ("D-1", "Aston Martin", "DB5", [1964], 1_250_000, "EUR", {"Power": "143 kW"}, "good", "One of ours"),
        (
            "D-2",
            "Lotus",
            "Esprit",
            [1976],
            Decimal("90000.5"),
            "EUR",
            {"Power": "81.0 kW"},
            "good",
            "One of ours",
        ),
    ]


def test_next_file_of_the_same_layout_needs_no_click():
    client = importer()
    run = previewed(client, DEALER)
    step(client, run, "columns", sent(client, run, **FILLED))
    worked()

    again = previewed(client, DEALER.replace("D-1", "D-3"), name="next month.csv")

    assert again.state == "ready"
    assert "as remembered for files of this layout" in page(client, again)


def test_layout_is_not_remembered_without_the_tick():
    client = importer()
    run = previewed(client, DEALER)
    form = sent(client, run, **FILLED)
    del form["remember"]

    step(client, run, "columns", form)

    assert not ImportLayout.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"s0-4-to": "reference"}, "4-to", "reference is filled from 'Stock No.' already; choose one."),
        ({"s0-3-factor": "half"}, "3-factor", "Give a number, such as 0.7355."),
        ({"s0-4-to": "name", "s0-4-written": "decimal:,", "s0-fixed-name": ""}, "4-to", "name: 'decimal' is for the price, and inside labels."),
        ({"s0-4-to": "name"}, "fixed-name", "name is filled from 'Notes' already; empty one of them."),
        ({"s0-rules": "[1]"}, "rules", 'The rules are an object, such as {"name": {"join": ["Make", "Model"]}}.'),
        ({"s0-rules": '{"name": {"join": ["Nothing"]}}'}, "fixed-name", "name: the file has no column 'Nothing'."),
    ],
)  # fmt: skip
def test_columns_that_cannot_be_used_say_why_beside_the_field(changes, field, sentence):
    client = importer()
    run = previewed(client, DEALER)

    answer = step(client, run, "columns", sent(client, run, **FILLED | changes))

    (form,) = answer.context["sheet_forms"]
    assert (answer.status_code, form.errors) == (200, {field: [sentence]})
    assert newest().state == "mapping"


def test_columns_can_be_matched_anew_from_the_preview():
    client = importer()
    run = previewed(client, "reference,name,Colour\nA-1,DB5,silver\n")
    step(client, run, "columns", sent(client, run, **{"s0-2-to": ""}))
    worked()

    step(client, run, "columns", sent(client, run, **{"s0-2-to": "location"}))
    run = worked()

    assert (run.state, run.sheets.get().mapping["location"]) == ("ready", {"header": "Colour"})


def test_columns_of_a_wide_file_fit_into_one_form():
    titles = ["reference", "name", *(f"Odd {n}" for n in range(400))]
    client = importer()
    run = previewed(client, ",".join(titles) + "\n" + ",".join("x" * len(titles)) + "\n")
    form = sent(client, run)

    answer = step(client, run, "columns", form)

    assert len(form) < 1_000
    assert (answer.status_code, newest().state) == (302, "queued")
    assert len(newest().sheets.get().mapping["ignored"]) == 400


# Layouts


@pytest.fixture
def layout():
    client = importer()
    run = previewed(client, DEALER)
    step(client, run, "columns", sent(client, run, **FILLED))
    return ImportLayout.objects.get()


def test_layout_is_renamed(layout):
    client = signed_in(person("view_importlayout", "change_importlayout"))

    client.post(reverse("admin:catalog_importlayout_change", args=[layout.pk]), {"name": "Dealer in Ulm"})

    layout.refresh_from_db()
    assert (layout.name, layout.mapping["reference"]) == ("Dealer in Ulm", {"header": "Stock No."})


def test_layout_is_deleted(layout):
    client = signed_in(person("view_importlayout", "delete_importlayout"))

    client.post(reverse("admin:catalog_importlayout_delete", args=[layout.pk]), {"post": "yes"})

    assert not ImportLayout.objects.exists()


def test_layout_is_closed_to_who_may_not_view_it(layout):
    client = signed_in(person("view_importrun"))

    assert client.get(reverse("admin:catalog_importlayout_change", args=[layout.pk])).status_code == 403


# Between form and mapping

MAPPINGS = [
    {"reference": {"header": "A"}},
    {"reference": {"header": "A", "prefix": "D-"}, "ignored": ["B"]},
    {"price": {"header": "A", "decimal": ","}, "currency": {"header": "A", "part": "currency"}},
    {"price": {"header": "A", "decimal": "."}, "currency": {"header": "A", "part": "currency", "otherwise": "EUR"}},
    {"price": {"header": "A", "decimal": ",", "thousands": "."}, "currency": {"constant": "EUR"}},
    {"production_years": {"header": "A", "part": "year"}, "make": {"header": "A", "part": "make"},
     "model": {"header": "A", "part": "model"}},
    {"make": {"header": "A", "part": "make"}},
    {"specs": {"labels": {"Motor": "A", "Power": {"header": "B", "unit": "kW", "factor": 0.7355, "decimal": ","}}}},
    {"name": {"join": ["A", "B"], "with": ", "}, "condition": {"header": "C", "values": {"1": "Good"}}},
    {"name": {"join": ["A", "B", "C"]}, "make": {"header": "A"}, "model": {"header": "B"}},
    {"name": {"join": ["A", "B"], "with": "; "}, "location": {"join": ["A", "B"], "values": {"x": "y"}}},
    {"genres": {"header": "A", "separator": "/", "values": {"Krimi": "Crime"}}},
    {"price": {"header": "A", "decimal": ",", "values": {"auf Anfrage": "on request"}},
     "currency": {"header": "A", "part": "currency"}},
    {"genres": {"header": "A", "separator": "/"}, "published_at": {"header": "B", "date": "dmy"}},
    {"name": {"header": "A"}, "model": {"header": "A"}},
]  # fmt: skip


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_mapping_survives_the_form(mapping):
    titles = sorted(set(re.findall(r"'([ABC])'", str(mapping))))

    found = matches_of(mapping, titles, VEHICLE)
    found.titles = {title: found.titles[column_name(title)] for title in titles}

    assert mapping_of(found, VEHICLE) == mapping


def test_title_with_the_name_of_a_column_goes_there_by_itself():
    found = matches_of({}, ["Reference", "Colour"], VEHICLE)

    assert found.titles == {"reference": Match("reference"), "colour": Match("")}


def test_upload_of_a_layout_that_is_known_in_our_own_names_asks_nothing():
    client = importer()
    upload(client)

    assert worked().state == "ready"


def test_columns_beyond_those_that_the_form_shows_keep_what_is_known_of_them():
    client = importer()
    wide = ";".join([*(f"X{place}" for place in range(160)), "Stock No.", "name", "error"])
    run = previewed(client, f"{wide}\n" + ";".join([*["x"] * 160, "D-1", "One", "old fault"]) + "\n")

    (form,) = client.get(address(run), {"columns": ""}).context["sheet_forms"]
    titles = [row.title for row in form.rows]
    step(client, run, "columns", sent(client, run))
    run = worked()

    assert (len(titles), titles[-2:], form.hidden_titles) == (150, ["Stock No.", "name"], 13)
    assert (run.state, run.created, run.rejected) == ("ready", 1, 0)


def test_title_that_is_also_part_of_a_name_says_why_it_goes_where_it_goes():
    client = importer()
    run = previewed(client, "Stock No.;Baujahr;Hersteller;Modell\nD-1;1964;Lotus;Esprit\n")

    (form,) = client.get(address(run), {"columns": ""}).context["sheet_forms"]

    assert {row.title: row.reason for row in form.rows}["Baujahr"] == "'Baujahr' is a usual name for it."
