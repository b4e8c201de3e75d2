"""One leg of the comparison of imports, in a process of its own: `python -m benchmarks.imports_inside WHAT FILE`."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
django.setup()

import psycopg  # noqa: E402  (the rest needs Django's settings)
import python_calamine  # noqa: E402
import tablib  # noqa: E402
from import_export import fields, resources, widgets  # noqa: E402

from benchmarks.imports import HEADER  # noqa: E402
from catalog.imports.engine import ImportOptions, import_file  # noqa: E402
from catalog.imports.reading import read  # noqa: E402
from catalog.imports.staging import drop  # noqa: E402
from catalog.models import ImportOrigin, ImportRun, Vehicle  # noqa: E402
from marketplace.commands import lift_request_limits  # noqa: E402

LISTS = {"production_years": "int[]", "vehicle_types": "text[]", "genres": "text[]"}
CASTS = {"price": "numeric"} | LISTS
KEY = 'UPPER({} COLLATE "pg_c_utf8")'
BLOCK = 1 << 18  # bytes


def ours(path: Path) -> None:
    result = import_file(path=path, target="vehicle", options=ImportOptions())
    if not result.landed or result.rejected:
        raise SystemExit(result.summary())


def preview(path: Path) -> None:
    run = ImportRun.objects.create(target="vehicle", file_name=path.name, origin=ImportOrigin.COMMAND)
    read(run, lambda: nullcontext(path))
    drop(run)


def limit(path: Path) -> None:
    """COPY the file into staging, then the same two statements on a table like ours."""
    values = {name: _cast(name) for name in HEADER}
    written = [name for name in HEADER if name != "reference"]
    sets = ", ".join(f"{name} = {values[name]}" for name in written)
    before, after = (", ".join(part) for part in ([f"i.{n}" for n in written], [values[n] for n in written]))
    fixed = {"kind": "'vehicle'", "slug": "lower(s.reference)", "categories": "'{}'", "specs": "'{}'", "provenance": "''", "availability": "'available'"}  # fmt: skip
    match = f"{KEY.format('i.reference')} = {KEY.format('s.reference')}"
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(
            _sql(f"CREATE TEMP TABLE staging ({', '.join(f'{n} text' for n in HEADER)}) ON COMMIT DROP")
        )
        with (
            path.open("rb") as file,
            connection.cursor().copy("COPY staging FROM STDIN (FORMAT csv, HEADER)") as copy,
        ):
            while block := file.read(BLOCK):
                copy.write(block)
        connection.execute("ANALYZE staging")
        connection.execute(_sql(f"UPDATE bench_item i SET {sets} FROM staging s WHERE {match} AND ROW({before}) IS DISTINCT FROM ROW({after})"))  # fmt: skip
        connection.execute(_sql(f"INSERT INTO bench_item ({', '.join([*HEADER, *fixed])}) SELECT {', '.join([*values.values(), *fixed.values()])} FROM staging s WHERE NOT EXISTS (SELECT FROM bench_item i WHERE {match})"))  # fmt: skip


def _cast(name: str) -> str:
    column = f"s.{name}"
    return (
        f"string_to_array({column}, ' | ')::{LISTS[name]}"
        if name in LISTS
        else f"{column}::{CASTS.get(name, 'text')}"
    )


def _sql(text: str) -> bytes:
    return text.encode()  # only names of ours are in it


def calamine(path: Path) -> None:
    """Read every cell, as bare as can be."""
    sheet = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    for row in sheet.iter_rows():
        len(row)


class Listed(widgets.Widget):
    """An array in a cell."""

    def __init__(self, cast: Callable[[str], object]) -> None:
        self.cast = cast
        super().__init__()

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> list[object]:
        return [self.cast(part) for part in value.split(" | ")] if value else []


class Stock(resources.ModelResource):
    """django-import-export as its documentation sets it up for bulk."""

    production_years = fields.Field("production_years", "production_years", Listed(int))
    vehicle_types = fields.Field("vehicle_types", "vehicle_types", Listed(str))
    genres = fields.Field("genres", "genres", Listed(str))

    class Meta:
        model = Vehicle
        import_id_fields = ("reference",)
        fields = HEADER
        use_bulk = True
        batch_size = 1000
        skip_diff = True
        skip_unchanged = True

    def before_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        instance.slug = instance.slug or instance.reference.lower()


def stock(path: Path) -> None:
    with path.open(encoding="utf-8") as file:
        Stock().import_data(tablib.Dataset().load(file, format="csv"), raise_errors=True)


LEGS = {"ours": ours, "limit": limit, "stock": stock, "calamine": calamine, "preview": preview}


def main() -> None:
    lift_request_limits()
    begin = time.perf_counter()
    LEGS[sys.argv[1]](Path(sys.argv[2]))
    seconds = time.perf_counter() - begin
    kilobytes = sum(
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(json.dumps({"seconds": seconds, "memory": kilobytes / 1024}))


if __name__ == "__main__":
    main()
