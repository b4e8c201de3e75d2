"""The workbook that staff fill in: a sheet for each table, with the headers that import reads and drop-downs.

Made by openpyxl, since it is small. The lists of the drop-downs stand on a hidden sheet, which imports pass over.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import Any, cast

from django.db import models
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from catalog.imports.columns import TARGETS, WORKBOOK_SHEETS, Column, Reading, Target
from catalog.models import Term
from catalog.writers.xml import FORBIDDEN, width

LISTS, GUIDE = "Lists", "Instructions"
ROWS = 1_000  # that have drop-downs; more rows may be filled in without
LONGEST_LIST = 2_000  # words of a vocabulary that a drop-down offers
TEXT = "@"  # the number format that leaves 007 and 1/2 as they are typed
NEEDED = PatternFill("solid", start_color="FFF2CC")
NEEDED_SENTENCE = "Needed in every row."
READINGS = {
    Reading.YEARS: "Years such as 1964, or 1964 | 1966, or 1964-1966.",
    Reading.PRICE: "A plain number such as 1250000; on request, or nothing, for none. The currency has its own column.",
    Reading.TIME: "Such as 2026-01-31 or 2026-01-31T18:30:00Z.",
    Reading.WORDS: "Words with | between them. The drop-down offers known ones; others may be typed.",
    Reading.WORD: "The drop-down offers known ones; others may be typed.",
    Reading.ALIASES: "Other spellings, with | between them.",
    Reading.OBJECT: "Labels and values: Engine: 4.0 l | Power: 282 bhp.",
    Reading.APPEARANCES: "Title (year): role, with | between several: Goldfinger (1964): hero | GoldenEye (1995): stunt.",
    Reading.REFERENCE: "The reference of an item of the catalogue, or of this workbook.",
    Reading.KEY: "The file's place in the bucket, such as vehicles/V-1/1.jpg.",
    Reading.SLUG: "For the address: letters without accents, digits, hyphens. Left empty, it is made.",
    Reading.CHOICE: "One of the drop-down.",
    Reading.INTEGER: "A whole number.",
    Reading.DECIMAL: "A number such as 0.5.",
}
GUIDANCE = (
    "Each sheet is one table and each row one thing. Fill in the sheets you need and leave the others empty.",
    "Headers on yellow are needed in every row; a new item also needs a name. A header's note says what stands in its column.",
    "An empty cell leaves the field as it is. The cell [clear] empties it.",
    "Items are known by their reference: one that the catalogue has is changed, another one becomes a new item.",
    "Rows may refer to each other: an appearance names the reference of an item and the title and year of a production.",
    "Import the workbook under Import runs, as a workbook. A preview shows what would change before anything does.",
    "Leave the names of sheets and headers as they are. Columns that you do not need may be deleted.",
)  # fmt: skip


def template_workbook() -> bytes:
    """Return the workbook, an XLSX, with the choices and vocabularies as they are now."""
    book = Workbook()
    _guide(book.worksheets[0])
    lists = book.create_sheet(LISTS)
    lists.sheet_state = "hidden"
    for position, (name, target) in enumerate(WORKBOOK_SHEETS.items()):
        _table(book.create_sheet(name, position), TARGETS[target], lists)
    book.active = list(WORKBOOK_SHEETS).index("Vehicles")
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _guide(sheet: Worksheet) -> None:
    sheet.title = GUIDE
    sheet.column_dimensions["A"].width = 120
    for line, sentence in enumerate(GUIDANCE, start=1):
        sheet.cell(line, 1, sentence)


def _table(sheet: Worksheet, target: Target, lists: Worksheet) -> None:
    sheet.freeze_panes = "A2"
    for number, column in enumerate(target.columns, start=1):
        header = sheet.cell(1, number, column.name)
        header.font = Font(bold=True)
        needed = column.name in target.needs[:1]
        if needed:
            header.fill = NEEDED
        if note := " ".join(
            filter(None, [NEEDED_SENTENCE if needed else "", READINGS.get(column.reading, "")])
        ):
            header.comment = Comment(note, "", width=320, height=90)
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = width(column.name)
        if column.reading not in {Reading.PRICE, Reading.INTEGER, Reading.DECIMAL}:
            sheet.column_dimensions[letter].number_format = TEXT
        if words := _offered(target, column):
            _drop_down(sheet, letter, _listed(lists, f"{target.name} {column.name}", words), column)


def _offered(target: Target, column: Column) -> Sequence[str]:
    """Return what the column's drop-down holds; nothing where it has none."""
    if column.vocabulary:
        names = Term.objects.of(column.vocabulary).order_by("name", "id").values_list("name", flat=True)
        return [name for name in names[:LONGEST_LIST] if not FORBIDDEN.search(name)]
    if column.reading is not Reading.CHOICE:
        return []
    choices = cast("models.Field[Any, Any]", target.model._meta.get_field(column.stored)).flatchoices
    return [
        str(value) for value, _ in choices if not target.kind or column.name != "kind" or value == target.kind
    ]


def _listed(lists: Worksheet, title: str, words: Sequence[str]) -> str:
    """Add a column to the hidden sheet; return the range of its words."""
    column = 1 if lists.max_column == 1 and lists["A1"].value is None else lists.max_column + 1
    for line, word in enumerate([title, *words], start=1):
        cell = lists.cell(line, column)
        cell.value = word
        cell.data_type = "s"  # openpyxl takes text that begins with = for a formula
    letter = get_column_letter(column)
    return f"{quote_sheetname(LISTS)}!${letter}$2:${letter}${len(words) + 1}"


def _drop_down(sheet: Worksheet, letter: str, source: str, column: Column) -> None:
    """Offer the words; other text is refused where there are only these, and allowed in vocabularies."""
    check = DataValidation(type="list", formula1=f"={source}", allow_blank=True)
    check.showErrorMessage = column.reading is Reading.CHOICE
    check.errorTitle, check.error = column.name, "Choose one of the list."
    sheet.add_data_validation(check)
    check.add(f"{letter}2:{letter}{ROWS + 1}")
