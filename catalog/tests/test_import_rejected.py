"""The rejected rows as a file: as they were brought, with what is wrong; mended, they land."""

import csv
import io
from pathlib import Path

import openpyxl
import psutil
import pytest
import python_calamine

from catalog.imports.engine import import_file
from catalog.imports.errors import ImportRefused
from catalog.imports.judging import judge
from catalog.imports.life import files
from catalog.imports.options import ImportOptions
from catalog.imports.pages.rejected import RunFile, rejected_file
from catalog.imports.reading import stage_file
from catalog.imports.staging import drop
from catalog.models import ImportOrigin, ImportRun, ImportState, Item
from catalog.tests.imports import rows_of, table, workbook
from catalog.writers import csv as csv_writer
from catalog.writers import ods, xlsx

pytestmark = pytest.mark.django_db

NO_NAME = "name: An item needs a name."
BEYOND = "The row has 5 cells, the header has 3."
WRITERS = {
    ".csv": csv_writer.write,
    ".xlsx": lambda header, rows: xlsx.write([("Cars", header, rows)]),
    ".ods": lambda header, rows: ods.write([("Cars", header, rows)]),
}


def judged(path: Path, target="vehicle", mapping=None) -> ImportRun:
    """Return a run of this file that waits for confirmation."""
    run = ImportRun.objects.create(
        target=target, origin=ImportOrigin.COMMAND, file_name=path.name, state=ImportState.READY
    )
    files.keep_path(run, path)
    run.save()
    if mapping:
        run.sheets.create(position=0, target=target, mapping=mapping)
    stage_file(run, path)
    judge(run)
    return run


def saved(file: RunFile, folder: Path) -> Path:
    path = folder / file.name
    path.write_bytes(b"".join(file.chunks))
    file.chunks.close()
    return path


def rejected(path: Path, target="vehicle", mapping=None) -> Path:
    """Return the file of the rejected rows."""
    return saved(rejected_file(judged(path, target, mapping)), path.parent)


def lines(path: Path, delimiter=",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8-sig")), delimiter=delimiter))


def test_rejected_rows_keep_the_layout_of_the_file(tmp_path):
    path = table(
        tmp_path / "Stock May.csv",
        "Colour,Name,REFERENCE,Price",
        ["red", "Car", "A-1", "5"],
        ["blue", "", "A-2", " 1'0 "],
        ["=1+1", "x\ny", "", "-1"],
    )

    found = rejected(path)

    assert found.name == "Stock May-rejected.csv"
    header, second, third = lines(found)
    assert header == ["Colour", "Name", "REFERENCE", "Price", "error"]
    assert second[:4] == ["blue", "", "A-2", " 1'0 "]
    assert second[4].startswith(f"{NO_NAME} price: A price must be a plain number")
    assert third[:4] == ["'=1+1", "x\ny", "", "-1"]


def test_mended_file_lands(tmp_path):
    path = table(
        tmp_path / "t.csv",
        "reference,name,price,colour",
        ["A-1", "One", "1", "red"],
        ["A-2", "", "2", "=blue"],
    )
    found = rejected(path)
    found.write_text(found.read_text("utf-8-sig").replace("A-2,,", "A-2,Two,"), "utf-8")

    result = import_file(path=found, target="vehicle", options=ImportOptions())

    assert (result.created, result.rejected) == (1, 0)
    assert not [warning for warning in result.warnings if "error" in warning]
    assert Item.objects.get(reference="A-2").name == "Two"


def test_file_rejected_again_has_one_column_of_errors(tmp_path):
    path = table(tmp_path / "t.csv", "reference,name,error", ["A-1", "", "old sentence"])

    assert lines(rejected(path)) == [["reference", "name", "error"], ["A-1", "", NO_NAME]]


@pytest.mark.parametrize(("suffix", "delimiter"), [(".csv", ";"), (".tsv", "\t"), (".txt", "|")])
def test_rejected_rows_keep_the_delimiter(tmp_path, suffix, delimiter):
    path = tmp_path / f"t{suffix}"
    path.write_text(
        delimiter.join(["reference", "name", "price"]) + "\n" + delimiter.join(["A-1", "", "5,5"])
    )

    found = rejected(path)

    assert found.suffix == suffix
    assert lines(found, delimiter)[1][:3] == ["A-1", "", "5,5"]


def test_title_above_the_header_does_not_shift_the_rows(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Stock list of May\n\nreference,name\nA-1,One\n\nA-2,\n")

    assert lines(rejected(path)) == [["reference", "name", "error"], ["A-2", "", NO_NAME]]


def test_rejected_rows_of_a_workbook_are_a_workbook(tmp_path):
    path = workbook(tmp_path / "t.xlsx", ["reference", "name", "price"], ["A-1", "One", 5], ["A-2", None, 6])

    found = rejected(path)

    assert found.name == "t-rejected.xlsx"
    rows = list(openpyxl.load_workbook(found).active.iter_rows(values_only=True))
    assert rows == [("reference", "name", "price", "error"), ("A-2", None, "6", NO_NAME)]


def test_rejected_rows_of_several_sheets_are_one_workbook(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Tools"
    for row in (["reference", "name"], ["T-1", "One"], ["T-2", None]):
        book.active.append(row)
    for name, cells in {"Vehicles": ["V-1", None], "Memorabilia": ["M-1", "Poster"]}.items():
        sheet = book.create_sheet(name)
        sheet.append(["reference", "name"])
        sheet.append(cells)
    book.save(tmp_path / "t.xlsx")

    found = openpyxl.load_workbook(rejected(tmp_path / "t.xlsx", "workbook"))

    assert {sheet.title: list(sheet.iter_rows(values_only=True))[1:] for sheet in found} == {
        "Vehicles": [("V-1", None, NO_NAME)],
        "Tools": [("T-2", None, NO_NAME)],
    }
    assert not [
        child for child in psutil.Process().children() if "workbook_child" in " ".join(child.cmdline())
    ]


def test_rejected_rows_of_an_ods_file_are_one(tmp_path):
    path = tmp_path / "t.ods"
    path.write_bytes(b"".join(ods.write([("Cars", ["reference", "name"], [["A-1", "One"], ["A-2", ""]])])))

    found = rejected(path)

    assert found.name == "t-rejected.ods"
    assert python_calamine.CalamineWorkbook.from_path(found).get_sheet_by_name("Cars").to_python() == [
        ["reference", "name", "error"],
        ["A-2", "", NO_NAME],
    ]


def test_errors_call_mapped_columns_as_the_file_does(tmp_path):
    path = table(tmp_path / "t.csv", "Lager,Titel", ["A-1", ""])

    found = rejected(path, mapping={"reference": {"header": "Lager"}, "name": {"header": "Titel"}})

    assert lines(found) == [["Lager", "Titel", "error"], ["A-1", "", "Titel: An item needs a name."]]


def test_many_rejected_rows_come_in_the_files_order(tmp_path):
    cells = ([f"A-{number}", "" if number % 3 else "x"] for number in range(7000))

    found = lines(rejected(table(tmp_path / "t.csv", "reference,name", *cells)))

    assert [row[0] for row in found[1:]] == [f"A-{number}" for number in range(7000) if number % 3]
    assert {row[2] for row in found[1:]} == {NO_NAME}


def test_rows_that_a_person_left_out_are_not_in_it(tmp_path):
    run = judged(table(tmp_path / "t.csv", "reference,name", ["A-1", ""], ["A-2", ""]))
    run.sheets.update(left_out_lines=[2])
    judge(run)

    assert lines(saved(rejected_file(run), tmp_path)) == [
        ["reference", "name", "error"],
        ["A-2", "", NO_NAME],
    ]


def refused(run: ImportRun) -> str:
    with pytest.raises(ImportRefused) as error:
        rejected_file(run)
    return str(error.value)


def test_run_without_rejected_rows_has_no_such_file(tmp_path):
    run = judged(table(tmp_path / "t.csv", "reference,name", ["A-1", "One"]))

    assert refused(run) == "No row of this import was rejected."


def test_rejected_rows_of_a_pruned_run_are_refused(tmp_path):
    run = judged(table(tmp_path / "t.csv", "reference,name", ["A-1", ""]))
    drop(run)

    assert (
        refused(run)
        == "The rejected rows of this import are not kept any more; bring the file again to see them."
    )


def test_rejected_rows_of_a_file_that_the_bucket_has_lost_are_refused(tmp_path):
    run = judged(table(tmp_path / "t.csv", "reference,name", ["A-1", ""]))
    files.forget(run.file_key)

    assert refused(run) == "The bucket has lost the file t.csv; bring it again."


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx", "t.ods"])
def test_cells_beyond_the_header_stand_behind_the_error(tmp_path, name):
    rows = [["A-1", "Ford", "red", "fast"]]
    path = tmp_path / name
    path.write_bytes(b"".join(WRITERS[path.suffix](["reference", "name"], rows)))

    again = rejected(path)

    assert rows_of(again)[1] == [
        (2, ["A-1", "Ford", "The row has 4 cells, the header has 2.", "red", "fast"], BEYOND)
    ]
    assert rows_of(rejected(again))[1] == [(2, ["A-1", "Ford", BEYOND, "red", "fast"], BEYOND)]
