"""`manage.py sync_s3`: what its user sees."""

import json

import pytest
from django.core.management import CommandError, call_command

from catalog.tests.factories import MediaAssetFactory, VehicleFactory
from marketplace.commands import CannotRun
from media_sync.models import SyncRun
from media_sync.tests.fixtures import put

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> int:
    """Run the command; return its exit code."""
    try:
        call_command("sync_s3", *arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_command_tells_what_it_did(bucket, capsys):
    VehicleFactory.create(slug="db5")
    MediaAssetFactory.create(key="vehicles/db5/gone.jpg")
    put("vehicles/db5/1.jpg", "vehicles/nobody/1.jpg", "renditions/1.webp")

    code = run()

    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert code == 0
    assert lines[0].startswith(f"Bucket {bucket}: 3 objects listed in ")
    assert lines[1:] == [
        "Now: 2 new, 0 changed, 0 moved, 0 returned, 1 missing, 0 unchanged.",
        "Passed over: 1 (renditions 1 or more).",
        "By storage class: STANDARD 2.",
        "Missing from the bucket: 1 ('vehicles/db5/gone.jpg').",
        "Belong to no item: 1 ('vehicles/nobody/1.jpg').",
        "Content that is there more than once: 1 ('vehicles/db5/1.jpg').",
        "Records whose object is missing: 1. Objects without a record: 0.",
    ]


def test_command_tells_which_files_found_their_item(bucket, capsys):
    put("vehicles/db5/1.jpg")
    run()
    VehicleFactory.create(slug="db5")

    run()

    assert "1 known objects found their item." in capsys.readouterr().out.splitlines()


def test_command_tells_machines(bucket, capsys):
    put("vehicles/nobody/1.jpg")

    code = run("--json", "--prefix", "vehicles/")

    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert told.pop("seconds") > 0
    assert told == {
        "bucket": bucket, "prefix": "vehicles/", "dry_run": False, "run": SyncRun.objects.get().pk, "listed": 1,
        "created": 1, "changed": 0, "moved": 0, "returned": 0, "missing": 0, "unchanged": 0, "unassigned": 1,
        "assigned": 0, "ignored": 0, "duplicates": 0, "collisions": 0, "ambiguous": 0, "absent": 0, "unrecorded": 0,
        "ignored_by_reason": {}, "storage_classes": {"STANDARD": 1}, "refused": "", "unstorable_keys": [], "missing_keys": [],
        "unassigned_keys": ["vehicles/nobody/1.jpg"], "moved_keys": [], "duplicate_keys": [], "collision_keys": [],
        "plan": "",
    }  # fmt: skip


def test_command_on_a_dry_run_ends_with_1_if_something_would_change(bucket, capsys):
    put("vehicles/nobody/1.jpg")

    first = run("--dry-run")
    run()
    second = run("--dry-run")

    assert (first, second) == (1, 0)
    assert list(SyncRun.objects.order_by("pk").values_list("dry_run", flat=True)) == [True, False, True]
    assert (
        "Would be: 1 new, 0 changed, 0 moved, 0 returned, 0 missing, 0 unchanged." in capsys.readouterr().out
    )


def test_command_that_refuses_to_mark_missing_ends_with_1(bucket, capsys):
    MediaAssetFactory.create_batch(3)
    put("vehicles/nobody/1.jpg")

    code = run("--max-missing", "2")

    assert code == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("3 of 3 known objects are not in the bucket")


@pytest.mark.parametrize(("given", "code"), [("99%", 1), ("3", 0), ("2", 1), ("0", 1), ("100%", 0)])
def test_command_takes_a_cap_as_number_or_share(bucket, given, code):
    MediaAssetFactory.create_batch(3)
    put("vehicles/nobody/1.jpg")

    assert run("--max-missing", given) == code


@pytest.mark.parametrize("given", ["x", "-1", "101%", "5 %", "%", "", "1.5%", "٣"])
def test_command_refuses_other_caps(given):
    with pytest.raises(CommandError, match="is neither a number, such as 250, nor a share, such as 5%"):
        call_command("sync_s3", f"--max-missing={given}")


def test_command_without_its_bucket_cannot_run(settings):
    settings.S3_BUCKET = "nobody-made-this"

    with pytest.raises(CannotRun, match=r"^Bucket nobody-made-this does not exist at .* set S3_BUCKET\.$"):
        call_command("sync_s3")


def test_command_with_an_impossible_prefix_cannot_run(bucket):
    with pytest.raises(CannotRun, match=r"^No object's key can begin with the prefix 'a\\x00'\.$"):
        call_command("sync_s3", prefix="a\0")
