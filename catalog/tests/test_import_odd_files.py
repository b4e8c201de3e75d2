"""Spreadsheets and texts of other programs' test suites, where their folder lies beside the checkout."""

import zipfile
from pathlib import Path

import pytest
from django.db import connection, transaction

from catalog.imports.errors import ImportRefused
from catalog.imports.sources.readers import open_tables
from catalog.imports.sources.rows import MAX_COLUMNS
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


LONG = 1024 * 1024  # characters
# A megabyte in one cell: whatever it holds, as many words as it can or a single one.
LONG_CELLS = {
    "words": ("genres", "w;" * (LONG // 2), "A cell of genres holds at most 1,000 words."),
    "different words": (
        "genres",
        "|".join(f"w{number}" for number in range(LONG // 8)),
        "A cell of genres holds at most 1,000 words.",
    ),
    "a list in brackets": (
        "genres",
        "[" + ",".join(['"x"'] * (LONG // 4)) + "]",
        "A list in brackets is taken word for word, and 'x' is no genre.",
    ),
    "years": ("production_years", "1879|" * (LONG // 5), "Production years must lie between 1880 and 2100."),
    "labels": ("specs", "A: 1|" * (LONG // 5), "specs names a label twice."),
    "appearances": (
        "appearances",
        "X|" * (LONG // 2),
        "A cell of appearances holds at most 1,000.",
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", LONG_CELLS)
def test_cell_of_a_megabyte_is_judged_without_a_copy_for_each_of_its_words(tmp_path, name):
    column, cell, sentence = LONG_CELLS[name]
    path = table(tmp_path / "t.csv", f"reference,name,{column}", ["A-1", "Car", cell], ["A-2", "Car", ""])

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL temp_file_limit = '200MB'")  # such copies would take many gigabytes
        result = run(path)

    assert [(issue.line, issue.message) for issue in result.issues] == [(2, sentence)]
    assert list(Item.objects.values_list("reference", flat=True)) == ["A-2"]


def test_long_text_is_not_searched_for_titles_beyond_the_last_column(tmp_path):
    path = table(tmp_path / "t.csv", "reference,name", ["A-1", "w;" * LONG])
    asked = []

    def recognise(cells):
        asked.append(len(cells))
        return "name" in cells

    with open_tables(path, recognise=recognise) as tables:
        header = next(tables).header

    assert header == ["reference", "name"]
    assert max(asked) <= MAX_COLUMNS
