"""What conversions make of cells, and which cells they leave for rejection."""

from decimal import Decimal

import pytest

from catalog.imports.columns import TARGETS
from catalog.imports.mapping import conversions
from catalog.imports.mapping.cars import folded_make, split_car, years_of
from catalog.imports.mapping.conversions import (
    UNREAD,
    Memo,
    amount,
    converter,
    currency,
    iso_date,
    labelled,
    measure,
    year_of_date,
)
from catalog.imports.mapping.makes import WELL_KNOWN

VEHICLE = TARGETS["vehicle"]
MAKES = frozenset(folded_make(name) for name in WELL_KNOWN)


def converted(name, rule, *cells):
    """Return what a rule of this column makes of the cells."""
    return converter(rule, VEHICLE.by_name[name], MAKES)(cells)


@pytest.mark.parametrize(
    ("text", "comma", "point"),
    [
        ("1.250.000,00 EUR", "1250000.00", None),
        ("1.250.000,00\u00a0€", "1250000.00", None),
        ("€ 1,250,000.00", None, "1250000.00"),
        ("1 250 000,50 €", "1250000.50", None),
        ("1\u202f250\u202f000", "1250000", "1250000"),
        ("CHF 9'500.-", "9500", "9500"),
        ("CHF 9\u2019500.\u2013", "9500", "9500"),
        ("12.500,-", "12500", None),
        ("12500", "12500", "12500"),
        ("-5", "-5", "-5"),
        ("12,5", "12.5", None),
        ("12.5", None, "12.5"),
        ("1.250", "1250", None),
        ("1,250", None, "1250"),
        ("US$ 1,250 CAD", None, None),
        ("$1,250 CAD", None, "1250"),
        ("\uff11\uff12.\uff15\uff10\uff10\u5186", "12500", None),
        ("12.50.000", None, None),
        ("1.250,000", None, None),
        ("1,250,00", None, None),
        ("12 500.000", None, None),
        ("VB 12.500", None, None),
        ("12.500 VB", None, None),
        ("10.000 - 12.000", None, None),
        ("1e5", None, None),
        ("12/3", None, None),
        ("POA", "POA", "POA"),
        ("Price on  request", "Price on  request", "Price on  request"),
        ("sold!", None, None),
    ],
)
def test_amount(text, comma, point):
    unread = text + UNREAD

    assert (amount(text, ","), amount(text, ".")) == (comma or unread, point or unread)


@pytest.mark.parametrize(
    ("thousands", "read"),
    [
        (".", ["1.250"]),
        (" ", ["1 250"]),
        ("'", ["1'250"]),
        ("", ["1250"]),
        (None, ["1.250", "1 250", "1'250"]),
    ],
)
def test_amount_with_a_named_mark_between_thousands(thousands, read):
    texts = ["1.250", "1 250", "1'250", "1250"]

    found = [text for text in texts if amount(text, ",", thousands) == "1250"]

    assert found == [*dict.fromkeys([*read, "1250"])]


@pytest.mark.parametrize(
    ("text", "otherwise", "code"),
    [
        ("1.250 EUR", "", "EUR"),
        ("eur 1.250", "", "EUR"),
        ("1.250 Euro", "USD", "EUR"),
        ("£1,250", "", "GBP"),
        ("$1,250", "", "USD"),
        ("$1,250 CAD", "", "CAD"),
        ("1.250", "EUR", "EUR"),
        ("POA", "EUR", ""),
        ("1.250", "", "1.250" + UNREAD),
        ("1.250 FOB", "EUR", "1.250 FOB" + UNREAD),
        ("€ 1.250 USD", "", "€ 1.250 USD" + UNREAD),
        ("1.250 Taler", "", "1.250 Taler" + UNREAD),
    ],
)
def test_currency(text, otherwise, code):
    assert currency(text, otherwise) == code


@pytest.mark.parametrize(
    ("text", "order", "date", "year"),
    [
        ("31.01.2026", "dmy", "2026-01-31", "2026"),
        ("1/2/2026", "dmy", "2026-02-01", "2026"),
        ("1/2/2026", "mdy", "2026-01-02", "2026"),
        ("2026/2/1", "ymd", "2026-02-01", "2026"),
        ("31.01.2026 00:00:00", "dmy", "2026-01-31", "2026"),
        ("2026-01-31T18:30:00Z", "dmy", "2026-01-31T18:30:00Z", "2026"),
        ("29.2.1900", "dmy", None, None),
        ("31.01.26", "dmy", None, None),
        ("01/31/2026", "dmy", None, None),
        ("31.01/2026", "dmy", None, None),
        ("31.01.2026 18:30", "dmy", None, None),
        ("03/1964", "dmy", None, "1964"),
        ("1964", "dmy", None, "1964"),
        ("spring 1964", "dmy", None, None),
    ],
)
def test_date(text, order, date, year):
    unread = text + UNREAD

    assert (iso_date(text, order), year_of_date(text, order)) == (date or unread, year or unread)


@pytest.mark.parametrize(
    ("text", "years", "make", "model"),
    [
        ("1964 Aston Martin DB5", "1964", "Aston Martin", "DB5"),
        ("  1964   ASTON   MARTIN DB5 ", "1964", "ASTON MARTIN", "DB5"),
        ("1973 Alfa Romeo Giulia 1300", "1973", "Alfa Romeo", "Giulia 1300"),
        ("1966-68 Ford GT40 Mk II", "1966-1968", "Ford", "GT40 Mk II"),
        ("1966/1968 Ford GT40", "1966-1968", "Ford", "GT40"),
        ("1955 Mercedes-Benz 300 SL", "1955", "Mercedes-Benz", "300 SL"),
        ("1955 Mercedes Benz 300 SL", "1955", "Mercedes Benz", "300 SL"),
        ("Land Rover Serie II (1970)", "1970", "Land Rover", "Serie II"),
        ("Jaguar E-Type, 1961", "1961", "Jaguar", "E-Type"),
        ("2002 BMW 2002 tii", "2002", "BMW", "2002 tii"),
        ("BMW 2002 tii", None, "BMW", "2002 tii"),
        ("Peugeot 2008", None, "Peugeot", "2008"),
        ("Volvo 1800 ES", "", "Volvo", "1800 ES"),
        ("1981 DeLorean", "1981", "DeLorean", ""),
        ("1964", "1964", "", ""),
        ("2150 Spinner", "", "2150", "Spinner"),
        ("1968-66 Ford GT40", None, "1968-66", "Ford GT40"),
        ("Aston Martin", "", "Aston Martin", ""),
    ],
)
def test_cars_name_is_split(text, years, make, model):
    assert (years_of(text), *split_car(text, MAKES)) == (years, make, model)


@pytest.mark.parametrize(
    ("text", "decimal", "factor", "unit", "expected"),
    [
        ("286 PS", ".", "0.98632", "bhp", "282 bhp"),
        ("45.210", ",", "1", "km", "45210 km"),
        ("45.210 km", ",", "0.621371", "mi", "28092 mi"),
        ("4,2", ",", "1", "l", "4.2 l"),
        ("4.2 l", ".", "1", "", "4.2 l"),
        ("10 mi", ".", "1.609344", "km", "16.1 km"),
        ("0", ".", "1.6", "km", "0 km"),
        ("unknown", ".", "1.6", "km", "unknown"),
        ("45 210 or 45 310", ".", "1.6", "km", None),
        ("about 45000", ".", "1.6", "km", None),
        ("45.2.10", ",", "1.6", "km", None),
    ],
)
def test_measure(text, decimal, factor, unit, expected):
    assert measure(text, decimal, Decimal(factor), unit) == (expected or text + UNREAD)


@pytest.mark.parametrize(
    ("name", "rule", "cell", "expected"),
    [
        ("reference", {"header": "id", "prefix": "EPA-"}, " 7 ", "EPA-7"),
        ("reference", {"header": "id", "prefix": "="}, "7", "=7"),
        ("genres", {"header": "g", "separator": ","}, "Spy, Action,,Sci-Fi ", "Spy | Action | Sci-Fi"),
        ("genres", {"header": "g", "separator": "\n"}, "Spy\nAction", "Spy | Action"),
        ("availability", {"header": "a", "values": {"Ja": "available", "nein": "sold"}}, " JA ", "available"),
        ("availability", {"header": "a", "values": {"Ja": "available"}}, "vielleicht", "vielleicht"),
        ("price", {"header": "p", "decimal": ",", "values": {"VB": "on request"}}, "vb", "on request"),
        ("price", {"header": "p", "decimal": ",", "values": {"0,00 EUR": ""}}, "0,00 EUR", ""),
        ("price", {"header": "p", "decimal": ","}, "'-1.250,00", "-1250.00"),
        ("price", {"header": "p", "decimal": ","}, "[clear]", "[clear]"),
        ("price", {"header": "p", "decimal": ","}, "  ", ""),
        ("price", {"header": "p", "decimal": ","}, "#N/A", "#N/A"),
        ("production_years", {"header": "d", "date": "dmy"}, "12.05.1967", "1967"),
        ("published_at", {"header": "d", "date": "mdy"}, "05/12/2026", "2026-05-12"),
        ("production_years", {"header": "d", "part": "year"}, "BMW 2002", "BMW 2002" + UNREAD),
        ("production_years", {"header": "d", "part": "year"}, "Aston Martin DB5", ""),
        ("make", {"header": "d", "part": "make"}, "''=1", "''=1"),
    ],
)
def test_rule_converts_one_cell(name, rule, cell, expected):
    assert converted(name, rule, cell) == expected


def test_join_leaves_out_empty_cells_and_converts_the_whole():
    rule = {"join": ["currency", "amount"], "decimal": ","}

    assert converted("price", rule, " EUR ", "1.250,00") == "1250.00"


def test_labels_with_a_measure_that_is_none_are_unread():
    read = labelled({"labels": {"Engine": "a", "Power": {"header": "b", "factor": 2}}})

    assert read(("4.0 l", "about 200")) == '{"Engine": "4.0 l", "Power": "about 200"}' + UNREAD


def test_memo_converts_each_text_once_up_to_its_limit(monkeypatch):
    monkeypatch.setattr(conversions, "KEPT", 2)
    seen = []

    def convert(cells):
        seen.append(cells)
        return cells[0].upper()

    memo = Memo(convert)
    texts = [memo[(text,)] for text in ["a", "b", "a", "b", "c", "c", "x" * 501, "x" * 501]]

    assert texts == ["A", "B", "A", "B", "C", "C", "X" * 501, "X" * 501]
    assert [len(cells[0]) for cells in seen] == [1, 1, 1, 1, 501, 501]
