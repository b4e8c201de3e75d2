"""Rows against the catalogue: what is new, what changes, what stays, what is refused."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import connection

from accounts.models import User
from catalog.imports.columns import ITEM_COLUMNS, PRODUCTION_COLUMNS
from catalog.imports.engine import ImportOptions, import_file
from catalog.imports.errors import ImportRefused
from catalog.imports.judgement.applying import LARGE_RUN, settle
from catalog.models import ImportRun, Item, OldSlug, Production, Term
from catalog.tests.factories import ItemFactory, MemorabiliaFactory, ProductionFactory, ToolFactory
from catalog.tests.imports import counts, faults, run, table

pytestmark = pytest.mark.django_db


def state():
    """Return every item's row identity and the last id given out: both stay when nothing is written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, xmin::text, ctid::text FROM catalog_item ORDER BY id")
        rows = cursor.fetchall()
        cursor.execute("SELECT last_value FROM catalog_item_id_seq")
        return rows, cursor.fetchone()


def test_new_row_lands_with_the_models_defaults(tmp_path):
    run(table(tmp_path / "t.csv", "reference,name", ["A-1", "Aston Martin DB5"]))

    item = Item.objects.get()
    expected = ItemFactory.build(reference="A-1", name="Aston Martin DB5", slug="aston-martin-db5-a-1")
    left_out = {"id", "created_at", "updated_at"}
    names = [f.name for f in Item._meta.concrete_fields if f.name not in left_out]
    assert {n: getattr(item, n) for n in names} == {n: getattr(expected, n) for n in names}


def test_same_file_twice_writes_nothing(tmp_path):
    path = table(
        tmp_path / "t.csv",
        "reference,kind,name,genres,production_years,price,status,specs,appearances,published_at",
        ["A-1", "", "Car", "Spy|Action", "1964-1966", "1,000", "published", "a: b", "Goldfinger (1964)", ""],
        ["A-2", "tool", "Crane", "", "", "POA", "", "", "", "[clear]"],
        ["a-3", "vehicle", "七", "", "", "", "published", "", "", "[clear]"],
    )
    first = run(path)
    before = state()

    second = run(path)

    assert (counts(first), counts(second)) == ((3, 0, 0, 0), (0, 0, 3, 0))
    assert state() == before


def test_reference_matches_without_letter_case_and_keeps_its_spelling(tmp_path):
    ItemFactory.create(reference="Ab-é", name="Old")

    result = run(table(tmp_path / "t.csv", "reference,name", [" aB-É ", "New"]))

    assert counts(result) == (0, 1, 0, 0)
    assert list(Item.objects.values_list("reference", "name")) == [("Ab-é", "New")]


@pytest.mark.parametrize(
    ("blank", "cell", "make"),
    [
        ("keep", "", "Aston Martin"),
        ("keep", "[clear]", ""),
        ("clear", "", ""),
        ("clear", "  ", ""),
        ("keep", "Lotus", "Lotus"),
    ],
)
def test_empty_cell_keeps_the_field_unless_it_shall_clear(tmp_path, blank, cell, make):
    ItemFactory.create(reference="A-1", make="Aston Martin", model="DB5")

    run(table(tmp_path / "t.csv", "reference,make", ["A-1", cell]), blank=blank)

    assert list(Item.objects.values_list("make", "model")) == [(make, "DB5")]


@pytest.mark.parametrize("blank", ["keep", "clear"])
def test_every_column_cleared_holds_its_default(tmp_path, blank):
    ItemFactory.create(
        reference="A-1", slug="s", name="Car", make="m", genres=["g"], price=5, currency="EUR",
        availability="sold", specs={"a": 1}, production_years=[1964], condition="good",
    )  # fmt: skip
    names = [c.name for c in ITEM_COLUMNS if c.name not in {"reference", "name"}]
    cell = "[clear]" if blank == "keep" else ""

    result = run(
        table(tmp_path / "t.csv", ",".join(["reference", *names]), ["A-1", *[cell] * len(names)]), blank=blank
    )

    item = Item.objects.get()
    assert counts(result) == (0, 1, 0, 0)
    assert (item.slug, item.make, item.genres, item.price, item.currency) == ("s", "", [], None, "USD")
    assert (item.availability, item.specs, item.production_years, item.condition) == ("available", {}, [], "")


def test_rules_judge_the_row_as_it_will_be(tmp_path):
    MemorabiliaFactory.create(reference="M-1")
    path = table(tmp_path / "t.csv", "reference,vehicle_types", ["M-1", "Car"])

    result = run(path, "memorabilia")

    assert faults(result) == [(2, "vehicle_types", "Car", "Only a vehicle has vehicle types.")]


def test_all_faults_of_a_row_are_reported_at_once(tmp_path):
    path = table(
        tmp_path / "t.csv",
        "reference,name,price,production_years,currency,condition",
        ["A-1", "", "-5", "1700", "usd", "shiny"],
    )

    result = run(path)

    assert faults(result) == [
        (2, "condition", "shiny", "The condition is not one of those offered. Use concours, excellent, very_good, good, fair, project."),
        (2, "currency", "usd", "The currency must be a code of three capital letters, such as USD."),
        (2, "name", "", "An item needs a name."),
        (2, "price", "-5", "A price cannot be negative."),
        (2, "production_years", "1700", "Production years must lie between 1880 and 2100."),
    ]  # fmt: skip


def test_bad_rows_do_not_stop_good_ones(tmp_path):
    path = table(
        tmp_path / "t.csv", "reference,name,price", ["A-1", "Car", "x"], ["A-2", "Car", "5"], ["", "Car", "5"]
    )

    result = run(path)

    assert (counts(result), result.landed) == ((1, 0, 0, 2), True)
    assert list(Item.objects.values_list("reference", "price")) == [("A-2", Decimal("5.00"))]
    assert faults(result)[1] == (
        4,
        "reference",
        "",
        "The reference is missing; it tells which item the row is.",
    )


def test_abort_lands_nothing_when_a_row_is_bad(tmp_path):
    path = table(
        tmp_path / "t.csv",
        "reference,name,price,genres",
        ["A-1", "Car", "x", "Noir"],
        ["A-2", "Car", "5", "Noir"],
    )

    result = run(path, on_error="abort")

    assert (result.landed, result.exit_code, Item.objects.count(), Term.objects.count()) == (False, 1, 0, 0)
    assert ImportRun.objects.get().state == "failed"


def test_dry_run_counts_and_writes_nothing(tmp_path):
    ItemFactory.create(reference="A-1", name="Old")
    path = table(
        tmp_path / "t.csv",
        "reference,name,appearances,genres",
        ["A-1", "New", "", ""],
        ["A-2", "Car", "X (1990)", "Noir"],
    )

    result = run(path, dry_run=True)

    assert counts(result) == (1, 1, 0, 0)
    assert list(Item.objects.values_list("name", flat=True)) == ["Old"]
    assert (Production.objects.count(), Term.objects.count(), ImportRun.objects.count()) == (0, 0, 0)


def test_repeated_reference_is_refused_naming_the_first_line(tmp_path):
    path = table(tmp_path / "t.csv", "reference,name", ["A-1", "One"], ["A-2", "Two"], [" a-1", "Three"])

    result = run(path)

    assert faults(result) == [(4, "reference", " a-1", "Line 2 has the same reference.")]
    assert list(Item.objects.order_by("id").values_list("name", flat=True)) == ["One", "Two"]


def test_reference_of_another_kind_is_refused(tmp_path):
    ToolFactory.create(reference="T-1", name="Crane")
    path = table(tmp_path / "t.csv", "reference,name", ["T-1", "Crane"])

    result = run(path, "vehicle")

    sentence = "This reference belongs to an item of the kind tool, and an import does not change the kind."
    assert faults(result) == [(2, "reference", "T-1", sentence)]


def test_kind_column_names_the_kind_of_each_row(tmp_path):
    path = table(
        tmp_path / "t.csv", "reference,name,kind", ["A", "a", ""], ["B", "b", "Tool"], ["C", "c", "boat"]
    )

    result = run(path, "memorabilia")

    assert dict(Item.objects.values_list("reference", "kind")) == {"A": "memorabilia", "B": "tool"}
    assert faults(result) == [(4, "kind", "boat", "The kind must be vehicle, memorabilia or tool.")]


def test_slugs_that_clash_get_a_hash(tmp_path):
    OldSlug.objects.create(slug="car-c", item=ItemFactory.create(slug="car-a", reference="X"))
    path = table(
        tmp_path / "t.csv", "reference,name,slug", ["A", "Car", ""], ["B.1", "Car", ""], ["B-1", "Car", ""],
        ["C", "Car", ""], ["D", "Car", ""], ["E", "Car", "car-d"],
    )  # fmt: skip

    run(path)

    slugs = dict(Item.objects.exclude(reference="X").values_list("reference", "slug"))
    assert [slugs[name][:6] for name in ("A", "B.1", "B-1", "C", "D", "E")] == [
        "car-a-", "car-b-", "car-b-", "car-c-", "car-d-", "car-d",
    ]  # fmt: skip
    assert len(set(slugs.values())) == 6


def test_slug_of_another_item_is_refused(tmp_path):
    ItemFactory.create(reference="X", slug="taken")
    path = table(
        tmp_path / "t.csv", "reference,name,slug", ["A", "a", "taken"], ["B", "b", "mine"], ["C", "c", "mine"]
    )

    result = run(path)

    assert faults(result) == [
        (2, "slug", "taken", "Item with this Slug already exists."),
        (4, "slug", "mine", "Line 3 has the same slug."),
    ]


def test_published_row_gets_the_time_of_the_import(tmp_path):
    ItemFactory.create(reference="A", status="draft")
    path = table(
        tmp_path / "t.csv",
        "reference,name,status",
        ["A", "a", "published"],
        ["B", "b", "Published"],
        ["C", "c", "draft"],
    )

    run(path)

    times = dict(Item.objects.values_list("reference", "published_at"))
    assert (times["A"] is None, times["B"] is None, times["C"]) == (False, False, None)


def test_changed_row_gets_version_and_history_with_the_run(tmp_path):
    user = User.objects.create_user("curator")
    item = ItemFactory.create(reference="A", name="Old")
    path = table(tmp_path / "t.csv", "reference,name", ["A", "New"])

    result = import_file(path=path, target="vehicle", options=ImportOptions(), by=user)

    item.refresh_from_db()
    event = apps.get_model("catalog", "ItemEvent").objects.filter(pgh_obj=item).order_by("pgh_id").last()
    assert (item.version, event.pgh_label, event.name) == (2, "update", "New")
    assert event.pgh_context.metadata == {"import_run": result.run_id, "user": user.pk}


def test_run_is_recorded_with_counts_and_issues(tmp_path):
    user = User.objects.create_user("curator")
    path = table(tmp_path / "stock.csv", "reference,name,price", ["A", "a", "5"], ["B", "b", "five"])

    result = import_file(path=path, target="vehicle", options=ImportOptions(), by=user)

    record = ImportRun.objects.get()
    assert (record.pk, record.file_name, record.state, record.started_by) == (
        result.run_id,
        "stock.csv",
        "done",
        user,
    )
    assert (record.rows, record.created, record.changed, record.unchanged, record.rejected) == (2, 1, 0, 0, 1)
    assert len(record.file_sha256) == 64
    assert record.finished_at is not None
    assert list(record.issues.values_list("line", "column", "value")) == [(3, "price", "five")]


def test_refused_file_leaves_a_failed_run(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("reference,name\nA,a\nB," + '"' + "x" * 5_000_000)

    with pytest.raises(ImportRefused, match=r"^Line 3 cannot be read as CSV .*is a quote left open\?$"):
        run(path)

    assert list(ImportRun.objects.values_list("state", flat=True)) == ["failed"]
    assert not Item.objects.exists()


def test_stored_issues_are_capped_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("catalog.imports.judging.ISSUES_KEPT", 3)
    path = table(tmp_path / "t.csv", "reference,name", *[[f"A-{n}", ""] for n in range(5)])

    result = run(path)

    assert (result.rejected, result.issue_count, len(result.issues)) == (5, 5, 3)
    assert ImportRun.objects.get().issues.count() == 3


def test_productions_land_by_slug_or_title_and_year(tmp_path):
    ProductionFactory.create(title="Goldfinger", slug="goldfinger", years=[1964], franchise="")
    path = table(
        tmp_path / "t.csv",
        "title,years,kind,genres,franchise,external_ids,slug",
        ["goldfinger", "1964", "", "Spy", "Bond", "imdb: tt0058150", ""],
        ["Knight Rider", "1982-1986", "Series", "Action", "", "", ""],
        ["七人の侍", "1954", "", "", "", "", ""],
        ["二十四の瞳", "1954", "", "", "", "", ""],
        ["", "1999", "", "", "", "", "new-slug"],
    )

    first, second = run(path, "production"), run(path, "production")

    assert (counts(first), counts(second)) == ((3, 1, 0, 1), (0, 0, 4, 1))
    assert faults(first) == [(6, "title", "", "A production needs a title.")]
    bond, knight = Production.objects.get(slug="goldfinger"), Production.objects.get(title="Knight Rider")
    assert (bond.title, bond.franchise, bond.external_ids) == ("goldfinger", "Bond", {"imdb": "tt0058150"})
    assert (knight.slug, knight.kind, knight.years) == (
        "knight-rider-1982",
        "series",
        [1982, 1983, 1984, 1985, 1986],
    )


@pytest.mark.parametrize(
    ("columns", "model", "kept_by_others"),
    [
        (
            ITEM_COLUMNS,
            Item,
            {"id", "created_at", "updated_at", "version", "price_on_request", "no_production_reason"},
        ),
        (PRODUCTION_COLUMNS, Production, {"id", "created_at", "updated_at"}),
    ],
)
def test_every_field_is_a_column_or_kept_elsewhere(columns, model, kept_by_others):
    names = {column.name for column in columns} - {"appearances"}

    assert {field.name for field in model._meta.concrete_fields} == names | kept_by_others


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_queue_up(tmp_path):
    one = table(
        tmp_path / "one.csv", "reference,name,genres", *[[f"A-{n}", "Car", f"G{n % 7}"] for n in range(300)]
    )
    two = table(
        tmp_path / "two.csv",
        "reference,name,genres",
        *[[f"a-{n}", "Car", f"g{n % 7}"] for n in range(299, -1, -1)],
    )

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(in_own_connection, [one, two, one, two]))

    assert sorted(counts(result) for result in results) == [(0, 0, 300, 0)] * 3 + [(300, 0, 0, 0)]
    assert (Item.objects.count(), Term.objects.count()) == (300, 7)


def in_own_connection(path):
    try:
        return run(path)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_large_run_leaves_fresh_statistics(tmp_path, monkeypatch):
    monkeypatch.setattr("catalog.imports.judgement.applying.LARGE_RUN", 5)

    run(table(tmp_path / "t.csv", "reference,name", *[[f"A-{n}", "Car"] for n in range(5)]))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reltuples FROM pg_class WHERE relname IN ('catalog_item', 'catalog_itemsearch') ORDER BY 1"
        )
        assert cursor.fetchall() == [("catalog_item", 5), ("catalog_itemsearch", 5)]


@pytest.mark.django_db(transaction=True)
def test_changed_rows_are_counted_from_an_index_alone_once_settled():
    ItemFactory.create_batch(5)
    Item.objects.update(location="Bonn")

    settle(Item, LARGE_RUN)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples, relpages - relallvisible FROM pg_class WHERE relname = 'catalog_item'"
        )
        assert cursor.fetchone() == (5, 0)
