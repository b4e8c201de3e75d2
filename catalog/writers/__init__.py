"""Tables as streams of bytes: a header and rows go in, the chunks of a file come out, in constant memory.

A cell is a text, a number or None (empty). Whatever a text holds, no spreadsheet program takes it for a
formula. What a format cannot hold is refused by a sentence, never cut or changed.
"""

from catalog.writers import csv, jsonl, ods, xlsx
from catalog.writers.table import Cell, Header, Rows, Unwritable

__all__ = ["Cell", "Header", "Rows", "Unwritable", "csv", "jsonl", "ods", "xlsx"]
