"""Files in the admin: taken out of sight, and brought back."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.tests.people import browser, holder, member
from catalog.models import MediaAsset, MediaState
from catalog.tests.factories import MediaAssetFactory, ToolFactory, VehicleFactory

pytestmark = pytest.mark.django_db
LIST = reverse("admin:catalog_mediaasset_changelist")


def chosen(client, action, *assets):
    """Let the action have these rows; return what the page says then."""
    body = {"action": action, "_selected_action": [asset.pk for asset in assets]}
    return [str(message) for message in client.post(LIST, body, follow=True).context["messages"]]


def states() -> dict[str, str]:
    return dict(MediaAsset.objects.values_list("key", "state"))


def test_files_go_into_quarantine_and_back():
    client = browser(member("Curator"))
    one, two = MediaAssetFactory.create(key="1.jpg"), MediaAssetFactory.create(key="2.jpg")

    said = chosen(client, "quarantine", one, two)
    assert (said, states()) == (
        ["2 media assets put into quarantine."], {"1.jpg": "quarantined", "2.jpg": "quarantined"},
    )  # fmt: skip

    said = chosen(client, "restore", one)
    assert (said, states()) == (["1 media asset restored."], {"1.jpg": "present", "2.jpg": "quarantined"})


def test_files_of_other_kinds_are_left_as_they_were():
    rights = ("view_mediaasset", "delete_mediaasset", "view_tool", "change_vehicle")
    client = browser(holder(*[f"catalog.{right}" for right in rights]))
    mine = MediaAssetFactory.create(key="mine.jpg", item=VehicleFactory.create())
    other = MediaAssetFactory.create(key="other.jpg", item=ToolFactory.create())

    said = chosen(client, "quarantine", mine, other)

    assert said == [
        "1 left as they were: you may not change their items.",
        "1 media asset put into quarantine.",
    ]
    assert states() == {"mine.jpg": "quarantined", "other.jpg": "present"}


def test_missing_file_is_not_restored_from_anywhere():
    asset = MediaAssetFactory.create(key="1.jpg", state=MediaState.MISSING)

    said = chosen(browser(member("Curator")), "restore", asset)

    assert (said, states()) == (["0 media assets restored."], {"1.jpg": "missing"})


def test_quarantine_does_not_delete_by_the_page_of_a_row():
    asset = MediaAssetFactory.create()

    answer = browser(member("Administrator")).post(
        reverse("admin:catalog_mediaasset_delete", args=[asset.pk]), {"post": "yes"}
    )

    assert (answer.status_code, MediaAsset.objects.count()) == (403, 1)


@pytest.mark.parametrize(("minutes", "told"), [(16, True), (14, False)])
def test_page_of_a_file_that_waits_for_long_says_why_that_may_be(minutes, told):
    asset = MediaAssetFactory.create(processing="waiting")
    MediaAsset.objects.filter(pk=asset.pk).update(updated_at=timezone.now() - timedelta(minutes=minutes))
    address = reverse("admin:catalog_mediaasset_change", args=[asset.pk])

    page = browser(member("Curator")).get(address).content.decode()

    assert "To be read" in page
    assert ("it lies in an archive (such as Glacier)" in page) == told
