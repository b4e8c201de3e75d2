"""The import commands as an operator runs them."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from catalog.models import Item, Production
from catalog.tests.imports import table
from marketplace.commands import CannotRun

pytestmark = pytest.mark.django_db


def printed(capsys, *arguments):
    """Return what the command printed and its exit code."""
    try:
        call_command(*arguments)
    except SystemExit as end:
        return capsys.readouterr().out, end.code
    return capsys.readouterr().out, 0


@pytest.mark.parametrize(
    ("command", "kind"), [("vehicles", "vehicle"), ("memorabilia", "memorabilia"), ("tools", "tool")]
)
def test_import_command_lands_its_kind(tmp_path, capsys, command, kind):
    path = table(tmp_path / "t.csv", "reference,name", ["A-1", "One"])

    out, code = printed(capsys, f"import_{command}", str(path))

    assert (out, code) == ("t.csv: 1 rows: 1 new, 0 changed, 0 unchanged, 0 rejected.\n", 0)
    assert Item.objects.get().kind == kind


def test_import_productions_lands_productions(tmp_path, capsys):
    path = table(tmp_path / "t.csv", "title,years", ["Goldfinger", "1964"])

    assert printed(capsys, "import_productions", str(path))[1] == 0
    assert Production.objects.get().slug == "goldfinger-1964"


def test_import_command_prints_rejected_rows_and_exits_with_1(tmp_path, capsys):
    path = table(tmp_path / "t.csv", "reference,name,colour", ["A-1", "", "red"], ["A-2", "Two", "blue"])

    out, code = printed(capsys, "import_vehicles", str(path))

    assert code == 1
    assert out.splitlines() == [
        "t.csv: 2 rows: 1 new, 0 changed, 0 unchanged, 1 rejected.",
        "note: The column 'colour' is unknown and was ignored.",
        'line 2, name: "" — An item needs a name.',
    ]


def test_import_command_prints_50_faults_and_counts_the_rest(tmp_path, capsys):
    path = table(tmp_path / "t.csv", "reference,name", *[[f"A-{n}", ""] for n in range(1060)])

    out, _ = printed(capsys, "import_vehicles", str(path))

    assert len(out.splitlines()) == 52
    assert out.splitlines()[-1] == "and 1,010 more faults"


def test_import_command_speaks_json(tmp_path, capsys):
    path = table(tmp_path / "t.csv", "reference,name,price", ["A-1", "One", "x"])

    out, code = printed(capsys, "import_vehicles", str(path), "--json", "--dry-run", "--on-error=abort")

    answer = json.loads(out)
    issue = answer.pop("issues")[0]
    assert code == 1
    assert (issue["line"], issue["column"], issue["value"]) == (2, "price", "x")
    assert answer == {
        "run": None, "target": "vehicle", "file_name": "t.csv", "dry_run": True, "landed": False, "rows": 1,
        "created": 0, "changed": 0, "unchanged": 0, "rejected": 1, "warnings": [], "issue_count": 1,
    }  # fmt: skip


def test_import_command_obeys_its_policies(tmp_path, capsys):
    path = table(tmp_path / "t.csv", "reference,name,genres", ["A-1", "One", "Noir"])

    out, code = printed(capsys, "import_vehicles", str(path), "--terms=refuse", "--blank=clear")

    assert (code, "'Noir' is not a known genre." in out) == (1, True)


def test_import_command_cannot_run_without_its_file(tmp_path):
    with pytest.raises(CannotRun, match=r"none\.csv cannot be read: No such file or directory\.$"):
        call_command("import_vehicles", str(tmp_path / "none.csv"))


def test_import_command_refuses_an_unknown_policy(tmp_path):
    with pytest.raises(CommandError, match="invalid choice: 'stop'"):
        call_command("import_vehicles", str(tmp_path / "t.csv"), "--on-error=stop")
