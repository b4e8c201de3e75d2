"""Cells of workbooks: the right value lands, or a fault names row and column; nothing changes silently.

Each case is read twice: by calamine, and as the stream that takes over where calamine would hide something.
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from catalog.imports.sources.workbook_cells import UNCALCULATED
from catalog.models import Item
from catalog.tests.hostile_files import HEADER, book, cell, sheet_of
from catalog.tests.imports import faults, rows_of, run

pytestmark = pytest.mark.django_db
JANUARY = datetime(2026, 1, 31, tzinfo=UTC)
STREAMED = 1234567890123456  # digits that calamine would change: the sheet is streamed


def workbook(path, title, value, number_format="General", *, streamed=False, epoch=None):
    """Write a workbook of one item with this cell; `number_format` is how a person sees it."""
    made = openpyxl.Workbook()
    if epoch:
        made.epoch = epoch
    made.active.append(["reference", "name", title, "ignored"])
    made.active.append(["A", "a", value, STREAMED if streamed else None])
    if number_format != "General":
        made.active["C2"].number_format = number_format
    made.save(path)
    return path


CASES = [
    pytest.param("production_years", 1964, "General", [1964], id="whole number"),
    pytest.param("production_years", 1964.0, "0.00", [1964], id="whole float"),
    pytest.param("production_years", "1964", "@", [1964], id="number as text"),
    pytest.param("production_years", 12.9, "0", None, id="fraction where a year is wanted"),
    pytest.param("price", 1250000.5, '#,##0.00 "EUR"', Decimal("1250000.50"), id="currency format"),
    pytest.param("price", 0.1 + 0.2, "General", Decimal("0.30"), id="error of a float"),
    pytest.param("price", 12.345, "0.00", None, id="more decimals than shown"),
    pytest.param("price", "1.250.000,00 EUR", "@", None, id="price as text"),
    pytest.param("price", date(2026, 1, 31), "yyyy-mm-dd", None, id="date for a price"),
    pytest.param("description", 0.125, "0%", "0.125", id="percent format"),
    pytest.param("description", True, "General", "true", id="boolean"),
    pytest.param("description", 1e20, "General", "100000000000000000000", id="large float"),
    pytest.param("description", 1.5e-7, "General", "0.00000015", id="small float"),
    pytest.param("description", timedelta(hours=36, minutes=5), "[h]:mm", "36:05:00", id="duration"),
    pytest.param("description", time(9, 5), "h:mm", "09:05:00", id="time of day"),
    pytest.param("description", 45000, '0.0" days"', "45000", id="unit in the format"),
    pytest.param("description", "  two\nlines 🚗 ", "@", "two\nlines 🚗", id="line break and emoji"),
    pytest.param("description", "_x005F_x0041_", "@", "_x0041_", id="text that looks escaped"),
    pytest.param("description", "=1+1", "@", "=1+1", id="text that looks like a formula"),
    pytest.param("chassis_number", 7, "00000", "00007", id="zeros of the format"),
    pytest.param("chassis_number", "007", "@", "007", id="zeros of a text"),
    pytest.param("published_at", date(2026, 1, 31), "dd/mm/yyyy", JANUARY, id="date"),
    pytest.param("published_at", datetime.fromisoformat("2026-01-31T18:30"), "yyyy-mm-dd hh:mm", datetime(2026, 1, 31, 18, 30, tzinfo=UTC), id="date and time"),
    pytest.param("published_at", 61, "yyyy-mm-dd", datetime(1900, 3, 1, tzinfo=UTC), id="1 March 1900"),
    pytest.param("published_at", 60, "yyyy-mm-dd", None, id="29 February 1900"),
    pytest.param("published_at", -5, "yyyy-mm-dd", None, id="date below zero"),
    pytest.param("published_at", 45000, "General", None, id="serial number without a format"),
    pytest.param("published_at", "31/01/2026", "@", None, id="date as text"),
    pytest.param("name", "#N/A", "General", None, id="error"),
    pytest.param("description", "=A2", "General", None, id="formula without a value"),
]  # fmt: skip


def as_text(path):
    """Mark the third cell, a text that openpyxl takes for a formula, as the text it is."""
    made = openpyxl.load_workbook(path)
    made.active["C2"].data_type = "s"
    made.save(path)


@pytest.mark.parametrize("streamed", [False, True], ids=["calamine", "stream"])
@pytest.mark.parametrize(("title", "value", "number_format", "landed"), CASES)
def test_workbook_cell_lands_right_or_names_its_fault(  # noqa: PLR0917  (a truth table)
    tmp_path, title, value, number_format, landed, streamed
):
    path = tmp_path / "t.xlsx"
    if title == "name":
        book(path, sheet_of(f'{HEADER}<row r="2">{cell("A2", "A")}<c r="B2" t="e"><v>{value}</v></c></row>'))
    else:
        workbook(path, title, value, number_format, streamed=streamed)
    if (value, number_format) == ("=1+1", "@"):
        as_text(path)

    result = run(path)

    if landed is None:
        assert [fault[:2] for fault in faults(result)] == [(2, title)]
        assert not Item.objects.exists()
    else:
        assert faults(result) == []
        assert Item.objects.values_list(title, flat=True).get() == landed


@pytest.mark.parametrize("streamed", [False, True], ids=["calamine", "stream"])
def test_workbook_that_counts_from_1904_has_the_same_dates(tmp_path, streamed):
    path = workbook(
        tmp_path / "t.xlsx",
        "published_at",
        date(2026, 1, 31),
        "dd/mm/yy",
        streamed=streamed,
        epoch=CALENDAR_MAC_1904,
    )

    run(path)

    assert Item.objects.get().published_at == JANUARY


def rows_in(tmp_path, xml):
    return rows_of(book(tmp_path / "t.xlsx", sheet_of(HEADER + xml)))[1]


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        pytest.param("<f>1+1</f><v>2</v>", "2", id="value"),
        pytest.param("<v>1234567890123456789</v>", "1234567890123456789", id="nineteen digits"),
        pytest.param(
            "<v>1.2345678901234501E+18</v>", "1234567890123450000", id="nineteen digits as Excel writes them"
        ),
        pytest.param("<f>1+1</f>", UNCALCULATED, id="none"),
        pytest.param("<f>1+1</f><v/>", UNCALCULATED, id="empty"),
        pytest.param("<f>1+1</f><v></v>", UNCALCULATED, id="blank"),
        pytest.param('<f t="shared" si="0"/>', UNCALCULATED, id="shared"),
        pytest.param("<f>1+1</f>\n <v> </v>", UNCALCULATED, id="indented"),
    ],
)
def test_number_is_as_the_file_has_it_and_a_formula_its_last_value(tmp_path, xml, text):
    assert rows_in(tmp_path, f'<row r="2"><c r="B2">{xml}</c></row>') == [(2, ["", text], "")]


def test_formula_of_an_empty_text_is_blank(tmp_path):
    xml = f'<row r="2">{cell("A2", "A")}<c r="B2" t="str"><f>""</f><v></v></c></row>'

    assert rows_in(tmp_path, xml) == [(2, ["A", ""], "")]


@pytest.mark.parametrize("error", ["#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"])
def test_error_cell_is_read_as_its_error(tmp_path, error):
    assert rows_in(tmp_path, f'<row r="2"><c r="A2" t="e"><v>{error}</v></c></row>') == [(2, [error, ""], "")]


def test_cells_and_rows_without_numbers_follow_each_other(tmp_path):
    xml = '<row><c t="inlineStr"><is><t>A</t></is></c><c><v>5</v></c></row><row/><row><c><v>6</v></c></row>'

    assert rows_in(tmp_path, xml) == [(2, ["A", "5"], ""), (4, ["6", ""], "")]


def test_rich_and_phonetic_texts_are_read_as_seen(tmp_path):
    rich = '<r><t>As</t></r><r><rPr><b/></rPr><t>ton</t></r><rPh sb="0" eb="1"><t>kana</t></rPh>'
    xml = f'<row r="2"><c s="0" r="A2" t="inlineStr"><is>{rich}</is></c><c r="B2" t="inlineStr"><is><t>b_x000D_c</t></is></c></row>'

    assert rows_in(tmp_path, xml) == [(2, ["Aston", "b\rc"], "")]


def test_merged_cells_hold_their_value_once(tmp_path):
    path = workbook(tmp_path / "t.xlsx", "make", "BMW")
    made = openpyxl.load_workbook(path)
    made.active.append(["B", "b", None])
    made.active.merge_cells("C2:C3")
    made.save(path)

    assert [row[1][:3] for row in rows_of(path)[1]] == [["A", "a", "BMW"], ["B", "b", ""]]


def test_hidden_rows_and_columns_are_read(tmp_path):
    path = workbook(tmp_path / "t.xlsx", "make", "BMW")
    made = openpyxl.load_workbook(path)
    made.active.row_dimensions[2].hidden = True
    made.active.column_dimensions["C"].hidden = True
    made.save(path)

    assert rows_of(path)[1] == [(2, ["A", "a", "BMW", ""], "")]
