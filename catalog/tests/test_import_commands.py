"""The import commands as an operator runs them."""

import json

import openpyxl
import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command, load_command_class
from django.core.management.base import CommandError
from django.utils import timezone

from catalog.models import Appearance, ImportRun, Item, MediaAsset, Production, Term
from catalog.tests.factories import ItemFactory, MediaAssetFactory
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

    number = ImportRun.objects.get().pk
    assert code == 0
    assert out.splitlines() == [
        "t.csv: 1 row: 1 new, 0 changed, 0 unchanged, 0 rejected.",
        f"This is import {number}: manage.py undo_import {number} takes it back.",
    ]
    assert Item.objects.get().kind == kind


def test_import_productions_lands_productions(tmp_path, capsys):
    path = table(tmp_path / "t.csv", "title,years", ["Goldfinger", "1964"])

    assert printed(capsys, "import_productions", str(path))[1] == 0
    assert Production.objects.get().slug == "goldfinger-1964"


def test_import_command_prints_rejected_rows_and_exits_with_1(tmp_path, capsys):
    path = table(tmp_path / "t.csv", "reference,name,colour", ["A-1", "", "red"], ["A-2", "Two", "blue"])

    out, code = printed(capsys, "import_vehicles", str(path))

    number = ImportRun.objects.get().pk
    assert code == 1
    assert out.splitlines() == [
        "t.csv: 2 rows: 1 new, 0 changed, 0 unchanged, 1 rejected.",
        f"This is import {number}: manage.py undo_import {number} takes it back.",
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
        "created": 0, "changed": 0, "unchanged": 0, "rejected": 1, "left_out": 0, "withdrawn": 0, "changed_fields": {},
        "warnings": [], "issue_count": 1,
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


def test_import_workbook_lands_its_sheets_as_one_run(tmp_path, capsys):
    book = openpyxl.Workbook()
    for name, *rows in (
        ("Vehicles", ("reference", "name"), ("A-1", "One")),
        ("Productions", ("title", "years"), ("Goldfinger", "1964")),
    ):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.remove(book["Sheet"])
    book.save(tmp_path / "t.xlsx")

    _, code = printed(capsys, "import_workbook", str(tmp_path / "t.xlsx"))

    assert (code, Item.objects.get().name, Production.objects.get().title) == (0, "One", "Goldfinger")
    assert ImportRun.objects.values_list("target", "created").get() == ("workbook", 2)


def test_import_terms_lands_terms(tmp_path, capsys):
    path = table(tmp_path / "t.csv", "vocabulary,name", ["genre", "Noir"])

    assert printed(capsys, "import_terms", str(path))[1] == 0
    assert Term.objects.filter(vocabulary="genre", name="Noir").exists()


def test_import_appearances_lands_appearances(tmp_path, capsys):
    ItemFactory.create(reference="A-1")
    path = table(tmp_path / "t.csv", "reference,title,year", ["A-1", "Goldfinger", "1964"])

    assert printed(capsys, "import_appearances", str(path))[1] == 0
    assert Appearance.objects.values_list("item__reference", "production__title").get() == (
        "A-1",
        "Goldfinger",
    )


def test_import_images_changes_what_is_said_of_a_file(tmp_path, capsys):
    MediaAssetFactory.create(key="vehicles/x/1.jpg")
    path = table(tmp_path / "t.csv", "key,caption", ["vehicles/x/1.jpg", "Front"])

    assert printed(capsys, "import_images", str(path))[1] == 0
    assert MediaAsset.objects.get().caption == "Front"


def test_import_command_lands_nothing_beyond_the_rejected_rows_it_may_have(tmp_path, capsys):
    path = table(tmp_path / "t.csv", "reference,name", ["A-1", ""], ["A-2", ""], ["A-3", "Three"])

    out, code = printed(capsys, "import_vehicles", str(path), "--max-rejected=1")

    assert (code, Item.objects.count()) == (1, 0)
    assert "Nothing lands, because more than 1 row was rejected." in out


@pytest.mark.parametrize(("existing", "names"), [("add", {"Old", "New"}), ("update", {"Changed"})])
def test_import_command_only_adds_or_only_updates(tmp_path, capsys, existing, names):
    ItemFactory.create(reference="A-1", name="Old")
    path = table(tmp_path / "t.csv", "reference,name", ["A-1", "Changed"], ["A-2", "New"])

    printed(capsys, "import_vehicles", str(path), f"--existing={existing}")

    assert set(Item.objects.values_list("name", flat=True)) == names


@pytest.mark.parametrize(
    ("agreed", "lands"), [([], False), (["--withdraw=2"], False), (["--withdraw=1"], True)]
)
def test_full_list_withdraws_what_was_agreed_to(tmp_path, agreed, lands):
    for reference in ("A-1", "A-2", "B-1"):
        ItemFactory.create(reference=reference, status="published", published_at=timezone.now())
    path = table(tmp_path / "t.csv", "reference,name", ["A-1", "One"])
    words = (
        "import_vehicles",
        str(path),
        "--full-list",
        "--full-list-prefix=A-",
        "--max-withdrawn=50",
        *agreed,
    )

    if lands:
        call_command(*words)
    else:
        with pytest.raises(CannotRun, match="To agree, state that number: 1"):
            call_command(*words)

    withdrawn = set(Item.objects.exclude(status="published").values_list("reference", flat=True))
    assert withdrawn == ({"A-2"} if lands else set())


def test_import_command_takes_a_mapping(tmp_path, capsys):
    path = table(tmp_path / "t.csv", "Stock No.,Car", ["A-1", "One"])
    rules = tmp_path / "dealer.json"
    rules.write_text('{"reference": {"header": "Stock No."}, "name": {"header": "Car"}}')

    assert printed(capsys, "import_vehicles", str(path), f"--mapping={rules}")[1] == 0
    assert Item.objects.values_list("reference", "name").get() == ("A-1", "One")


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (None, r"m\.json cannot be read: No such file or directory\.$"),
        ("{", r"m\.json is no JSON: "),
        ("[]", r"m\.json: A mapping is a JSON object"),
        ('{"colour": {"header": "x"}}', r"m\.json: colour: the table has no such column\.$"),
    ],
)
def test_import_command_refuses_a_mapping_that_is_none(tmp_path, rules, sentence):
    path = table(tmp_path / "t.csv", "reference,name", ["A-1", "One"])
    if rules is not None:
        (tmp_path / "m.json").write_text(rules)

    with pytest.raises(CannotRun, match=sentence):
        call_command("import_vehicles", str(path), f"--mapping={tmp_path / 'm.json'}")


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--max-rejected=-1", "'-1' is no whole number of 0 or more"),
        ("--withdraw=many", "'many' is no whole number of 0 or more"),
        ("--max-withdrawn=101", "'101' is no percentage from 0 to 100"),
        ("--max-withdrawn=nan", "'nan' is no percentage from 0 to 100"),
    ],
)
def test_import_command_refuses_a_number_that_is_none(tmp_path, option, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("import_vehicles", str(tmp_path / "t.csv"), option)


@pytest.mark.usefixtures("bucket")
def test_import_command_keeps_the_file(tmp_path, capsys):
    path = table(tmp_path / "t.csv", "reference,name", ["A-1", "One"])

    printed(capsys, "import_vehicles", str(path))

    run = ImportRun.objects.get()
    with default_storage.open(run.file_key) as kept:
        assert kept.read() == path.read_bytes()


def test_import_command_lands_nothing_while_the_bucket_is_away(tmp_path, settings):
    settings.S3_BUCKET = "nobody-made-this"
    path = table(tmp_path / "t.csv", "reference,name", ["A-1", "One"])

    with pytest.raises(CannotRun, match=r"The bucket nobody-made-this at .* refuses"):
        call_command("import_vehicles", str(path))

    assert not Item.objects.exists()
    assert ImportRun.objects.get().state == "failed"


COMMANDS = ("vehicles", "memorabilia", "tools", "productions", "terms", "appearances", "images", "workbook")


@pytest.mark.parametrize("command", COMMANDS)
def test_import_command_shows_examples(command):
    parser = load_command_class("catalog", f"import_{command}").create_parser(
        "manage.py", f"import_{command}"
    )

    assert f"examples:\n  manage.py import_{command} " in parser.format_help()
