"""`manage.py render_media`."""

import json

import pytest
from django.core.management import call_command

from catalog.models import MediaAsset, Processing
from catalog.tests.factories import MediaAssetFactory
from media_sync.pictures import rendering
from media_sync.tasks import nightly_renditions

pytestmark = pytest.mark.django_db


@pytest.fixture
def outdated(settings) -> MediaAsset:
    """A picture that was made when there were no shapes, and one that was made by today's settings."""
    old = MediaAssetFactory.create(sha256="ab" * 32, processing=Processing.READY)
    MediaAsset.objects.filter(pk=old.pk).update(rendered_as=rendering.folder_of(old))
    settings.MEDIA_RATIOS = ["4:3"]
    new = MediaAssetFactory.create(sha256="ab" * 32, processing=Processing.READY)
    MediaAsset.objects.filter(pk=new.pk).update(rendered_as=rendering.folder_of(new))
    return old


def being_rendered() -> list[int]:
    return list(MediaAsset.objects.filter(processing=Processing.RENDERING).values_list("pk", flat=True))


def test_render_media_marks_what_is_outdated(outdated, capsys):
    call_command("render_media", "--json")

    assert json.loads(capsys.readouterr().out) == {"dry_run": False, "pictures": 1}
    assert being_rendered() == [outdated.pk]


def test_render_media_on_a_dry_run_changes_nothing(outdated, capsys):
    with pytest.raises(SystemExit, match="1"):
        call_command("render_media", "--dry-run")

    assert capsys.readouterr().out == "Pictures whose renditions would be made anew: 1.\n"
    assert being_rendered() == []


def test_render_media_without_anything_outdated_says_so(capsys):
    call_command("render_media")

    assert capsys.readouterr().out == "The renditions of all pictures are as the settings want them.\n"


def test_worker_looks_for_what_is_outdated_at_night(outdated):
    nightly_renditions(timestamp=0)

    assert being_rendered() == [outdated.pk]
