"""Encodings, dialects and habits of other countries: the right value lands, or a fault names row and column.

Nothing may change silently. Each case is a file of one item (or more), and what must have become of it.
"""

import codecs
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from catalog.models import Item
from catalog.tests.imports import faults, run

pytestmark = pytest.mark.django_db
TEXT = "reference,name,make\nA,Café racer,Citroën\n"
LANDED = {"name": "Café racer", "make": "Citroën"}


def lands(case, content, **fields):
    """A case whose first item gets these values."""
    return pytest.param(content, fields, [], id=case)


def fails(name, content, *places):
    """A case that ends in faults at these (line, column)s, and in no item."""
    return pytest.param(content, None, list(places), id=name)


def priced(text):
    return f'reference,name,price\nA,a,"{text}"\n'


def dated(text):
    return f'reference,name,published_at\nA,a,"{text}"\n'


def years(text):
    return f'reference,name,production_years\nA,a,"{text}"\n'


def named(text):
    return f'reference,name,description\nA,a,"{text}"\n'


ENCODINGS = [
    lands("utf-8", TEXT, **LANDED),
    lands("utf-8 with a mark", codecs.BOM_UTF8 + TEXT.encode(), **LANDED),
    lands("utf-16 with a mark", TEXT.encode("utf-16"), **LANDED),
    lands("utf-16-be with a mark", codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), **LANDED),
    lands("utf-16-le without a mark", TEXT.encode("utf-16-le"), **LANDED),
    lands("utf-16-be without a mark", TEXT.encode("utf-16-be"), **LANDED),
    lands("utf-32 with a mark", TEXT.encode("utf-32"), **LANDED),
    lands("utf-32-le without a mark", TEXT.encode("utf-32-le"), **LANDED),
    lands("utf-32-be without a mark", TEXT.encode("utf-32-be"), **LANDED),
    lands("windows-1252", TEXT.encode("cp1252"), **LANDED),
    lands("latin-1", TEXT.encode("latin-1"), **LANDED),
    lands("windows-1252 with a euro", named("€ “quotes” … dots").encode("cp1252"), description="€ “quotes” … dots"),
    lands("utf-16 as Excel's Unicode text", codecs.BOM_UTF16_LE + TEXT.replace(",", "\t").encode("utf-16-le"), **LANDED),
    lands("emoji", named("Käfer 🚗👨‍👩‍👧"), description="Käfer 🚗👨‍👩‍👧"),
    lands("letters with accents apart", unicodedata.normalize("NFD", TEXT), name="Café racer", make="Citroën"),
    lands("from right to left", named("سيارة"), description="سيارة"),
    lands("direction marks", named("\u200fabc\u200e"), description="\u200fabc\u200e"),
    lands("joiners of no width", named("a\u200db"), description="a\u200db"),
    lands("mark in the middle", named("a\ufeffb"), description="a\ufeffb"),
    lands("beyond the first plane", named("𝔄𠮷"), description="𝔄𠮷"),
    lands("CJK", named("アストンマーティン"), description="アストンマーティン"),
    lands("blanks that do not break", named("1\u00a0000\u00a0km"), description="1\u00a0000\u00a0km"),
]  # fmt: skip
DIALECTS = [
    lands("semicolons", TEXT.replace(",", ";"), **LANDED),
    lands("tabs", TEXT.replace(",", "\t"), **LANDED),
    lands("bars", TEXT.replace(",", "|"), **LANDED),
    lands("declared delimiter", "sep=;\n" + TEXT.replace(",", ";"), **LANDED),
    lands("lines of Windows", TEXT.replace("\n", "\r\n"), **LANDED),
    lands("lines of an old Mac", TEXT.replace("\n", "\r"), **LANDED),
    lands("no line end at the end", TEXT.rstrip(), **LANDED),
    lands("blank lines", "\n\n" + TEXT.replace("\n", "\n\n\n") + "\n\n", **LANDED),
    lands("delimiters at the line's end", TEXT.replace("\n", ",,,\n"), **LANDED),
    lands("short row", "reference,name,make,model\nA,a\n", name="a", model=""),
    fails("long row", "reference,name\nA,a,b\n", (2, "")),
    lands("line breaks in a cell", named("one\ntwo\r\nthree"), description="one\ntwo\r\nthree"),
    lands("quotes in a cell", named('12"" wheels'), description='12" wheels'),
    lands("quote in the middle", 'reference,name\nA,12" wheels\n', name='12" wheels'),
    lands("delimiters in a cell", named("a,b;c|d\te"), description="a,b;c|d\te"),
    lands("commas in cells between semicolons", "reference;name;price\nA;a, b;12.50\n", name="a, b", price=Decimal("12.50")),
    fails("quotes not doubled", 'reference,name\nA,"the "big" one"\n', (2, "")),
    fails("text behind a quote", 'reference,name\nA,"Baby" Lotus\n', (2, "")),
    fails("quotes with backslashes", 'reference,name\nA,"the \\"big\\" one"\n', (2, "")),
    lands("blanks before quotes", '"reference", "name", "description"\n"A", "a, b", "c"\n', name="a, b", description="c"),
    lands("columns in another order", "make,name,reference\nCitroën,Café racer,A\n", **LANDED),
    lands("headers in capitals with blanks", "REFERENCE , Name ,MAKE\nA,Café racer,Citroën\n", **LANDED),
    lands("blank header", "reference,,name\nA,x,a\n", name="a"),
    lands("unknown header twice", "reference,name,x,x\nA,a,1,2\n", name="a"),
    lands("title above the header", "Stock list 2026,,\n\n" + TEXT, **LANDED),
    lands("semicolons below a title with commas", "Stock, new and used, March, 2026\n" + TEXT.replace(",", ";"), **LANDED),
    fails("NUL", "reference,name\nA,a\0b\n", (2, "")),
    fails("error of a spreadsheet", "reference,name\nA,#N/A\n", (2, "name")),
]  # fmt: skip
VALUES = [
    lands("leading zeros", "reference,name,chassis_number\n007,a,00123\n", reference="007", chassis_number="00123"),
    lands("digits without end", named("12345678901234567890123"), description="12345678901234567890123"),
    lands("scientific text", named("1E5"), description="1E5"),
    fails("scientific price", priced("1E5"), (2, "price")),
    lands("plain price", priced("1250000.50"), price=Decimal("1250000.50")),
    lands("price with commas", priced("1,250,000.00"), price=Decimal("1250000.00")),
    fails("price with a decimal comma", priced("1250000,50"), (2, "price")),
    fails("price with points", priced("1.250.000,00"), (2, "price")),
    fails("price with three decimals", priced("1.234"), (2, "price")),
    fails("price with a currency", priced("1.250.000,00 EUR"), (2, "price")),
    fails("price with blanks that do not break", priced("1\u00a0250\u00a0000"), (2, "price")),
    fails("price in Arabic digits", priced("١٢٣٤"), (2, "price")),
    fails("price that is no number", priced("NaN"), (2, "price")),
    fails("endless price", priced("Infinity"), (2, "price")),
    fails("negative price", priced("-5"), (2, "price")),
    lands("price on request", priced("POA"), price=None),
    fails("year with a fraction", years("12.9"), (2, "production_years")),
    fails("year of two digits", years("64"), (2, "production_years")),
    lands("years", years("1964-1966"), production_years=[1964, 1965, 1966]),
    lands("ISO date", dated("2026-01-31"), published_at=datetime(2026, 1, 31, tzinfo=UTC)),
    fails("day before month", dated("31/01/2026"), (2, "published_at")),
    fails("day or month", dated("01/02/2026"), (2, "published_at")),
    fails("29 February of no leap year", dated("2026-02-29"), (2, "published_at")),
    fails("29 February 1900", dated("1900-02-29"), (2, "published_at")),
    fails("serial number for a date", dated("45000"), (2, "published_at")),
    fails("unknown word for a choice", "reference,name,condition\nA,a,yes\n", (2, "condition")),
    lands("formula as text", named("=1+1"), description="=1+1"),
    lands("minus before text", named("-5 degrees"), description="-5 degrees"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "fields", "places"), [*ENCODINGS, *DIALECTS, *VALUES])
def test_text_file_lands_right_or_names_its_fault(tmp_path, content, fields, places):
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    result = run(path)

    assert [place[:2] for place in faults(result)] == places
    if fields:
        assert Item.objects.values(*fields).get() == fields
    else:
        assert not Item.objects.exists()
