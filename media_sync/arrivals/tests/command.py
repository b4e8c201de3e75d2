"""`manage.py import_media`, as tests run it, and what it leaves behind."""

import json
from typing import Any

import pytest
from django.core.management import call_command

from catalog.models import MediaAsset
from media_sync.storage import client


def run(*arguments: str) -> int:
    """Run the command; return its exit code."""
    try:
        call_command("import_media", *arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Return what the command tells machines, without what differs from run to run."""
    run(*arguments, "--json")
    answer = json.loads(capsys.readouterr().out)
    del answer["seconds"]
    return answer


def counts(answer: dict[str, Any]) -> dict[str, int]:
    names = ("stored", "duplicate", "unmatched", "refused", "waiting")
    return {name: answer[name] for name in names if answer[name]}


def stored() -> list[tuple[str | None, int, str]]:
    rows = MediaAsset.objects.order_by("item__reference", "position", "original_name")
    return list(rows.values_list("item__reference", "position", "original_name"))


def objects(bucket: str) -> int:
    return client().list_objects_v2(Bucket=bucket)["KeyCount"]
