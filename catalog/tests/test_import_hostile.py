"""Harmful files: each ends in rows or in one sentence, in little memory and time, and reaches nobody."""

import gzip
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.imports.staging import CONTROL
from catalog.tests import hostile_files as made
from catalog.tests.imports import rows_of, table

ROOT = Path(__file__).resolve().parents[2]
MEGABYTES, CPU_SECONDS = 200, 5  # of reader and child together
PROBE = """
import json, resource, sys
from pathlib import Path
from catalog.imports.errors import ImportRefused
from catalog.imports.sources.readers import open_tables
sentence, rows, faults, notes = "", 0, [], []
try:
    with open_tables(Path(sys.argv[1])) as tables:
        for table in tables:
            notes += table.warnings
            for block in table.blocks:
                rows += len(block)
                faults += [row.fault for row in block if row.fault][:3]
except ImportRefused as error:
    sentence = str(error)
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
# ru_maxrss of this process begins with the memory of the one that it was forked from.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({
    "sentence": sentence, "rows": rows, "faults": faults, "notes": notes,
    "megabytes": (peak + used[1].ru_maxrss) // 1024,
    "seconds": round(sum(one.ru_utime + one.ru_stime for one in used), 1),
}))
"""
FAR = "has cells beyond column 2000; delete what lies right of the table."
BOMB = "unpacks to far more than its size, as harmful files do; save it as CSV."
ENTITIES = "declares XML entities, as harmful files do; save it anew in a spreadsheet program."
OLE = "is protected by a password or an old Excel file; save it as .xlsx."
MANY = "unpacks to more parts than a workbook has, as harmful files do; save it as CSV."
MACROS = "It holds macros; they were not run, its cells were read as they are."
LINKS = "It refers to other files; those were not opened, their last known values were read."
TWO = made.HEADER + f'<row r="2">{made.cell("A2", "&l9;")}</row>'


def probed(path):
    """Read the file in a process of its own; return what came of it."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(path)], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return json.loads(done.stdout)


def far(reference):
    line = reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ-")
    return made.with_rows(made.HEADER + f'<row r="{line}">{made.cell(reference, "x")}</row>')


@pytest.mark.parametrize(
    ("name", "make", "sentence"),
    [
        pytest.param("t.xlsx", far("XFD1048576"), FAR, id="far corner"),
        pytest.param("t.xlsx", far("A99999999"), "has cells beyond the last row of a sheet.", id="far row"),
        pytest.param("t.xlsx", made.large_part("xl/worksheets/sheet9.xml", 511), BOMB, id="511 MB sheet"),
        pytest.param("t.xlsx", made.large_part("xl/sharedStrings9.xml", 1024), BOMB, id="1 GB texts"),
        pytest.param("t.xlsx", made.with_rows(TWO, made.LAUGHS), ENTITIES, id="laughs in the sheet"),
        pytest.param("t.xlsx", made.with_parts({made.TEXTS: f"{made.LAUGHS}<sst><si><t>&l9;</t></si></sst>"}), ENTITIES, id="laughs in the texts"),
        pytest.param("t.xlsx", made.with_parts({made.CONTENTS: f"{made.LAUGHS}<workbook>&l9;</workbook>"}), ENTITIES, id="laughs in the contents"),
        pytest.param("t.ods", made.ods(made.ods_of(made.ODS_HEADER + made.ods_row(made.ods_cell("&l9;")), made.LAUGHS)), ENTITIES, id="laughs in ODS"),
        pytest.param("t.xlsx", made.many_sheets, "has more than 500 sheets; save the one to import as CSV.", id="100,000 sheets"),
        pytest.param("t.xlsx", made.many_entries, MANY, id="100,000 entries"),
        pytest.param("t.xlsx", made.lying_sizes, "is damaged or protected by a password (Bad CRC-32 for file 'xl/worksheets/sheet1.xml').", id="lying sizes"),
        pytest.param("t.xlsx", made.zip_in_zip, "is a ZIP archive, not a workbook.", id="zip in zip"),
        pytest.param("t.xlsx", made.written(made.OLE + b"EncryptedPackage" * 100), OLE, id="encrypted or .xls"),
        pytest.param("t.xlsx", made.packed_with_a_password, "is protected by a password; save it without one.", id="encrypted entries"),
        pytest.param("t.xlsx", made.with_rows(made.HEADER + '<row r="9e9"><c r="A9"><v>1</v></c></row>'), "has a row numbered '9e9' in a place where no sheet can; it is damaged.", id="row 9e9"),
        pytest.param("t.xlsx", made.with_rows(made.HEADER + f'<row r="2">{made.cell("A-1", "x")}</row>'), "has a cell 'A-1' in a place where no sheet can; it is damaged.", id="negative reference"),
        pytest.param("t.xlsx", made.written(b"%PDF-1.7 " + b"x" * 1000), "is a PDF document, not a workbook.", id="PDF"),
        pytest.param("t.xlsx", made.truncated, "is damaged or protected by a password (File is not a zip file).", id="truncated"),
        pytest.param("t.xlsx", made.utf16_sheet, None, id="far cell in UTF-16"),
        pytest.param("t.ods", made.ods(made.ods_of(made.ODS_HEADER + made.ods_row(made.ods_cell("x", ' table:number-columns-repeated="1000"'), ' table:number-rows-repeated="1000000"'))), "repeats more cells than an import may read; save it as CSV.", id="ODS repeats"),
        pytest.param("t.ods", made.ods(b"\x00" * 100, manifest="<manifest:encryption-data/>"), "is protected by a password; save it without one.", id="ODS encrypted"),
        pytest.param("t.csv", made.written(gzip.compress(b"reference,name\nA,a\n")), "is a compressed file, not a CSV file.", id="gzip"),
        pytest.param("t.csv", made.written(b"reference" + b"," * 1_000_000 + b"x\nA\n" + b"B\n" * 2000), "has 1,000,001 columns, an import reads at most 2,000; delete what lies right of the table.", id="a million columns"),
        pytest.param("t.csv", made.written(b",".join(b"c%d" % n for n in range(16_384)) + b"\nA\n"), "has 16,384 columns, an import reads at most 2,000; delete what lies right of the table.", id="16,384 columns"),
    ],
)  # fmt: skip
def test_harmful_file_is_refused(tmp_path, name, make, sentence):
    make(tmp_path / name)

    found = probed(tmp_path / name)

    if sentence:
        assert (found["sentence"], found["rows"]) == (f"{name} {sentence}", 0)
    else:
        assert found["faults"] == ["The row has 702 cells, the header has 2."]
    assert found["megabytes"] <= MEGABYTES
    assert found["seconds"] <= CPU_SECONDS


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b'reference,name\nA,"a\n' + b'B,b "" x\n' * 2_000_000, "Line 2 cannot be read as CSV (field larger than field limit (4194304)); is a quote left open?", id="open quote"),
        pytest.param(b"reference,name\nA,a\n" + b'"' * 30_000_001, "Line 3 of t.csv is longer than 8,388,608 characters; is a quote left open?", id="quotes in quotes"),
        pytest.param(b"reference,name\nA," + b"x" * 30_000_000, "Line 2 of t.csv is longer than 8,388,608 characters; is a quote left open?", id="endless line"),
    ],
)  # fmt: skip
def test_csv_bomb_is_refused(tmp_path, content, sentence):
    path = tmp_path / "t.csv"
    path.write_bytes(content)

    found = probed(path)

    assert found["sentence"] == sentence
    assert found["megabytes"] <= MEGABYTES
    assert found["seconds"] <= CPU_SECONDS


@pytest.mark.parametrize(
    ("make", "rows", "faults", "notes"),
    [
        pytest.param(far("ZZ200000"), 1, ["The row has 702 cells, the header has 2."], [], id="far cell"),
        pytest.param(made.with_rows(made.GOOD.replace('r="A2"', 's="0" r="A2"')), 1, [], [], id="attributes in another order"),
        pytest.param(made.with_parts({"xl/vbaProject.bin": b"x"}), 1, [], [MACROS], id="macros"),
        pytest.param(made.with_parts({"xl/externalLinks/externalLink1.xml": "<x/>"}), 1, [], [LINKS], id="links"),
        pytest.param(made.with_rows(made.HEADER + '<row r="2"><c r="A2" t="str"><f>cmd|\'/c calc\'!A0</f><v>A</v></c></row>'), 1, [], [], id="DDE"),
        pytest.param(made.with_rows(made.GOOD + "<a>" * 500_000 + "</a>" * 500_000), 1, [], [], id="deep nesting"),
    ],
)  # fmt: skip
def test_suspicious_workbook_is_read_and_nothing_in_it_runs(tmp_path, make, rows, faults, notes):
    make(tmp_path / "t.xlsm")

    found = probed(tmp_path / "t.xlsm")

    assert (found["sentence"], found["rows"], found["faults"], found["notes"]) == ("", rows, faults, notes)
    assert found["megabytes"] <= MEGABYTES
    assert found["seconds"] <= CPU_SECONDS


def test_external_entities_are_not_fetched(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        address = f"http://127.0.0.1:{canary.getsockname()[1]}/x"
        declared = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{address}"><!ENTITY % p SYSTEM "{address}"> %p;]>'
        rows = made.HEADER + f'<row r="2">{made.cell("A2", "&e;")}</row>'
        made.book(tmp_path / "sheet.xlsx", made.sheet_of(rows, declared))
        made.book(tmp_path / "texts.xlsx", parts={made.TEXTS: f"{declared}<sst><si><t>&e;</t></si></sst>"})
        made.ods(made.ods_of(made.ODS_HEADER + made.ods_row(made.ods_cell("&e;")), declared))(
            tmp_path / "t.ods"
        )

        sentences = [probed(path)["sentence"] for path in sorted(tmp_path.iterdir())]

        assert sentences == [f"{name} {ENTITIES}" for name in ("sheet.xlsx", "t.ods", "texts.xlsx")]
        with pytest.raises(BlockingIOError):
            canary.accept()


def test_cells_of_a_megabyte_are_read_in_little_memory(tmp_path):
    text = "x" * 1024 * 1024
    path = table(tmp_path / "t.csv", "reference,description", *([f"A{n}", text] for n in range(60)))

    found = probed(path)

    assert (found["sentence"], found["rows"]) == ("", 60)
    assert found["megabytes"] <= MEGABYTES


def test_row_with_nul_is_at_fault_alone(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"reference,name\nA,a\x00b\nB,b\n")

    assert rows_of(path)[1] == [(2, ["A", "a\0b"], ""), (3, ["B", "b"], "")]
    assert "NUL" in CONTROL


def test_reader_goes_on_after_a_harmful_file(tmp_path):
    far("XFD1048576")(tmp_path / "bad.xlsx")
    made.book(tmp_path / "good.xlsx")

    probed(tmp_path / "bad.xlsx")

    assert rows_of(tmp_path / "good.xlsx")[:2] == (["reference", "name"], [(2, ["A", "a"], "")])
