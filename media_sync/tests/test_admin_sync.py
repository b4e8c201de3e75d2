"""The button that starts a sync."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from playwright.sync_api import Page, expect
from procrastinate.contrib.django.models import ProcrastinateJob

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
