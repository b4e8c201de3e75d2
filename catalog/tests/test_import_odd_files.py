"""Spreadsheets and texts of other programs' test suites, where their folder lies beside the checkout."""

import zipfile
from pathlib import Path

import pytest

from catalog.imports.errors import ImportRefused
from catalog.imports.staging import CONTROL
from catalog.models import ImportRun, ImportState, Item
from catalog.tests.imports import rows_of, run, table

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
NAMES = ["reference", "name", "description", "price", "production_years", "genres", "specs", "published_at"]
SPREADSHEETS = sorted((SHARED / "spreadsheets").rglob("*.*")) if SHARED.exists() else []
TEXTS = sorted(SHARED.glob("*/*.csv")) + sorted(SHARED.glob("*/*.txt")) if SHARED.exists() else []


@pytest.mark.django_db
@pytest.mark.skipif(not SPREADSHEETS, reason="the folder of odd spreadsheets is not beside this checkout")
@pytest.mark.parametrize("path", [*SPREADSHEETS, *TEXTS], ids=lambda path: f"{path.parent.name}-{path.name}")
def test_odd_spreadsheet_ends_in_a_sentence(path):
    with pytest.raises(ImportRefused) as refusal:
        run(path)

    sentence = str(refusal.value)
    assert sentence.endswith((".", "?"))
    assert "\n" not in sentence
    assert set(ImportRun.objects.values_list("state", "message")) <= {(ImportState.FAILED, sentence)}


def cells_of(path):
    """Return the cells that fit under our header; none of a file that is refused as a whole."""
    try:
        header, rows, _ = rows_of(path)
    except ImportRefused:
        return []
    width = min(len(header), len(NAMES))
    return [cells[:width] for _, cells, _ in rows if any(cells[:width])]


@pytest.mark.django_db
@pytest.mark.skipif(not SPREADSHEETS, reason="the folder of odd spreadsheets is not beside this checkout")
def test_odd_spreadsheets_under_our_header_end_in_rows(tmp_path):
    tables = [cells for path in SPREADSHEETS if (cells := cells_of(path))]

    results = [run(table(tmp_path / "t.csv", ",".join(NAMES[: len(cells[0])]), *cells)) for cells in tables]

    assert len(results) > len(SPREADSHEETS) / 2
    assert all(
        result.created + result.changed + result.unchanged + result.rejected == result.rows
        for result in results
    )


@pytest.mark.django_db
def test_cells_hold_whatever_text_there_is(tmp_path):
    path = SHARED / "strings" / "blns.txt"
    if not path.exists():
        pytest.skip("the folder of odd strings is not beside this checkout")
    texts = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    rows = [[f"R-{n}", "Car", text] for n, text in enumerate(texts)]

    result = run(table(tmp_path / "t.csv", "reference,name,description", *rows))

    stored = dict(Item.objects.values_list("reference", "description"))
    odd = [text for n, text in enumerate(texts) if f"R-{n}" in stored and stored[f"R-{n}"] != text.strip()]
    assert result.created + result.rejected == len(texts)
    assert {issue.message for issue in result.issues} <= {CONTROL}
    assert odd == []


def test_table_of_many_columns_is_read_to_its_end(tmp_path):
    packed = SHARED / "cars" / "epa_2022-11" / "vehicles.csv.zip"
    if not packed.exists():
        pytest.skip("the table of cars is not beside this checkout")
    with zipfile.ZipFile(packed) as archive:
        path = Path(archive.extract("vehicles.csv", tmp_path))

    header, rows, warnings = rows_of(path)

    assert (len(header), len(rows), warnings) == (83, 45_777, [])
    assert not any(fault for _, _, fault in rows)
