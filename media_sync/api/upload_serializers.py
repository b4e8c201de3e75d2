"""Uploads as the API takes and tells them."""

from typing import Any

from rest_framework import serializers

from catalog.api.bodies import Body
from catalog.api.links import Links, Row
from catalog.api.serializers import Shape
from marketplace.parameters import LARGEST_INTEGER
from media_sync.models import Upload, UploadState
from media_sync.uploads.limits import ACCEPTED, IN_ONE_PIECE, MIB, MOST_BYTES
from media_sync.uploads.presign import Doors

LONGEST_GIVEN_NAME = 2000  # characters; what is kept of it is shorter
LIMITS = ", ".join(f"{kind.label.lower()}s up to {most // MIB} MiB" for kind, most in MOST_BYTES.items())


class AnnounceSerializer(Body):
    """A file that is to be sent."""

    name = serializers.CharField(
        max_length=LONGEST_GIVEN_NAME,
        help_text="What the file is called; shown to staff, no key is made of it.",
    )
    size = serializers.IntegerField(
        min_value=1, max_value=max(MOST_BYTES.values()), help_text=f"Bytes: {LIMITS}."
    )
    type = serializers.ChoiceField(choices=tuple(ACCEPTED), help_text="The content decides in the end.")
    sha256 = serializers.RegexField(
        r"^[0-9a-f]{64}$", help_text="Of the file, in hexadecimal digits in lower case."
    )
    item = serializers.SlugField(
        max_length=255,
        allow_null=True,
        default=None,
        allow_unicode=True,
        help_text="Slug of the item; null: none yet.",
    )
    position = serializers.IntegerField(
        min_value=0,
        max_value=LARGEST_INTEGER,
        allow_null=True,
        default=None,
        help_text="The lowest is the cover; null: behind the item's last.",
    )


class PartSerializer(Shape):
    number = serializers.IntegerField()
    offset = serializers.IntegerField(help_text="Where the part begins in the file.")
    size = serializers.IntegerField(help_text="Bytes of the part.")
    url = serializers.URLField(help_text="PUT the part's bytes here.")


class SendSerializer(Shape):
    """Where the bytes go: straight to the bucket."""

    method = serializers.ChoiceField(choices=("PUT",))
    url = serializers.URLField(allow_null=True, help_text="PUT the file here; null: it is sent in parts.")
    headers = serializers.DictField(
        child=serializers.CharField(), help_text="To be sent with it, exactly so; no others."
    )
    expires_at = serializers.DateTimeField(help_text="Until then the addresses work; a GET gives new ones.")
    part_size = serializers.IntegerField(
        allow_null=True, help_text=f"Bytes of all parts but the last, above {IN_ONE_PIECE // MIB} MiB."
    )
    parts = PartSerializer(many=True, help_text="Those that have not arrived yet.")


class UploadAssetSerializer(Shape):
    id = serializers.IntegerField()
    url = serializers.URLField(help_text="The file's record under /v1/media/.")


class UploadLinksSerializer(Shape):
    complete = serializers.URLField(help_text="POST, once everything was sent.")
    content = serializers.URLField(help_text="PUT the bytes here where a page may not send to the bucket.")


class MediaUploadSerializer(Shape):
    id = serializers.UUIDField()
    url = serializers.URLField(help_text="The upload's own address.")
    state = serializers.ChoiceField(choices=UploadState.choices)
    message = serializers.CharField(allow_blank=True, help_text="What happened, in one sentence.")
    name = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    type = serializers.CharField()
    sha256 = serializers.CharField()
    item = serializers.CharField(allow_null=True, help_text="Slug.")
    position = serializers.IntegerField(allow_null=True)
    asset = UploadAssetSerializer(allow_null=True, help_text="Once it is done.")
    send = SendSerializer(allow_null=True, help_text="While the upload waits for its file.")
    links = UploadLinksSerializer()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


def address_of(upload: Upload, links: Links) -> str:
    return f"{links.to('media-upload-list')}{upload.pk}/"


def upload_json(upload: Upload, doors: Doors | None, links: Links) -> Row:
    """Shape one upload. Its item is fetched with it."""
    here = address_of(upload, links)
    asset = upload.asset_id
    return {
        "id": upload.pk,
        "url": here,
        "state": upload.state,
        "message": upload.message,
        "name": upload.file_name,
        "size": upload.size,
        "type": upload.content_type,
        "sha256": upload.sha256,
        "item": upload.item.slug if upload.item else None,
        "position": upload.position,
        "asset": {"id": asset, "url": f"{links.to('media-list')}{asset}/"} if asset else None,
        "send": _send_json(upload, doors) if doors else None,
        "links": {"complete": f"{here}complete/", "content": f"{here}content/"},
        "created_at": upload.created_at,
        "finished_at": upload.finished_at,
    }


def _send_json(upload: Upload, doors: Doors) -> dict[str, Any]:
    return {
        "method": "PUT",
        "url": doors.url or None,
        "headers": doors.headers,
        "expires_at": doors.expires_at,
        "part_size": upload.part_size or None,
        "parts": [part._asdict() for part in doors.parts],
    }
