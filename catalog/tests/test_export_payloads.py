"""Texts that a spreadsheet program would run: in exports and in files of rejected rows they are only text, and come back."""

import csv
import io

import openpyxl
import pytest
import python_calamine

from catalog import writers
from catalog.exports import file_of, prepare
from catalog.imports.engine import import_file
from catalog.imports.options import ImportOptions
from catalog.imports.pages import rejected
from catalog.models import ImportRun, Item
from catalog.tests.factories import ItemFactory
from catalog.tests.test_writers import LIVE, PAYLOADS

pytestmark = pytest.mark.django_db
DELIMITERS = {"csv": ",", "tsv": "\t"}


def export(ending: str) -> bytes:
    return b"".join(file_of(prepare("vehicle", Item.objects.all()), ending))


def live_cells(content: bytes, ending: str) -> list[str]:
    """Return the cells that a program would run."""
    if ending in DELIMITERS:
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        found = [cell for row in csv.reader(text, delimiter=DELIMITERS[ending]) for cell in row]
        return [cell for cell in found if cell.lstrip().startswith(LIVE) or cell.startswith(LIVE)]
    if ending == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
        return [str(cell.value) for row in sheet for cell in row if cell.data_type == "f"]
    return ["formula"] if b"table:formula" in content else []


def rows_of(content: bytes, ending: str) -> list[list[str]]:
    if ending in DELIMITERS:
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        return list(csv.reader(text, delimiter=DELIMITERS[ending]))
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [[str(cell) for cell in row] for row in book.get_sheet_by_index(0).to_python()]


@pytest.mark.parametrize("ending", ["csv", "tsv", "xlsx", "ods"])
def test_exported_payloads_are_not_live_and_come_back(tmp_path, ending):
    for number, payload in enumerate(PAYLOADS):
        ItemFactory.create(
            reference=f"R-{number:02}", description=payload, location=payload, name=f"{payload} x", specs={payload: payload},
        )  # fmt: skip
    path = tmp_path / f"vehicles.{ending}"
    path.write_bytes(export(ending))

    result = import_file(path=path, target="vehicle", options=ImportOptions())

    assert live_cells(path.read_bytes(), ending) == []
    assert (result.created, result.changed, result.unchanged, result.rejected) == (0, 0, len(PAYLOADS), 0)
    assert export(ending) == path.read_bytes()


@pytest.mark.parametrize("ending", ["csv", "tsv", "xlsx", "ods"])
def test_rejected_payloads_are_not_live_and_land_once_mended(tmp_path, ending):
    for number, payload in enumerate(PAYLOADS):
        ItemFactory.create(reference=f"R-{number:02}", description=payload, price=number)
    bad = tmp_path / f"bad.{ending}"
    bad.write_bytes(_with_price(export(ending), ending, "-5"))
    Item.objects.all().delete()
    import_file(path=bad, target="vehicle", options=ImportOptions())

    file = rejected.rejected_file(ImportRun.objects.get())

    content = b"".join(file.chunks)
    assert live_cells(content, ending) == (["-5"] * len(PAYLOADS) if ending in DELIMITERS else [])
    mended = tmp_path / f"mended.{ending}"
    mended.write_bytes(_with_price(content, ending, "5"))
    result = import_file(path=mended, target="vehicle", options=ImportOptions())
    assert (result.created, result.rejected) == (len(PAYLOADS), 0)
    assert list(Item.objects.order_by("reference").values_list("description", flat=True)) == PAYLOADS


def _with_price(content: bytes, ending: str, price: str) -> bytes:
    """Return the file with this price in every row, as a person would have typed it."""
    header, *rows = rows_of(content, ending)
    place = header.index("price")
    changed = [[price if number == place else cell for number, cell in enumerate(row)] for row in rows]
    if ending in DELIMITERS:
        text = io.StringIO()
        csv.writer(text, delimiter=DELIMITERS[ending]).writerows([header, *changed])
        return text.getvalue().encode()
    writer = {"xlsx": writers.xlsx, "ods": writers.ods}[ending]
    return b"".join(writer.write([("Vehicles", header, changed)]))
