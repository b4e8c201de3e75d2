"""Renditions of an asset: in the bucket first, then shown all at once; made anew when anything has changed."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection

from catalog.models import MediaAsset, MediaState, Processing, rendition_name
from catalog.tests.factories import MediaAssetFactory
from marketplace.tests.database import database_address
from media_sync import storage
from media_sync.errors import BucketUnavailable
from media_sync.pictures import recipes, rendering
from media_sync.pictures.errors import PictureRefused
from media_sync.pictures.sandbox import Sandbox
from media_sync.tests.pictures.making import furthest, opened, pixel, quartered, saved

CONTENT = saved(quartered(700, 500), "JPEG")
# A worker that is killed when all files are in the bucket, and none is shown.
KILLED = """
import os, signal, sys
from pathlib import Path
import django
os.environ["DJANGO_SETTINGS_MODULE"] = "marketplace.settings"
django.setup()
from catalog.models import MediaAsset
from media_sync.pictures import rendering
from media_sync.pictures.sandbox import Sandbox
rendering._show = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with Sandbox() as sandbox:
    rendering.render_asset(MediaAsset.objects.get(pk=sys.argv[1]), Path(sys.argv[2]), sandbox)
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as found:
        yield found


@pytest.fixture(autouse=True)
def _shapes(settings) -> None:
    settings.MEDIA_RATIOS = ["1:1"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    (folder / "original").write_bytes(CONTENT)
    return folder / "original"


def an_asset(**columns) -> MediaAsset:
    known = {
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "width": 700,
        "height": 500,
        "processing": Processing.RENDERING,
    }
    return MediaAssetFactory.create(**{**known, **columns})


def render(asset: MediaAsset, path: Path, sandbox: Sandbox) -> bool:
    """Render as a pass of the worker does: by what the row holds now, in a folder of its own."""
    shutil.rmtree(path.parent / "renditions", ignore_errors=True)
    return rendering.render_asset(asset, path, sandbox)


def objects() -> dict[str, int]:
    """Return keys and sizes of all that is in the bucket."""
    found = storage.client().list_objects_v2(Bucket=django_settings.S3_BUCKET).get("Contents", [])
    return {each["Key"]: each["Size"] for each in found}


@pytest.mark.django_db
def test_rendering_shows_what_is_in_the_bucket(bucket, path, sandbox):
    asset = an_asset()

    assert render(asset, path, sandbox)

    asset.refresh_from_db()
    assert asset.processing == Processing.READY
    assert asset.rendered_as == rendering.folder_of(asset)
    assert [rendition_name(each) for each in asset.renditions] == [
        "full-320.avif", "full-640.avif", "full-700.avif", "full-320.webp", "full-640.webp", "full-700.webp",
        "1x1-320.avif", "1x1-500.avif", "1x1-320.webp", "1x1-500.webp",
    ]  # fmt: skip
    told = {rendering.key_of(asset.rendered_as, each): each["size"] for each in asset.renditions}
    assert objects() == told


@pytest.mark.django_db
def test_renditions_may_be_kept_for_ever(bucket, path, sandbox):
    asset = an_asset()
    render(asset, path, sandbox)
    asset.refresh_from_db()

    for each in asset.renditions:
        key = rendering.key_of(asset.rendered_as, each)
        found = storage.client().get_object(Bucket=bucket, Key=key)
        assert found["ContentType"] == f"image/{each['format']}"
        assert found["CacheControl"] == "public, max-age=31536000, immutable"
        assert found["ContentDisposition"] == "inline"
        assert opened(found["Body"].read()).size == (each["width"], each["height"])


@pytest.mark.django_db
def test_rendering_again_sends_nothing(bucket, path, sandbox):
    asset = an_asset()
    render(asset, path, sandbox)
    for key in objects():
        storage.client().delete_object(Bucket=bucket, Key=key)
    asset.refresh_from_db()
    before = asset.renditions

    assert render(asset, path, sandbox)

    asset.refresh_from_db()
    assert (asset.processing, asset.renditions) == (Processing.READY, before)
    assert objects() == {}


@pytest.mark.django_db
def test_renditions_follow_the_focal_point(bucket, path, sandbox):
    asset = an_asset()
    render(asset, path, sandbox)
    asset.refresh_from_db()
    before = asset.rendered_as
    asset.focal_x = 0.0
    asset.save()
    asset.refresh_from_db()
    assert asset.processing == Processing.RENDERING

    render(asset, path, sandbox)

    asset.refresh_from_db()
    square = (
        storage.client().get_object(Bucket=bucket, Key=f"{asset.rendered_as}/1x1-320.webp")["Body"].read()
    )
    assert furthest([pixel(opened(square), (210, 80))], [(255, 0, 0)]) <= 15  # it was lime there, before
    assert asset.rendered_as != before


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"focal_x": 0.1},
        {"etag": "another"},
        {"sha256": "ab" * 32},
        {"state": MediaState.QUARANTINED},
        {"processing": Processing.REFUSED, "refusal": "It is damaged."},
    ],
)
def test_renditions_of_what_has_changed_meanwhile_are_not_shown(bucket, path, sandbox, change):
    asset = an_asset()
    MediaAsset.objects.filter(pk=asset.pk).update(**change)

    assert not render(asset, path, sandbox)

    asset.refresh_from_db()
    assert (asset.renditions, asset.rendered_as) == ([], "")
    assert asset.processing != Processing.READY


@pytest.mark.django_db
def test_old_renditions_are_shown_until_the_new_ones_are_all_there(bucket, path, sandbox, settings):
    asset = an_asset()
    render(asset, path, sandbox)
    asset.refresh_from_db()
    before = (asset.renditions, asset.rendered_as)
    MediaAsset.objects.filter(pk=asset.pk).update(focal_x=0.9)
    asset.refresh_from_db()
    settings.S3_BUCKET = "nobody-made-this"

    with pytest.raises(BucketUnavailable):
        render(asset, path, sandbox)

    asset.refresh_from_db()
    assert (asset.renditions, asset.rendered_as) == before
    assert asset.processing == Processing.RENDERING


@pytest.mark.django_db(transaction=True)
def test_worker_killed_between_upload_and_showing_is_followed_by_another(bucket, path, sandbox):
    asset = an_asset()
    environment = os.environ | {
        "DATABASE_URL": database_address(),
        "S3_BUCKET": bucket,
        "MEDIA_RATIOS": "1:1",
    }

    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(asset.pk), str(path)],
        cwd=django_settings.BASE_DIR,
        env=environment,
        check=False,
    )

    assert killed.returncode == -signal.SIGKILL
    left_behind = objects()
    asset.refresh_from_db()
    assert (len(left_behind), asset.rendered_as, asset.processing) == (10, "", Processing.RENDERING)

    assert render(asset, path, sandbox)

    assert objects() == left_behind
    asset.refresh_from_db()
    assert asset.processing == Processing.READY


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_one_asset_end_alike(bucket, path, tmp_path):
    asset = an_asset()
    both = threading.Barrier(2, timeout=60)

    def work(number: int) -> bool:
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "original").write_bytes(CONTENT)
        try:
            mine = MediaAsset.objects.get(pk=asset.pk)
            with Sandbox() as another:
                both.wait()
                return rendering.render_asset(mine, folder / "original", another)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, range(2))) == [True, True]

    asset.refresh_from_db()
    told = {rendering.key_of(asset.rendered_as, each): each["size"] for each in asset.renditions}
    assert (asset.processing, objects()) == (Processing.READY, told)


@pytest.mark.django_db
@pytest.mark.parametrize("left", ["nothing", "another format", "a link"])
def test_child_that_leaves_something_else_is_not_believed(bucket, path, sandbox, monkeypatch, left):
    ask = Sandbox.ask

    def tampered(self, command, **options):
        answer = ask(self, command, **options)
        file = Path(command["out"]) / "full-320.webp"
        file.unlink()
        if left == "another format":
            file.write_bytes(CONTENT)
        elif left == "a link":
            file.symlink_to(Path(command["out"]) / "full-640.webp")
        return answer

    monkeypatch.setattr(Sandbox, "ask", tampered)

    with pytest.raises(PictureRefused, match=r"left no full-320\.webp"):
        render(an_asset(), path, sandbox)

    assert objects() == {}


@pytest.mark.django_db
@pytest.mark.parametrize("ratios", [[], ["1:1"], ["16:9", "1:1"]])
def test_folders_are_named_alike_here_and_in_sql(settings, ratios):
    settings.MEDIA_RATIOS = ratios
    points = [(0.5, 0.5), (0.0, 1.0), (0.12345, 0.00005), (0.33335, 0.66665), (1e-9, 0.99999)]
    assets = [an_asset(focal_x=x, focal_y=y, processing=Processing.READY) for x, y in points]
    for asset in assets:
        MediaAsset.objects.filter(pk=asset.pk).update(rendered_as=rendering.folder_of(asset))

    assert rendering.outdated() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["shapes", "recipe"])
def test_another_recipe_lets_pictures_be_made_anew(settings, monkeypatch, change):
    asset = an_asset(processing=Processing.READY)
    MediaAsset.objects.filter(pk=asset.pk).update(rendered_as=rendering.folder_of(asset))
    MediaAssetFactory.create(state=MediaState.MISSING, processing=Processing.READY)
    MediaAssetFactory.create(kind="video", processing=Processing.READY)
    MediaAssetFactory.create(processing=Processing.REFUSED, refusal="It is damaged.")
    if change == "shapes":
        settings.MEDIA_RATIOS = ["1:1", "4:3"]
    else:
        monkeypatch.setattr(recipes, "VERSION", recipes.VERSION + 1)

    assert rendering.outdated() == 1
    assert rendering.mark_outdated() == 1
    assert rendering.mark_outdated() == 0

    asset.refresh_from_db()
    assert asset.processing == Processing.RENDERING
