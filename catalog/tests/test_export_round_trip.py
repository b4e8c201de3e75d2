"""Export, import, export: nothing is created, changed or written, and the second file is the first byte for byte."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

from catalog.exports import EXPORTS, file_of, prepare
from catalog.imports.engine import import_file
from catalog.imports.options import ImportOptions
from catalog.models import Appearance, Item, Production, Role, Term, Vocabulary
from catalog.tests.factories import AppearanceFactory, ItemFactory, ProductionFactory, TermFactory

pytestmark = pytest.mark.django_db

FORMATS = ["csv", "tsv", "xlsx", "ods"]
TEXTS = [
    "plain",
    "  blanks at both ends  ",
    "\u00a0\u2003wide blanks\u3000",
    "\n\nlines\nand\r\nmore\n",
    "ends in a tab\t",
    "a\ttab inside",
    "a lone\rreturn",
    "[clear]",
    "[Clear]",
    "[text]",
    '[text]"a text"',
    "[text]not JSON",
    '["a", "list"]',
    "#N/A",
    "#REF!",
    "on request",
    "POA",
    "NULL",
    "NA",
    "TRUE",
    "007",
    "1964.0",
    "1.250.000,00",
    "1e5",
    "12.9",
    "-5",
    "2026-01-31",
    "=1+1",
    "'=1+1",
    "''=1+1",
    "'quoted'",
    "'90s poster",
    '"=1+1"',
    "+44 20 7946 0000",
    "-2+3",
    "@SUM(1)",
    "\uff1d1+1",
    " =1+1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    ";=1+1",
    "=cmd|' /C calc'!A0",
    "_x0041_",
    "_x005F_x0041_",
    "\x01control\x1f",
    "\x1c\x1dseparators\x1e",
    "ends in substitute\x1a",
    "\x7f\x85\u2028\u2029",
    "\ufffe\uffff\ufeff",
    "<b>&amp;</b> & ]]>",
    "emoji \U0001f3ac\U0001f697",
    "e\u0301 decomposed \u212b",
    "a;b|c,d\te",
    "sep=;",
    "x" * 30_000,
    "\\N",
    "\\",
    "{}",
    '{"a": 1}',
]
WORDS = [
    [],
    ["Spy"],
    ["Spy", "Western"],
    ["SPY"],
    ["spy", "Spy"],
    ["Western", "Western"],
    ["bond"],
    ["Unknown word"],
    ["unknown WORD"],
    ["a|b", "c;d"],
    [" blanks "],
    ["[clear]"],
    ["=1+1"],
    ["'=1+1"],
    ["#N/A"],
    ["e\u0301"],
    ["x" * 300],
    ["-5"],
    ["[text]"],
    ["\x01"],
]
SPECS = [
    {},
    {"Engine": "4.0 l"},
    {"n": 1, "f": 1.5, "t": True, "z": None, "l": [1, [2, {"a": "b"}]], "": "", "é|:": " x "},
    {"_x0041_": "\x01\t\r\n"},
    {"=1+1": "=1+1"},
    {"large": 10**40},
    {"huge": 1e300, "tiny": -1e-300},
]
YEARS = [[], [1964], [1964, 1965], [1966, 1964], [1964, 1964], [1964, 1965, 1966]]


def exported(name: str, ending: str) -> bytes:
    rows = EXPORTS[name].model._base_manager.all()
    return b"".join(file_of(prepare(name, rows), ending))


def round_trip(tmp_path: Path, name: str, ending: str) -> tuple[tuple[int, int, int, int], bool]:
    """Return the import's (created, changed, unchanged, rejected), and whether the second export is the first."""
    path = tmp_path / f"{name}.{ending}"
    path.write_bytes(exported(name, ending))
    result = import_file(
        path=path, target="vehicle" if name == "item" else name, options=ImportOptions(terms="create")
    )
    assert [(issue.line, issue.column, issue.value, issue.message) for issue in result.issues] == []
    told = (result.created, result.changed, result.unchanged, result.rejected)
    return told, exported(name, ending) == path.read_bytes()


def written_rows(table: str) -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, xmin::text FROM {table} ORDER BY id")
        return list(cursor.fetchall())


@pytest.fixture
def vocabulary():
    TermFactory.create(vocabulary=Vocabulary.GENRE, name="Spy", slug="spy", aliases=["bond"])
    TermFactory.create(vocabulary=Vocabulary.GENRE, name="Western", slug="western")
    TermFactory.create(vocabulary=Vocabulary.MAKE, name="Aston Martin", slug="aston-martin", aliases=["AM"])


@pytest.mark.parametrize("ending", FORMATS)
def test_texts_come_back(tmp_path, ending):
    for number, text in enumerate(TEXTS):
        ItemFactory.create(
            reference=f"T-{number:03}", description=text, provenance=text[::-1], location=text[:200]
        )
    before = written_rows("catalog_item")

    done = round_trip(tmp_path, "vehicle", ending)

    assert (done, written_rows("catalog_item")) == (((0, 0, len(TEXTS), 0), True), before)


@pytest.mark.parametrize("ending", FORMATS)
def test_canonical_texts_come_back(tmp_path, ending):
    texts = [text for text in TEXTS if len(text) <= 60]
    for number, text in enumerate(texts):
        ItemFactory.create(
            reference=f"{text.strip() or 'blank'} {number}",
            slug=f"slug-{number}",
            name=f"{text} x",
            make=text,
            model=text,
            chassis_number=text,
        )
    before = written_rows("catalog_item")

    done = round_trip(tmp_path, "vehicle", ending)

    assert (done, written_rows("catalog_item")) == (((0, 0, len(texts), 0), True), before)


@pytest.mark.parametrize("ending", FORMATS)
def test_lists_of_words_come_back(tmp_path, vocabulary, ending):
    for words in WORDS:
        ItemFactory.create(genres=words, vehicle_types=words)
    before = written_rows("catalog_item")

    done = round_trip(tmp_path, "vehicle", ending)

    assert (done, written_rows("catalog_item")) == (((0, 0, len(WORDS), 0), True), before)
    assert Term.objects.count() == 3


@pytest.mark.parametrize("ending", FORMATS)
def test_makes_come_back(tmp_path, vocabulary, ending):
    for make in ("", "Aston Martin", "aston martin", "AM", "Aston-Martin", "Lotus", "lotus", "[clear]", "=1"):
        ItemFactory.create(make=make)
    before = written_rows("catalog_item")

    done = round_trip(tmp_path, "vehicle", ending)

    assert (done, written_rows("catalog_item")) == (((0, 0, 9, 0), True), before)


@pytest.mark.parametrize("ending", FORMATS)
def test_objects_years_and_times_come_back(tmp_path, ending):
    times = [
        None,
        datetime(2026, 1, 31, 18, 30, 0, 123456, UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
    ]
    prices = [None, Decimal("0.00"), Decimal("0.01"), Decimal("6400000.50"), Decimal("999999999999.99")]
    for number in range(60):
        ItemFactory.create(
            specs=SPECS[number % len(SPECS)],
            production_years=YEARS[number % len(YEARS)],
            published_at=times[number % len(times)],
            price=prices[number % len(prices)],
            currency="EUR" if number % 2 else "USD",
            status="published" if times[number % len(times)] else "archived",
            condition="good" if number % 3 else "",
            availability="not_for_sale",
        )
    before = written_rows("catalog_item")

    done = round_trip(tmp_path, "vehicle", ending)

    assert (done, written_rows("catalog_item")) == (((0, 0, 60, 0), True), before)


@pytest.mark.parametrize("ending", FORMATS)
def test_appearances_of_items_come_back(tmp_path, ending):
    car = ItemFactory.create()
    films = [
        ProductionFactory.create(title="Ronin", slug="ronin-1998", years=[1998]),
        ProductionFactory.create(title="Ronin", slug="ronin-again", years=[1998]),
        ProductionFactory.create(title="RONIN", slug="ronin-series", years=[1997, 1998]),
        ProductionFactory.create(title="Undated", slug="undated", years=[]),
        ProductionFactory.create(title="A|B", slug="a-b", years=[1964]),
        ProductionFactory.create(title="Odd (1970): hero", slug="odd", years=[1971]),
        ProductionFactory.create(title="Alien [3]", slug="alien-3", years=[1992]),
        ProductionFactory.create(title="Alien [4]", slug="alien-4", years=[]),
        ProductionFactory.create(title="=1+1", slug="one", years=[1990]),
        ProductionFactory.create(title="[clear]", slug="clear", years=[1991]),
        ProductionFactory.create(title="Tab\tand \x01 control", slug="control", years=[1992]),
        ProductionFactory.create(title="_x0041_", slug="excel", years=[1993]),
    ]
    for film in films:
        for role in (Role.HERO, Role.STUNT):
            AppearanceFactory.create(item=car, production=film, role=role, notes=" kept ")
        AppearanceFactory.create(item=ItemFactory.create(), production=film)
    before = written_rows("catalog_appearance")

    done = round_trip(tmp_path, "vehicle", ending)

    assert (done, written_rows("catalog_appearance")) == (((0, 0, 13, 0), True), before)
    assert Production.objects.count() == len(films)


@pytest.mark.parametrize("ending", FORMATS)
def test_productions_come_back(tmp_path, vocabulary, ending):
    texts = [text for text in TEXTS if len(text) <= 60 and text.strip()]
    for number, text in enumerate(texts):
        ProductionFactory.create(
            title=f"{text}", slug=f"slug-{number}", franchise=text, years=YEARS[number % len(YEARS)],
            genres=WORDS[number % len(WORDS)], external_ids=SPECS[number % len(SPECS)], kind="series" if number % 2 else "film",
        )  # fmt: skip
    before = written_rows("catalog_production")

    done = round_trip(tmp_path, "production", ending)

    assert (done, written_rows("catalog_production")) == (((0, 0, len(texts), 0), True), before)


@pytest.mark.parametrize("ending", FORMATS)
def test_terms_come_back(tmp_path, ending):
    names = [text for text in TEXTS if len(text) <= 60 and text.strip() and not {"|", ";"} & set(text)]
    for number, name in enumerate(names):
        TermFactory.create(
            vocabulary=Vocabulary.GENRE,
            name=f"{name} {number}",
            slug=f"g-{number}",
            aliases=WORDS[number % len(WORDS)],
        )
        TermFactory.create(vocabulary=Vocabulary.MAKE, name=f"{name} {number}", slug=f"m-{number}")
    before = written_rows("catalog_term")

    done = round_trip(tmp_path, "term", ending)

    assert (done, written_rows("catalog_term")) == (((0, 0, 2 * len(names), 0), True), before)


@pytest.mark.parametrize("ending", FORMATS)
def test_appearances_alone_come_back(tmp_path, ending):
    for number, text in enumerate(TEXTS):
        AppearanceFactory.create(
            item=ItemFactory.create(reference=f"{text[:40].strip()} {number}"),
            production=ProductionFactory.create(title=f"{text[:60]} film", years=YEARS[number % len(YEARS)]),
            role=Role.values[number % len(Role.values)],
            notes=text,
        )
    before = written_rows("catalog_appearance")

    done = round_trip(tmp_path, "appearance", ending)

    assert (done, written_rows("catalog_appearance")) == (((0, 0, len(TEXTS), 0), True), before)


def test_every_digit_of_a_number_comes_back(tmp_path):
    item = ItemFactory.create()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_item SET specs = %s WHERE id = %s",
            ['{"n": 0.123456789012345678901234567890, "zeros": 1.500}', item.pk],
        )
    before = written_rows("catalog_item")

    done = round_trip(tmp_path, "vehicle", "csv")

    assert (done, written_rows("catalog_item")) == (((0, 0, 1, 0), True), before)


def test_items_of_all_kinds_come_back(tmp_path):
    for kind in ("vehicle", "memorabilia", "tool"):
        ItemFactory.create(kind=kind)

    assert round_trip(tmp_path, "item", "csv") == ((0, 0, 3, 0), True)


def test_deleted_items_come_back_as_they_were(tmp_path, vocabulary):
    for number, text in enumerate(TEXTS):
        item = ItemFactory.create(
            reference=f"T-{number:03}", slug=f"t-{number}", name=f"{text[:60]} x", description=text, make=text[:50],
            genres=["Spy"], specs=SPECS[number % len(SPECS)], production_years=YEARS[number % len(YEARS)],
        )  # fmt: skip
        AppearanceFactory.create(item=item)
    path = tmp_path / "all.csv"
    path.write_bytes(exported("vehicle", "csv"))
    Appearance.objects.all().delete()
    Item.objects.all().delete()

    result = import_file(path=path, target="vehicle", options=ImportOptions())

    assert (result.created, result.rejected, result.issues[:3]) == (len(TEXTS), 0, ())
    assert exported("vehicle", "csv") == path.read_bytes()
