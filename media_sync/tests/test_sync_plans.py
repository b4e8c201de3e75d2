"""A plan does what it says, or nothing."""

import hashlib
import json

import pytest
from django.core.management import call_command

from catalog.models import Item, MediaAsset
from catalog.tests.factories import MediaAssetFactory, VehicleFactory
from marketplace.commands import CannotRun
from media_sync.errors import SyncRefused
from media_sync.models import SyncRun, SyncState
from media_sync.reconcile.sync import apply_plan, sync_bucket
from media_sync.tests.fixtures import counts, put, remove, row_versions

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan(bucket, tmp_path):
    """A plan of one decision of each sort: new, changed, moved, returned, missing, assigned."""
    put("vehicles/a/changed.jpg", "vehicles/a/gone.jpg", "vehicles/a/back.jpg", "vehicles/late/1.jpg")
    put("vehicles/a/old.jpg", body=b"to be moved")
    sync_bucket()
    MediaAsset.objects.filter(key="vehicles/a/back.jpg").update(state="missing")
    VehicleFactory.create(slug="late")
    put("vehicles/a/changed.jpg", body=b"changed")
    put("vehicles/a/new.jpg", body=b"new")
    put("vehicles/a/moved.jpg", body=b"to be moved")
    remove("vehicles/a/gone.jpg", "vehicles/a/old.jpg")
    path = tmp_path / "plan.jsonl"
    sync_bucket(plan=path)
    return path


EACH = {"created": 1, "changed": 1, "moved": 1, "returned": 1, "missing": 1, "assigned": 1}


def test_plan_writes_its_decisions_and_changes_nothing(bucket, tmp_path):
    MediaAssetFactory.create(key="vehicles/gone/1.jpg", etag="e", size=3)
    put("vehicles/a/é \n.jpg")
    before, path = row_versions(), tmp_path / "plan.jsonl"

    result = sync_bucket(plan=path)

    head, *lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert (head["bucket"], head["prefix"], head["counts"]) == (bucket, "", {"create": 1, "missing": 1})
    assert [(line["action"], line["key"]) for line in lines] == [
        ("create", "vehicles/a/é \n.jpg"), ("missing", "vehicles/gone/1.jpg"),
    ]  # fmt: skip
    assert (result.exit_code, result.plan) == (1, str(path))
    assert row_versions() == before
    assert SyncRun.objects.values_list("state", "created", "missing").get() == (SyncState.PLANNED, 1, 1)


def test_plan_applied_does_what_it_says(plan):
    result = apply_plan(plan)

    assert {name: getattr(result, name) for name in EACH} == EACH
    states = dict(MediaAsset.objects.values_list("key", "state"))
    assert states == {
        "vehicles/a/changed.jpg": "present", "vehicles/a/gone.jpg": "missing", "vehicles/a/back.jpg": "present",
        "vehicles/late/1.jpg": "present", "vehicles/a/moved.jpg": "present", "vehicles/a/new.jpg": "present",
    }  # fmt: skip
    assert counts(sync_bucket()) == {"listed": 5, "unchanged": 5, "unassigned": 4}


def test_plan_applied_equals_a_plain_sync(plan):
    columns = ("key", "state", "item_id", "position", "etag", "size", "source_modified", "kind", "processing")
    apply_plan(plan)
    applied = list(MediaAsset.objects.order_by("key").values_list(*columns))
    MediaAsset.objects.all().delete()
    sync_bucket()

    synced = list(MediaAsset.objects.order_by("key").values_list(*columns))

    assert [row for row in applied if row[1] == "present"] == synced


@pytest.mark.parametrize(
    ("meddle", "key"),
    [
        pytest.param(
            lambda: put("vehicles/a/new.jpg", body=b"newer"), "vehicles/a/new.jpg", id="object changed"
        ),
        pytest.param(lambda: remove("vehicles/a/moved.jpg"), "vehicles/a/moved.jpg", id="object gone"),
        pytest.param(lambda: put("vehicles/a/gone.jpg"), "vehicles/a/gone.jpg", id="object back"),
        pytest.param(
            lambda: put("vehicles/a/old.jpg"), "vehicles/a/moved.jpg", id="moved object copied back"
        ),
    ],
)
def test_plan_refuses_a_bucket_that_moved_on(plan, meddle, key):
    meddle()
    before = row_versions()

    with pytest.raises(SyncRefused, match=f"^'{key}' is not as it was in the bucket .* nothing was done"):
        apply_plan(plan)

    assert row_versions() == before


@pytest.mark.parametrize(
    ("key", "values"),
    [
        pytest.param("vehicles/a/changed.jpg", {"etag": "other"}, id="etag"),
        pytest.param("vehicles/a/changed.jpg", {"size": 99}, id="size"),
        pytest.param("vehicles/a/gone.jpg", {"state": "quarantined"}, id="state"),
        pytest.param("vehicles/a/old.jpg", {"key": "elsewhere"}, id="key"),
        pytest.param("vehicles/a/back.jpg", {"item": "chosen"}, id="item"),
        pytest.param("vehicles/late/1.jpg", {"item": "chosen"}, id="item chosen meanwhile"),
    ],
)
def test_plan_refuses_a_catalogue_that_moved_on(plan, key, values):
    if "item" in values:
        values = {"item": VehicleFactory.create(slug="chosen")}
    MediaAsset.objects.filter(key=key).update(**values)
    before = row_versions()

    with pytest.raises(SyncRefused, match=r"is not as it was in the catalogue .* nothing was done"):
        apply_plan(plan)

    assert row_versions() == before
    assert SyncRun.objects.latest("pk").state == SyncState.FAILED


def test_plan_refuses_an_item_that_was_deleted(plan):
    Item.objects.all().delete()

    with pytest.raises(SyncRefused, match=r"^'vehicles/late/1.jpg' is not as it was in the catalogue"):
        apply_plan(plan)


def test_plan_is_not_done_twice(plan):
    apply_plan(plan)

    with pytest.raises(SyncRefused, match=r"is not as it was in the catalogue"):
        apply_plan(plan)


def test_plan_of_another_bucket_is_refused(plan, settings):
    head, *lines = plan.read_text().splitlines(keepends=True)
    plan.write_text("".join([head.replace(settings.S3_BUCKET, "another"), *lines]))

    with pytest.raises(SyncRefused, match=r"^The plan is of bucket another at .* nothing was done\.$"):
        apply_plan(plan)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        pytest.param(lambda text: text[:-20], "is not as it was written", id="cut short"),
        pytest.param(
            lambda text: text.replace("new.jpg", "neu.jpg"), "is not as it was written", id="edited"
        ),
        pytest.param(lambda text: "", "its first line says nothing", id="empty"),
        pytest.param(lambda text: "[1]\n", "its first line says nothing", id="a list"),
        pytest.param(lambda text: '{"plan": 1}\n', "its first line says nothing", id="half a head"),
        pytest.param(lambda text: "\xff\x00\n", "its first line says nothing", id="no text"),
        pytest.param(lambda text: text.replace('"plan": 1', '"plan": 2'), "another version", id="version"),
    ],
)
def test_plan_that_is_none_of_ours_is_refused(plan, edit, sentence):
    plan.write_text(edit(plan.read_text()))

    with pytest.raises(SyncRefused, match=sentence):
        apply_plan(plan)


@pytest.mark.parametrize(
    ("head", "body", "sentence"),
    [
        pytest.param({"prefix": None}, None, "its first line says nothing", id="prefix"),
        pytest.param({"prefix": "a\0"}, None, "No object's key can begin with", id="prefix of no key"),
        pytest.param({"counts": [1]}, None, "its first line says nothing", id="counts"),
        pytest.param({"ignored": {"litter": "x"}}, None, "its first line says nothing", id="ignored"),
        pytest.param({}, b"\xff\n", "is no plan of a sync: ", id="no text"),
        pytest.param({}, b"[1]\n", "is no plan of a sync: ", id="a list"),
        pytest.param({}, b'{"key": "a\\u0000"}\n', "is no plan of a sync: ", id="a key with a NUL"),
        pytest.param({}, b'{"action": "drop"}\n', "its decisions are not those", id="another action"),
    ],
)
def test_plan_that_somebody_made_up_is_refused(plan, head, body, sentence):
    first, rest = plan.read_bytes().split(b"\n", 1)
    rest = rest if body is None else body
    made = {**json.loads(first), "sha256": hashlib.sha256(rest).hexdigest(), **head}
    plan.write_bytes(json.dumps(made).encode() + b"\n" + rest)

    with pytest.raises(SyncRefused, match=sentence):
        apply_plan(plan)


def test_plan_that_is_not_there_is_refused(bucket, tmp_path):
    with pytest.raises(
        SyncRefused, match=r"^The plan .*none\.jsonl cannot be read: No such file or directory\.$"
    ):
        apply_plan(tmp_path / "none.jsonl")


def test_plan_that_cannot_be_written_is_refused(bucket, tmp_path):
    with pytest.raises(SyncRefused, match=r"cannot be written to .*: No such file or directory\.$"):
        sync_bucket(plan=tmp_path / "nowhere" / "plan.jsonl")


def test_command_plans_and_applies(bucket, tmp_path, capsys):
    put("vehicles/a/1.jpg")
    path = str(tmp_path / "plan.jsonl")

    with pytest.raises(SystemExit) as end:
        call_command("sync_s3", "--plan", path)
    call_command("sync_s3", "--apply", path)

    said = capsys.readouterr().out
    assert end.value.code == 1
    assert f"The plan is in {path}; do it with: manage.py sync_s3 --apply {path}" in said
    assert "Now: 1 new, 0 changed" in said


@pytest.mark.parametrize(
    "options",
    [
        {"apply": "p", "prefix": "a"}, {"apply": "p", "dry_run": True}, {"purge_quarantine": True},
        {"apply": "p", "plan": "q"},
    ],
)  # fmt: skip
def test_command_refuses_options_that_do_not_go_together(options):
    with pytest.raises(CannotRun, match=r"go(es)? (together|with)"):
        call_command("sync_s3", **options)
