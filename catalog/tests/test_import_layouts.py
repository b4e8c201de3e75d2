"""A dealer's layout: mapped once by a person, known from then on."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import User
from accounts.tests.client import at_once
from accounts.tests.factories import UserFactory
from catalog.imports.columns import TARGETS
from catalog.imports.life import runs, work
from catalog.imports.mapping import layouts
from catalog.imports.mapping.suggestions import suggest
from catalog.imports.pages.rejected import rejected_file
from catalog.models import ImportLayout, Item
from catalog.tests.factories import TermFactory
from catalog.tests.imports import workbook
from catalog.tests.runs import curator, previewed

VEHICLE = TARGETS["vehicle"]
HEADER = ["Lagernr.", "Preis"]
MAPPING = {"reference": {"header": "Lagernr."}, "price": {"header": "Preis", "decimal": ","}}
DEALER = """Autohaus Müller \u2013 Bestand;;;;;;;;
Stand: 01.03.2026;;;;;;;;

Lagernr.;Baujahr;Marke und Modell;Preis;km;Zustand;Fahrgestell-Nr.;Verfügbar;Bemerkung intern
12034;1964;Aston Martin DB5;1.250.000,00 EUR;45.210;sehr gut;DB5/1486/R;ja;Tür klemmt
12035;1961-1963;Jaguar E-Type;195.000 €;81.000;gut;860123;ja;
12036;1973;Alfa Romeo Giulia;Preis auf Anfrage;;Scheunenfund;AR 1234567;ja;
"""
NEXT = """Lagernr.;Preis;Baujahr;Marke und Modell;km;Zustand;Fahrgestell-Nr.;Verfügbar;Bemerkung intern
12034;1.199.000,00 EUR;1964;Aston Martin DB5;45.300;sehr gut;DB5/1486/R;ja;
12040;12.5 EUR;1970;Land Rover Serie II;;gut;;ja;
"""
pytestmark = pytest.mark.django_db


@pytest.fixture
def _bucket(bucket):
    """The runs' files need somewhere to lie."""


def confirmed_mapping(run):
    """Return what a person confirms who takes every suggestion and leaves the other columns alone."""
    sheet = run.sheets.get()
    suggestion = suggest(sheet.header, sheet.sample, VEHICLE)
    return suggestion.mapping | {"ignored": list(suggestion.left)}


def mapped(run, by):
    runs.give_mapping(run, mappings={0: confirmed_mapping(run)}, remember=True, by=by)
    work.read_now(run.pk)
    run.refresh_from_db()


@pytest.mark.usefixtures("_bucket")
def test_dealers_file_lands_right_with_the_suggested_mapping():
    by = curator()
    run = previewed(by, DEALER.encode("cp1252"), "bestand.csv")
    assert (run.state, run.sheets.get().header_line) == ("mapping", 4)

    mapped(run, by)
    runs.confirm(run, by=by)
    work.land_now(run.pk)

    run.refresh_from_db()
    assert (run.state, run.created, run.rejected) == ("done", 3, 0), run.message
    columns = (
        "name",
        "make",
        "model",
        "production_years",
        "price",
        "currency",
        "condition",
        "availability",
        "specs",
    )
    assert {row[0]: row[1:] for row in Item.objects.values_list("reference", *columns)} == {
        "12034": ("Aston Martin DB5", "Aston Martin", "DB5", [1964], Decimal("1250000"), "EUR", "very_good", "available",
                  {"Mileage": "45210 km"}),
        "12035": ("Jaguar E-Type", "Jaguar", "E-Type", [1961, 1962, 1963], Decimal("195000"), "EUR", "good", "available",
                  {"Mileage": "81000 km"}),
        "12036": ("Alfa Romeo Giulia", "Alfa Romeo", "Giulia", [1973], None, "USD", "project", "available", {}),
    }  # fmt: skip


@pytest.mark.usefixtures("_bucket")
def test_rejected_rows_of_a_mapped_file_come_back_without_a_click():
    by = curator()
    mapped(previewed(by, DEALER.encode("cp1252"), "bestand.csv"), by)
    run = previewed(by, NEXT.encode("cp1252"), "bestand april.csv")
    rejected = b"".join(rejected_file(run).chunks).replace(b"12.5 EUR", b"12,50 EUR")

    mended = previewed(by, rejected, "bestand april-rejected.csv")

    assert (mended.state, mended.created, mended.rejected) == ("ready", 1, 0), mended.message


@pytest.mark.usefixtures("_bucket")
def test_dealers_next_file_needs_no_click_and_its_unreadable_cells_are_rejected():
    by = curator()
    mapped(previewed(by, DEALER.encode("cp1252"), "bestand.csv"), by)

    run = previewed(by, NEXT.encode("cp1252"), "bestand april.csv")

    assert (run.state, run.created, run.rejected) == ("ready", 1, 1), run.message
    assert "The columns were mapped as remembered for files of this layout." in run.warnings
    assert list(run.issues.values_list("line", "column", "value", "message")) == [
        (3, "price", "12.5 EUR", "The cell cannot be read as an amount such as 1.250.000,00, with at most 2 decimals."
                                 " Without a price write: on request."),
    ]  # fmt: skip


@pytest.mark.usefixtures("_bucket")
def test_workbook_of_numbers_and_dates_lands_right_with_the_suggested_mapping(tmp_path):
    by = curator()
    path = workbook(
        tmp_path / "bestand.xlsx",
        ["Fahrzeugbestand Frühjahr"],
        [],
        [
            "Fahrzeugnummer",
            "Fahrzeug",
            "Hersteller",
            "Modell",
            "Erstzulassung",
            "Preis (EUR)",
            "Leistung (PS)",
        ],
        [7001, "Porsche 356 A", "Porsche", "356 A", date(1957, 5, 4), 129500.5, 60],
        [7002, "Facel Vega HK 500", "Facel Vega", "HK 500", date(1960, 1, 2), "Preis auf Anfrage", None],
        [7003, "Lancia Aurelia B24", "Lancia", "Aurelia B24", date(1955, 7, 8), 1000000, 118.5],
    )
    run = previewed(by, path.read_bytes(), "bestand.xlsx")

    mapped(run, by)
    runs.confirm(run, by=by)
    work.land_now(run.pk)

    columns = ("reference", "make", "model", "production_years", "price", "currency", "specs")
    assert list(Item.objects.order_by("reference").values_list(*columns)) == [
        ("7001", "Porsche", "356 A", [1957], Decimal("129500.50"), "EUR", {"Power": "60 PS"}),
        ("7002", "Facel Vega", "HK 500", [1960], None, "EUR", {}),
        ("7003", "Lancia", "Aurelia B24", [1955], Decimal("1000000"), "EUR", {"Power": "118.5 PS"}),
    ]


@pytest.mark.usefixtures("_bucket")
def test_file_with_our_own_headers_asks_nothing():
    run = previewed(curator(), "reference,name,error\nA-1,One,The price is bad.\n")

    assert (run.state, run.warnings) == ("ready", [])


def test_layout_is_known_in_any_order_and_letter_case():
    layouts.remember(VEHICLE, HEADER, MAPPING, by=None, name="a.csv")

    assert layouts.remembered(VEHICLE, [" PREIS", "lagernr."]) == MAPPING


@pytest.mark.parametrize(
    ("target", "header"),
    [
        pytest.param("tool", HEADER, id="another table"),
        pytest.param("vehicle", [*HEADER, "Ort"], id="one column more"),
        pytest.param("vehicle", ["Lagernr."], id="one column less"),
        pytest.param("vehicle", [*HEADER, "Preis"], id="a column twice"),
    ],
)
def test_layout_is_not_taken_for_another(target, header):
    layouts.remember(VEHICLE, HEADER, MAPPING, by=None, name="a.csv")

    assert layouts.remembered(TARGETS[target], header) is None


def test_layout_mapped_again_takes_the_new_mapping_and_keeps_its_name():
    by: User = UserFactory.create()
    layouts.remember(VEHICLE, HEADER, MAPPING, by=None, name="a.csv")

    layouts.remember(VEHICLE, HEADER, {"reference": {"header": "Preis"}}, by=by, name="b.csv")

    layout = ImportLayout.objects.get()
    assert (layout.name, layout.made_by, layout.mapping) == ("a.csv", by, {"reference": {"header": "Preis"}})


def test_layout_notes_its_use():
    layouts.remember(VEHICLE, HEADER, MAPPING, by=None, name="a.csv")
    before = ImportLayout.objects.get().used_at

    layouts.remembered(VEHICLE, HEADER)

    assert before is None
    assert ImportLayout.objects.get().used_at is not None


@pytest.mark.django_db(transaction=True)
def test_layout_remembered_by_two_at_once_is_one():
    calls = [lambda: layouts.remember(VEHICLE, HEADER, MAPPING, by=None, name="a.csv")] * 4

    at_once(calls)

    assert ImportLayout.objects.count() == 1


def test_layout_much_like_the_file_is_the_base_of_its_suggestion():
    mapping = {"reference": {"header": "Lagernr."}, "location": {"header": "Feld 7"}}
    layouts.remember(VEHICLE, ["Lagernr.", "Feld 7"], mapping, by=None, name="a.csv")

    suggestion = suggest(["Lagernr.", "Feld 7", "Feld 9"], [["1", "x", "y"], ["2", "x", "y"]], VEHICLE)

    assert (suggestion.mapping, suggestion.left) == (mapping, ("Feld 9",))


def test_layout_unlike_the_file_is_not_the_base_of_its_suggestion():
    layouts.remember(
        VEHICLE, ["Lagernr.", "Feld 7", "A", "B"], {"location": {"header": "Feld 7"}}, by=None, name="a"
    )

    suggestion = suggest(["Feld 7", "Feld 9"], [["x", "y"], ["x", "y"]], VEHICLE)

    assert suggestion.mapping == {}


@pytest.mark.usefixtures("_bucket")
def test_makes_of_several_words_are_the_catalogues_own():
    TermFactory.create(vocabulary="make", name="Zil Nami", aliases=["Zil-Nami Works"])
    mapping = {"make": {"header": "Car", "part": "make"}, "model": {"header": "Car", "part": "model"}}

    run = previewed(
        curator(), "reference,name,Car\nA,A,1970 ZIL-NAMI works 111\nB,B,Lada 1200\n", mapping=mapping
    )
    runs.confirm(run, by=run.started_by)
    work.land_now(run.pk)

    found = Item.objects.order_by("reference").values_list("make", "model")
    assert list(found) == [("Zil Nami", "111"), ("Lada", "1200")]
