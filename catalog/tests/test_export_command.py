"""manage.py export_catalogue."""

import json
from io import StringIO

import openpyxl
import pytest
from django.core.management import call_command

from accounts.models import Action, AuditEvent
from catalog.tests.factories import AppearanceFactory, ItemFactory, TermFactory, ToolFactory
from catalog.tests.imports import rows_of
from marketplace.commands import CannotRun

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments):
    out = StringIO()
    call_command("export_catalogue", *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("ending", ["csv", "tsv", "xlsx", "ods"])
def test_command_writes_the_format_of_the_ending(tmp_path, ending):
    ItemFactory.create(reference="V-1")
    ToolFactory.create(reference="T-1")
    path = tmp_path / f"vehicles.{ending}"

    said = run("vehicle", path)

    header, rows, warnings = rows_of(path)
    assert (header[0], [row[1][0] for row in rows], warnings) == ("reference", ["V-1"], [])
    assert said == f"{path}: 1 row, {path.stat().st_size:,} bytes.\n"
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_command_writes_json_lines(tmp_path):
    ItemFactory.create(reference="V-1", price="6400000.50", specs={"a": [1.5]}, genres=["Spy"], name="=1+1")
    AppearanceFactory.create(
        item__reference="V-2", production__title="Ronin", production__slug="ronin", production__years=[1998]
    )
    path = tmp_path / "items.jsonl"

    run("item", path)

    first, second = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert (first["name"], first["price"], first["specs"], first["genres"]) == (
        "=1+1",
        "6400000.50",
        {"a": [1.5]},
        ["Spy"],
    )
    assert second["appearances"] == [
        {"title": "Ronin", "years": [1998], "production": "ronin", "role": "hero"}
    ]


def test_command_narrows_by_status(tmp_path):
    ItemFactory.create(reference="V-1", published=True)
    ItemFactory.create(reference="V-2")
    path = tmp_path / "v.csv"

    run("item", path, "--status", "draft")

    assert [row[1][0] for row in rows_of(path)[1]] == ["V-2"]


def test_command_is_put_on_record(tmp_path):
    TermFactory.create()

    run("term", tmp_path / "terms.csv")

    event = AuditEvent.objects.get(action=Action.EXPORT)
    assert (event.subject, event.detail) == ("term (1)", {"rows": 1, "format": "csv"})


def test_command_writes_to_standard_output(capfdbinary):
    ItemFactory.create(reference="V-1")

    assert run("vehicle", "-") == ""
    assert capfdbinary.readouterr().out.startswith(b"\xef\xbb\xbfreference,kind")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["vehicle", "{}/x.pdf"], "must end in .csv", id="unknown ending"),
        pytest.param(["vehicle", "{}/none/x.csv"], "cannot be written: No such file", id="no such folder"),
        pytest.param(["vehicle"], "Name what to export", id="no file"),
        pytest.param(["term", "{}/x.csv", "--status", "draft"], "--status is for items", id="terms have no status"),
        pytest.param(["vehicle", "-", "--json"], "name a file", id="two things on one output"),
    ],
)  # fmt: skip
def test_command_that_cannot_run_says_why(tmp_path, arguments, sentence):
    with pytest.raises(CannotRun, match=sentence):
        run(*(argument.format(tmp_path) for argument in arguments))


def test_command_that_fails_leaves_the_old_file(tmp_path):
    ItemFactory.create(reference="V-1", description="x" * 40_000)
    path = tmp_path / "v.xlsx"
    path.write_bytes(b"before")

    with pytest.raises(CannotRun) as refused:
        run("vehicle", path)

    assert str(refused.value) == (
        "The description of V-1 has 40,000 characters, and a cell of Excel holds 32,767;"
        " export CSV, ODS or JSON lines, or leave that column out."
    )
    assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == [("v.xlsx", b"before")]


def test_command_writes_the_template(tmp_path):
    path = tmp_path / "template.xlsx"

    run("--template", path)

    assert "Vehicles" in openpyxl.load_workbook(path).sheetnames
