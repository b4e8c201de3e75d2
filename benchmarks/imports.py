"""Imports of 100,000 rows against the limit: COPY of the same file, and the same two statements on the same table.

The limit knows no rules and no history. Every leg is a process of its own, in turns (A B A B); the best of each
side's rounds counts. Stock django-import-export reads a slice, since it would take the better part of an hour for the
whole: it looks for each row by its exact reference, which goes through the table. So a slice into an empty table tells
too little; one that comes when half of the rows are there tells what a row of the whole costs on average.
"""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from openpyxl import Workbook
from rich.console import Console
from rich.table import Table

from benchmarks.database import ROOT, migrated_database
from catalog.writers import ods
from marketplace import embedded

DATABASE = "catalogue_bench_imports"
ROWS, MILLION, SLICE, MIDDLE = 100_000, 1_000_000, 4_000, 1_000
ROUNDS = 2
HEADER = (
    "reference", "name", "make", "model", "description", "production_years", "vehicle_types", "genres", "condition",
    "authenticity", "price", "currency", "status", "location", "chassis_number",
)  # fmt: skip
EMPTY = "TRUNCATE catalog_item, catalog_itemevent, catalog_term, catalog_termevent, catalog_importrun CASCADE"
LIMIT = "DROP TABLE IF EXISTS bench_item; CREATE TABLE bench_item (LIKE catalog_item INCLUDING ALL)"


def main() -> None:
    """Print a table of seconds, ratios and memory."""
    address = migrated_database(DATABASE)
    with TemporaryDirectory(dir=embedded.var_dir()) as folder:
        files = _write_files(Path(folder))
        ours = _compare_with_the_limit(address, files)
        _compare_with_stock(address, files, ours)
        _compare_workbooks(address, files)
        _preview(address, files)
        if "--million" in sys.argv:
            _memory_of_a_million(address, Path(folder))
    Console().print(TABLE)


def row(number: int, *, changed: bool = False) -> list[str]:
    """Return the cells of a row: the same for the same number, skewed as vocabularies are."""
    make = f"Make{number * number % 120}"
    return [
        f"BENCH-{number}",
        f"{make} Model{number % 900}{' II' if changed else ''}",
        make,
        f"Model{number % 900}",
        " ".join(["A collectible vehicle with a history on the screen."] * (1 + number % 4)),
        f"{1930 + number % 90} | {1931 + number % 90}",
        f"Type{number % 40} | Type{number % 7}",
        f"Genre{number % 24} | Genre{number % 5}",
        ("concours", "excellent", "good", "fair")[number % 4],
        ("screen_used", "replica", "stunt", "same_model")[number % 4],
        str(5000 + number % 30_000 + changed),
        ("USD", "EUR", "GBP")[number % 3],
        "draft",
        "Somewhere",
        f"CH{number:08d}",
    ]


def write_csv(path: Path, rows: int, *, first: int = 0, changed: bool = False) -> Path:
    """Write a file of so many rows, from the number `first` on."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(row(number, changed=changed) for number in range(first, first + rows))
    return path


def _write_files(folder: Path) -> dict[str, Path]:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Vehicles")
    sheet.append(HEADER)
    for number in range(ROWS):
        sheet.append(row(number))
    book.save(folder / "base.xlsx")
    with (folder / "base.ods").open("wb") as file:
        file.writelines(ods.write([("Vehicles", list(HEADER), map(row, range(ROWS)))]))
    return {
        "base": write_csv(folder / "base.csv", ROWS),
        "changed": write_csv(folder / "changed.csv", ROWS, changed=True),
        "slice": write_csv(folder / "slice.csv", SLICE),
        "half": write_csv(folder / "half.csv", ROWS // 2),
        "middle": write_csv(folder / "middle.csv", MIDDLE, first=ROWS // 2),
        "XLSX": folder / "base.xlsx",
        "ODS": folder / "base.ods",
    }


def leg(address: str, what: str, path: Path) -> dict[str, float]:
    """Run one leg in a process of its own; return its seconds and its memory in MiB."""
    environment = os.environ | {"DATABASE_URL": address, "LOG_LEVEL": "ERROR"}
    command = [sys.executable, "-m", "benchmarks.imports_inside", what, str(path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def statement(address: str, text: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        for part in text.split(";"):
            connection.execute(part.encode())


PHASES = {"insert": "base", "unchanged": "base", "all changed": "changed"}


def _compare_with_the_limit(address: str, files: dict[str, Path]) -> dict[str, float]:
    """Measure all phases on both sides; return our seconds by phase."""
    best: dict[tuple[str, str], dict[str, float]] = {}
    for _ in range(ROUNDS):
        for side, empty in (("ours", EMPTY), ("limit", LIMIT)):
            statement(address, empty)
            for phase, name in PHASES.items():
                measured = leg(address, side, files[name])
                best[phase, side] = min(
                    best.get((phase, side), measured), measured, key=lambda m: m["seconds"]
                )
    for phase in PHASES:
        ours, limit = best[phase, "ours"], best[phase, "limit"]
        tell(f"{phase}, {ROWS:,} rows", "ours", ours)
        tell("", "limit", limit, ratio=ours["seconds"] / limit["seconds"], allowed=2.5)
    again = best["unchanged", "ours"]["seconds"] / best["insert", "ours"]["seconds"]
    TABLE.add_row("unchanged / insert", "ours", "", "", f"{again:.2f} (at most 0.4)", end_section=True)
    return {phase: best[phase, "ours"]["seconds"] for phase in PHASES}


def _compare_with_stock(address: str, files: dict[str, Path], ours: dict[str, float]) -> None:
    """Compare the time for a row: stock on slices, ours on the whole file; `ours` are seconds by phase."""
    statement(address, EMPTY)
    _tell_stock(address, files["slice"], SLICE, "an empty table", ours["insert"])
    statement(address, EMPTY)
    leg(address, "ours", files["half"])
    _tell_stock(address, files["middle"], MIDDLE, f"{ROWS // 2:,} rows", ours["insert"], least=20)
    leg(address, "ours", files["base"])
    _tell_stock(address, files["middle"], MIDDLE, f"{ROWS:,}, unchanged", ours["unchanged"], least=100)


def _tell_stock(address: str, path: Path, rows: int, into: str, ours: float, *, least: int = 0) -> None:
    stock = leg(address, "stock", path)
    tell(f"{rows:,} rows into {into}", "stock", stock)
    times = f"{stock['seconds'] / rows / (ours / ROWS):.0f}" + (f" (at least {least})" if least else "")
    TABLE.add_row("stock / ours, for a row", "", "", "", times, end_section=True)


def _compare_workbooks(address: str, files: dict[str, Path]) -> None:
    statement(address, EMPTY)
    text = leg(address, "ours", files["base"])
    for name in ("XLSX", "ODS"):
        calamine = leg(address, "calamine", files[name])
        statement(address, EMPTY)
        book = leg(address, "ours", files[name])
        tell(f"{name}, insert", "ours", book)
        tell(f"{name}, read only", "calamine", calamine)
        added = (book["seconds"] - text["seconds"]) / calamine["seconds"]
        TABLE.add_row(
            f"{name} - CSV, in times of calamine", "", "", "", f"{added:.2f} (at most 2)", end_section=True
        )


def _preview(address: str, files: dict[str, Path]) -> None:
    statement(address, EMPTY)
    tell("preview: staged and judged", "ours", leg(address, "preview", files["base"]), end=True)


def _memory_of_a_million(address: str, folder: Path) -> None:
    statement(address, EMPTY)
    tell(
        f"insert, {MILLION:,} rows",
        "ours",
        leg(address, "ours", write_csv(folder / "million.csv", MILLION)),
        end=True,
    )


TABLE = Table(
    title=f"{len(HEADER)} columns, three of them arrays; all indexes, rules and history on our side.",
    caption="The limit: COPY into staging, UPDATE .. FROM, INSERT .. WHERE NOT EXISTS; no rules, no history.",
)
for heading in ("what", "who", "seconds", "peak MiB", "ratio"):
    TABLE.add_column(heading, justify="left" if heading in {"what", "who"} else "right")


def tell(
    what: str,
    who: str,
    measured: dict[str, float],
    *,
    ratio: float | None = None,
    allowed: float = 0,
    end: bool = False,
) -> None:
    """Add a line to the table."""
    shown = f"{ratio:.2f} (at most {allowed:g})" if ratio is not None else ""
    seconds, memory = f"{measured['seconds']:.2f}", f"{measured['memory']:.0f}"
    TABLE.add_row(what, who, seconds, memory, shown, end_section=end or ratio is not None)


if __name__ == "__main__":
    main()
