"""The pages of syncs: the button that starts one, and what is shown of a run."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from procrastinate.contrib.django.models import ProcrastinateJob

from catalog.tests.factories import MediaAssetFactory
from media_sync.models import SyncRun, SyncState
from media_sync.tasks import sync_now

SYNC_NOW = "/admin/media_sync/syncrun/sync_now/"


def waiting() -> list[str]:
    return list(ProcrastinateJob.objects.filter(status="todo").values_list("task_name", flat=True))


@pytest.mark.django_db
def test_sync_now_enqueues_one_sync(admin_client: Client) -> None:
    answers = [admin_client.post(SYNC_NOW, {"_form_submitted": "on"}) for _ in range(2)]

    assert [answer.headers["HX-Redirect"] for answer in answers] == ["/admin/media_sync/syncrun/"] * 2
    assert waiting() == ["media_sync.tasks.sync_now"]


@pytest.mark.django_db
def test_sync_now_opened_only_asks(admin_client: Client) -> None:
    answer = admin_client.get(SYNC_NOW)

    assert "Sync the bucket now?" in answer.content.decode()
    assert waiting() == []


@pytest.mark.django_db
def test_sync_now_without_the_right_is_refused(client: Client, django_user_model: Any) -> None:
    viewer = django_user_model.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_syncrun"))
    client.force_login(viewer)

    answer = client.post(SYNC_NOW, {"_form_submitted": "on"})

    assert answer.status_code == 403
    assert "Sync now" not in client.get("/admin/media_sync/syncrun/").content.decode()


@pytest.mark.browser
@pytest.mark.usefixtures("empty_queue")
@pytest.mark.django_db(transaction=True)
def test_sync_now_pressed_and_confirmed(staff_page: Page) -> None:
    staff_page.goto("/admin/media_sync/syncrun/")
    staff_page.get_by_text("Sync now").first.click()

    staff_page.get_by_role("button", name="Sync now").click()

    expect(staff_page.get_by_text("The sync is enqueued")).to_be_visible()
    assert waiting() == ["media_sync.tasks.sync_now"]


@pytest.mark.browser
@pytest.mark.usefixtures("empty_queue")
@pytest.mark.django_db(transaction=True)
def test_list_follows_a_run_to_its_end(staff_page: Page) -> None:
    run = SyncRun.objects.create(bucket="catalogue", listed=12, seen_at=timezone.now() + timedelta(hours=1))
    staff_page.goto("/admin/media_sync/syncrun/")
    expect(staff_page.get_by_text("this list follows it")).to_be_visible()

    SyncRun.objects.filter(pk=run.pk).update(state=SyncState.DONE, listed=34_567)

    expect(staff_page.locator("#result_list")).to_contain_text("34567")
    expect(staff_page.locator("#result_list")).to_contain_text("Done")
    expect(staff_page.get_by_text("this list follows it")).to_have_count(0)


@pytest.mark.django_db
@pytest.mark.parametrize("state", [SyncState.DONE, SyncState.FAILED, SyncState.RUNNING])
def test_list_stands_still_where_nothing_runs(admin_client: Client, state: str) -> None:
    SyncRun.objects.create(bucket="catalogue", state=state, seen_at=timezone.now() - timedelta(hours=1))

    assert "this list follows it" not in admin_client.get("/admin/media_sync/syncrun/").content.decode()


@pytest.mark.django_db
def test_list_follows_a_sync_that_waits_for_the_worker(admin_client: Client) -> None:
    admin_client.post(SYNC_NOW, {"_form_submitted": "on"})

    page = admin_client.get("/admin/media_sync/syncrun/?state__exact=done").content.decode()

    assert 'hx-get="/admin/media_sync/syncrun/?state__exact=done"' in page


@pytest.mark.django_db
def test_page_of_a_run_that_runs_asks_for_itself_anew(admin_client: Client) -> None:
    run = SyncRun.objects.create(bucket="catalogue", phase="Listing", listed=12_000, seen_at=timezone.now())

    page = admin_client.get(f"/admin/media_sync/syncrun/{run.pk}/change/").content.decode()

    assert "Listing: 12,000 objects listed so far." in page
    assert f'hx-get="/admin/media_sync/syncrun/{run.pk}/change/" hx-trigger="every 2s"' in page


@pytest.mark.django_db
def test_page_of_a_run_that_ended_links_to_what_it_counted(admin_client: Client) -> None:
    run = SyncRun.objects.create(
        bucket="catalogue", prefix="vehicles/a", state=SyncState.DONE, seconds=3.25, missing=2, unassigned=4,
        duplicates=1, log="10:00:00 Listing\n10:00:03 Writing",
    )  # fmt: skip

    page = admin_client.get(f"/admin/media_sync/syncrun/{run.pk}/change/").content.decode()

    assert "It took 3.2 seconds." in page
    assert "every 2s" not in page
    assert "<li>10:00:03 Writing</li>" in page
    for link in (
        "?state__exact=missing&amp;q=vehicles%2Fa",
        "?assigned=no&amp;state__exact=present&amp;q=vehicles%2Fa",
        "?content=twice&amp;state__exact=present&amp;q=vehicles%2Fa",
    ):
        assert f'href="/admin/catalog/mediaasset/{link}"' in page


@pytest.mark.django_db
def test_list_of_media_narrows_to_content_that_is_there_twice(admin_client: Client) -> None:
    same = MediaAssetFactory.create_batch(2, sha256="a" * 64)
    MediaAssetFactory.create(sha256="b" * 64)
    MediaAssetFactory.create_batch(2)

    answer = admin_client.get("/admin/catalog/mediaasset/?content=twice&state__exact=present")

    assert set(answer.context["cl"].result_list.values_list("pk", flat=True)) == {asset.pk for asset in same}


@pytest.mark.django_db
def test_page_of_a_run_that_is_silent_says_so(admin_client: Client) -> None:
    run = SyncRun.objects.create(bucket="catalogue", seen_at=timezone.now() - timedelta(hours=1))

    page = admin_client.get(f"/admin/media_sync/syncrun/{run.pk}/change/").content.decode()

    assert "if it was killed, the next one goes on." in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("dry_run", "what", "title"),
    [
        pytest.param(False, "Deleting for good", "Objects deleted for good", id="purge"),
        pytest.param(True, "Deleting for good (rehearsal)", "Objects to delete for good", id="rehearsal"),
    ],
)
def test_pages_of_a_purge_say_what_it_deleted(
    admin_client: Client, dry_run: bool, what: str, title: str
) -> None:
    run = SyncRun.objects.create(bucket="catalogue", state=SyncState.DONE, deleted=1234, dry_run=dry_run)

    listed = admin_client.get("/admin/media_sync/syncrun/").content.decode()
    page = admin_client.get(f"/admin/media_sync/syncrun/{run.pk}/change/").content.decode()

    assert what in listed
    assert f"<dt>{title}</dt><dd>1,234</dd>" in page
    assert "Objects listed" not in page


@pytest.mark.usefixtures("empty_queue")
@pytest.mark.django_db(transaction=True)
def test_sync_now_notes_who_started_it(admin_client: Client, admin_user: Any, bucket: str) -> None:
    admin_client.post(SYNC_NOW, {"_form_submitted": "on"})

    sync_now(**ProcrastinateJob.objects.get(task_name="media_sync.tasks.sync_now").args)

    assert SyncRun.objects.get().started_by == admin_user
