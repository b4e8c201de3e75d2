"""What a mapping is proposed for real public tables."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest

from catalog.imports.columns import TARGETS
from catalog.imports.mapping.binding import bind
from catalog.imports.mapping.suggestions import suggest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = pytest.mark.django_db


def table_of_objects(objects):
    keys = list(dict.fromkeys(key for each in objects for key in each))
    return keys, [["" if each.get(key) is None else str(each[key]) for key in keys] for each in objects]


def read_csv(file):
    header, *rows = csv.reader(file)
    return header, rows[:200]


def epa():
    with zipfile.ZipFile(SHARED / "cars" / "epa_2022-11" / "vehicles.csv.zip") as archive:
        return read_csv(io.TextIOWrapper(archive.open(archive.namelist()[0]), encoding="utf-8"))


def planes():
    with (SHARED / "aircraft" / "planes.csv").open(encoding="utf-8") as file:
        return read_csv(file)


def objects(name):
    def read():
        found = json.loads((SHARED / name).read_text(encoding="utf-8"))
        return table_of_objects([each.get("fields", each) for each in found])

    return read


def books():
    with (SHARED / "spreadsheets" / "django-import-export" / "books.csv").open(encoding="utf-8") as file:
        return read_csv(file)


@pytest.mark.skipif(not SHARED.exists(), reason="the real tables are not here")
@pytest.mark.parametrize(
    ("read", "target", "expected", "labels"),
    [
        pytest.param(
            epa, "vehicle",
            {"reference": "id", "production_years": "year", "vehicle_types": "VClass", "make": "make", "model": "model"},
            {"cylinders", "displ", "drive", "trany", "fuelType"}, id="EPA",
        ),
        pytest.param(
            planes, "vehicle",
            {"reference": "tailnum", "production_years": "year", "vehicle_types": "type", "make": "manufacturer", "model": "model"},
            {"engines", "seats", "engine"}, id="FAA",
        ),
        pytest.param(
            objects("movies/movies-2020s.json"), "production",
            {"title": "title", "years": "year", "genres": "genres"}, set(), id="movies",
        ),
        pytest.param(
            objects("film/swapi/films.json"), "production", {"title": "title", "years": "release_date"}, set(), id="films",
        ),
        pytest.param(
            objects("film/swapi/transport.json"), "vehicle", {"name": "name", "model": "model", "make": "manufacturer"},
            {"cargo_capacity", "passengers", "max_atmosphering_speed", "crew", "length"}, id="transports",
        ),
        pytest.param(books, "memorabilia", {"reference": "id", "name": "name"}, set(), id="books"),
    ],
)  # fmt: skip
def test_real_tables_are_matched(read, target, expected, labels):
    header, rows = read()
    table = TARGETS[target]

    suggestion = suggest(header, rows, table)

    own = {column.name: column.name for column in bind(header, table, {}).columns}
    found = own | {name: rule["header"] for name, rule in suggestion.mapping.items() if "header" in rule}
    taken = set(suggestion.mapping.get("specs", {}).get("labels", {}).values())
    assert (found, taken) == (expected, labels)
