"""What a mapping is proposed for tables of dealers in several languages, and for real public ones."""

import pytest

from catalog.imports.columns import TARGETS
from catalog.imports.mapping.binding import check
from catalog.imports.mapping.suggestions import suggest
from catalog.tests.factories import ItemFactory, TermFactory

VEHICLE = TARGETS["vehicle"]
pytestmark = pytest.mark.django_db


def proposed(header, *rows, target=VEHICLE):
    """Return the mapping that is proposed, after a look that it can be used as it is."""
    mapping = suggest(header, [list(row) for row in rows], target).mapping
    assert check(mapping, header, target) == []
    return mapping


def headers(header, *rows, target=VEHICLE):
    """Return which header each column is taken from, for rules of one header."""
    return {
        name: rule["header"]
        for name, rule in proposed(header, *rows, target=target).items()
        if "header" in rule
    }


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param(
            ["Stock No.", "Title", "Manufacturer", "Year", "Chassis no.", "Asking price", "State", "Details", "Showroom"],
            ["reference", "name", "make", "production_years", "chassis_number", "price", "condition", "description", "location"],
            id="English",
        ),
        pytest.param(
            ["Lager-Nr.", "Bezeichnung", "Hersteller", "Baujahr", "Fahrgestellnummer", "Verkaufspreis", "Zustand",
             "Beschreibung", "Standort"],
            ["reference", "name", "make", "production_years", "chassis_number", "price", "condition", "description", "location"],
            id="German",
        ),
        pytest.param(
            ["Inventarnummer", "Titel", "Marke", "Modell", "Erstzulassung", "FIN", "Preis in Euro", "Waehrung", "Herkunft"],
            ["reference", "name", "make", "model", "production_years", "chassis_number", "price", "currency", "provenance"],
            id="German otherwise",
        ),
        pytest.param(
            ["N° de stock", "Désignation", "Marque", "Modèle", "Année", "Numéro de châssis", "Prix de vente", "Devise", "État"],
            ["reference", "name", "make", "model", "production_years", "chassis_number", "price", "currency", "condition"],
            id="French",
        ),
        pytest.param(
            ["Codice", "Titolo", "Costruttore", "Modello", "Anno di costruzione", "Telaio", "Prezzo", "Valuta", "Descrizione"],
            ["reference", "name", "make", "model", "production_years", "chassis_number", "price", "currency", "description"],
            id="Italian",
        ),
        pytest.param(
            ["Referencia", "Nombre", "Marca", "Modelo", "Año", "Número de bastidor", "Precio", "Moneda", "Ubicación"],
            ["reference", "name", "make", "model", "production_years", "chassis_number", "price", "currency", "location"],
            id="Spanish",
        ),
        pytest.param(
            ["Voorraadnummer", "Naam", "Merk", "Uitvoering", "Bouwjaar", "Chassisnummer", "Vraagprijs", "Omschrijving"],
            ["reference", "name", "make", "model", "production_years", "chassis_number", "price", "description"],
            id="Dutch",
        ),
        pytest.param(
            ["Referência", "Veículo", "Fabricante", "Ano", "Número do chassi", "Preço", "Descrição", "Localização"],
            ["reference", "name", "make", "production_years", "chassis_number", "price", "description", "location"],
            id="Portuguese",
        ),
        pytest.param(
            ["Numer katalogowy", "Nazwa", "Producent", "Rok produkcji", "Cena", "Opis"],
            ["reference", "name", "make", "production_years", "price", "description"],
            id="Polish",
        ),
        pytest.param(
            ["管理番号", "名称", "メーカー", "年式", "車台番号", "価格", "所在地"],
            ["reference", "name", "make", "production_years", "chassis_number", "price", "location"],
            id="Japanese",
        ),
    ],
)  # fmt: skip
def test_titles_in_many_languages(header, expected):
    assert headers(header) == dict(zip(expected, header, strict=True))


def test_titles_of_productions():
    found = headers(["Filmtitel", "Erscheinungsjahr", "Reihe", "Regie"], target=TARGETS["production"])

    assert found == {"title": "Filmtitel", "years": "Erscheinungsjahr", "franchise": "Reihe"}


def test_cells_tell_what_titles_do_not():
    TermFactory.create(vocabulary="genre", name="Spy", aliases=["Agent"])
    ItemFactory.create(make="Lada")

    found = proposed(
        ["a", "b", "c", "d", "e", "f", "g"],
        ["K1", "WBA3B1C50DK123456", "1.999,00 €", "1999", "Lada", "Agent/Spy", "A long text of a car. " * 6],
        ["K2", "WDB1400511A123456", "12.500,00 €", "2001-2003", "Lada", "spy", "Another long text. " * 6],
    )

    assert found == {
        "reference": {"header": "a"},
        "chassis_number": {"header": "b"},
        "price": {"header": "c", "decimal": ","},
        "currency": {"header": "c", "part": "currency"},
        "production_years": {"header": "d"},
        "make": {"header": "e"},
        "genres": {"header": "f", "separator": "/"},
        "description": {"header": "g"},
    }


def test_title_is_not_believed_where_the_cells_do_not_suit():
    rows = [["A1", "3"], ["A2", "1"], ["A3", "3"], ["A4", "3"]]

    found = headers(["Code", "State"], *rows)

    assert found == {"reference": "Code"}


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        (["1250000", "1,250,000.00", "POA"], {}),
        (["1.250.000,00 EUR", "POA"], {"decimal": ","}),
        (["12.500", "1.250"], {"decimal": ","}),
        (["€ 12,500", "£ 1,250.50"], {"decimal": "."}),
        (
            ["12 500 €", "auf Anfrage", "n/a"],
            {"decimal": ".", "values": {"auf Anfrage": "on request", "n/a": ""}},
        ),
        (["12500", "Prix sur demande"], {"values": {"Prix sur demande": "on request"}}),
    ],
)
def test_price_gets_the_conversion_that_its_cells_need(cells, rule):
    assert (
        proposed(["reference", "Preis"], *[["A", text] for text in cells])["price"]
        == {"header": "Preis"} | rule
    )


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        (["1964", "1964-1966", "1964|1966"], {}),
        (["03/1964", "12.05.1967", "1970"], {"date": "dmy"}),
        (["12/25/1967", "01/05/1970"], {"date": "mdy"}),
        (["1967-12-25T00:00:00", "1970-01-01"], {"date": "ymd"}),
        (["1964-66", "1970/71"], {"part": "year"}),
        (["1964", "NA", "?"], {"values": {"NA": "", "?": ""}}),
    ],
)
def test_years_get_the_conversion_that_their_cells_need(cells, rule):
    found = proposed(["reference", "Baujahr"], *[["A", text] for text in cells])

    assert found["production_years"] == {"header": "Baujahr"} | rule


@pytest.mark.parametrize(
    ("cells", "order", "is_confident"),
    [
        (["31.01.2026", "01.02.2026"], "dmy", True),
        (["01/31/2026", "02/01/2026"], "mdy", True),
        (["01/02/2026", "03/04/2026"], "dmy", False),
    ],
)
def test_dates_that_can_be_read_either_way_are_not_sure(cells, order, is_confident):
    suggestion = suggest(["reference", "Online seit"], [["A", text] for text in cells], VEHICLE)

    (found,) = suggestion.proposals
    assert (found.rule, found.is_confident) == ({"header": "Online seit", "date": order}, is_confident)


def test_reason_names_the_replacements():
    suggestion = suggest(["reference", "Baujahr"], [["A", text] for text in ["1964", "NA"]], VEHICLE)

    assert [proposal.reason for proposal in suggestion.proposals] == [
        "'Baujahr' is a usual name for it. 'NA' is left empty."
    ]


def test_choices_get_replacements_and_a_word_on_those_without():
    suggestion = suggest(
        ["reference", "Verfügbar", "Verkauft", "Zustand"],
        [["A", "ja", "nein", "sehr gut"], ["B", "nein", "ja", "Note 2-3"], ["C", "ja", "nein", "Good"]],
        VEHICLE,
    )

    found = {proposal.column: proposal for proposal in suggestion.proposals}
    availability, condition = found["availability"], found["condition"]
    assert availability.rule == {"header": "Verfügbar", "values": {"ja": "available"}}
    assert availability.reason.endswith("Nothing is known to stand for 'nein'; such rows are rejected.")
    assert condition.rule == {"header": "Zustand", "values": {"sehr gut": "very_good"}}


@pytest.mark.parametrize(
    ("header", "cells", "currency"),
    [
        ("Preis (EUR)", ["12.500,00"], {"constant": "EUR"}),
        ("Prix €", ["12500"], {"constant": "EUR"}),
        ("Price GBP", ["£12,500", "13,000"], {"header": "Price GBP", "part": "currency", "otherwise": "GBP"}),
        ("Price", ["$12,500"], {"header": "Price", "part": "currency"}),
        ("Price", ["12500"], None),
    ],
)
def test_currency_stands_beside_the_amount_or_in_the_title(header, cells, currency):
    found = proposed(["reference", header], *[["A", text] for text in cells])

    assert found.get("currency") == currency


def test_car_in_one_text_is_split():
    rows = [
        ["S1", "1964 Aston Martin DB5"],
        ["S2", "1981 DeLorean DMC-12"],
        ["S3", "1966-68 Ford GT40 Mk II"],
    ]

    found = proposed(["SKU", "Car"], *rows)

    assert found == {
        "reference": {"header": "SKU"},
        "name": {"header": "Car"},
        "production_years": {"header": "Car", "part": "year"},
        "make": {"header": "Car", "part": "make"},
        "model": {"header": "Car", "part": "model"},
    }


def test_own_name_with_foreign_cells_gets_a_conversion():
    found = proposed(["reference", "price", "name"], ["A", "1.250,00", "x"], ["B", "195.000,00", "y"])

    assert found == {"price": {"header": "price", "decimal": ","}}


def test_measures_become_specs_with_their_units():
    found = proposed(
        ["reference", "Leistung (PS)", "Kilometerstand", "km", "Hubraum", "Türen"],
        ["A", "286", "45.210 km", "45.210", "3996 ccm", ""],
    )

    assert found["specs"] == {
        "labels": {
            "Power": {"header": "Leistung (PS)", "unit": "PS"},
            "Mileage": "Kilometerstand",
            "km": {"header": "km", "unit": "km", "decimal": ","},
            "Displacement": "Hubraum",
        }
    }


@pytest.mark.parametrize(
    ("header", "cell", "rule"),
    [
        ("Technische Daten", "Motor: 4.0 l; Leistung: 282 PS", {"separator": ";"}),
        ("Technische Daten", "Motor: 4.0 l | Leistung: 282 PS", {}),
        ("Technische Daten", "Vierliter, 282 PS", None),
        ("Filmauftritte", "Goldfinger (1964), GoldenEye (1995): stunt", {"separator": ","}),
        ("Filmauftritte", "Goldfinger (1964)", {}),
        ("Filmauftritte", "Goldfinger", None),
    ],
)
def test_labels_and_films_in_one_text_are_taken_where_they_can_be_read(header, cell, rule):
    found = proposed(["reference", header], ["A", cell], ["B", cell])

    assert list(found.values()) == ([{"header": header} | rule] if rule is not None else [])


def test_numbers_of_other_catalogues_become_external_ids():
    found = proposed(
        ["title", "IMDb ID", "tmdb"], ["Goldfinger", "tt0058150", "658"], target=TARGETS["production"]
    )

    assert found == {"external_ids": {"labels": {"imdb": "IMDb ID", "tmdb": "tmdb"}}}


def test_column_and_header_are_matched_once():
    found = headers(["reference", "Preis", "Verkaufspreis", "Price"], ["A", "1", "2", "3"])

    assert found == {}
    assert suggest(["reference", "Preis", "VK"], [["A", "1", "2"]], VEHICLE).left == ("VK",)


def test_title_that_says_more_goes_first():
    header = ["ID", "Erstzulassung", "Bemerkung", "Lagernummer", "Baujahr", "Beschreibung"]

    found = headers(
        header, ["7", "03/1964", "x", "L-1", "1963", "y"], ["8", "04/1964", "x", "L-2", "1964", "y"]
    )

    assert found == {"reference": "Lagernummer", "production_years": "Baujahr", "description": "Beschreibung"}


def test_suggestion_is_the_same_each_time():
    header = ["Typ", "Type", "Art", "Klasse", "Category", "Jahr", "Baujahr", "Nummer", "ID", "x"]
    rows = [[str(place) for place in range(10)]] * 3

    assert len({repr(suggest(header, rows, VEHICLE)) for _ in range(5)}) == 1


@pytest.mark.parametrize(
    "sample",
    [
        [],
        [[]],
        [["x"]],
        [["x"] * 40],
        [[""] * 5],
        [["\0"] * 5],
        [["\ud800", "\U0001f697", "٣", "²", "1" * 5000]],
    ],
)
@pytest.mark.parametrize("target", sorted(TARGETS))
def test_suggestion_for_odd_cells_can_be_used(target, sample):
    header = ["Year", "Price", "", "Price", "Fahrgestellnummer"]

    suggestion = suggest(header, sample, TARGETS[target])

    assert check(suggestion.mapping, header, TARGETS[target]) == []
