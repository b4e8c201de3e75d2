"""The pages of images, videos and documents."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from accounts.models import User
from catalog import attaching
from catalog.admin.filters import AssignedFilter, ContentFilter
from catalog.admin.lists import PersonalList
from catalog.admin.thumbnails import PREVIEW, thumbnail
from catalog.admin.watching import Watches
from catalog.admin.words import typed_text, words_page
from catalog.models import (
    Item,
    MediaAsset,
    MediaAssetQuerySet,
    MediaState,
    Processing,
    kinds_seen,
    kinds_with,
)
from marketplace.admin import ChoicesFilter, ModelAdmin, display

STATE_COLOURS = {"Present": "success", "Missing": "danger", "Pending": "info", "Quarantined": "warning"}

LONG_WAIT = timedelta(minutes=15)
WAITS = (
    "{label}. It has waited since {since:%Y-%m-%d %H:%M}: the worker is behind; or the object has gone or changed, which"
    " the next sync sees; or it lies in an archive (such as Glacier), from which it has to be restored first."
)


@admin.register(MediaAsset)
class MediaAssetAdmin(Watches, PersonalList, ModelAdmin):
    """What the bucket holds. The sync adds rows; here they are described and given to an item."""

    sidebar_group = "Vocabularies and media"
    sidebar_icon = "photo_library"
    list_display = ("picture", "key", "item", "position", "kind", "measures", "state_shown", "alt_text")
    list_display_links = ("key",)
    list_select_related = ("item",)
    list_filter = (AssignedFilter, ContentFilter, ("state", ChoicesFilter), ("kind", ChoicesFilter))
    search_fields = ("key",)
    search_help_text = "Start of a key, or of an item's reference"
    ordering = ("-id",)
    sortable_by = ("key",)
    actions = ("quarantine", "restore")
    autocomplete_fields = ("item",)
    readonly_fields = (
        "preview", "whole_key", "kind", "content_type", "size", "width", "height", "etag", "checksum", "state_shown",
        "source_modified", "created_at", "updated_at", "progress", "refusal", "exif",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("preview", "whole_key", "item", "position", "alt_text", "caption")}),
        ("Focal point", {"fields": (("focal_x", "focal_y"),)}),
        ("Object", {"fields": (
            ("state_shown", "kind"), ("progress", "refusal"), "exif", ("content_type", "size"), ("width", "height"), "etag", "checksum",
            "source_modified", ("created_at", "updated_at"),
        )}),
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: MediaAsset | None = None) -> bool:
        return False  # the object stays in the bucket, so the next sync would bring the row back

    def get_queryset(self, request: HttpRequest) -> MediaAssetQuerySet:
        """List what this person may see over the API too: files of no item, and of the kinds that he may see."""
        rows: MediaAssetQuerySet = super().get_queryset(request)
        return rows.visible_to(request.user).select_related("item")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "item":
            kwargs["queryset"] = Item.objects.filter(kind__in=kinds_seen(request.user))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: MediaAssetQuerySet, search_term: str
    ) -> tuple[MediaAssetQuerySet, bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        items = Item.objects.filter(reference__istartswith=text)
        # A union, because OR over two tables could use the index of neither.
        found = MediaAsset.objects.filter(key__startswith=text).values("pk")
        return (
            queryset.filter(pk__in=found.union(MediaAsset.objects.filter(item__in=items).values("pk"))),
            False,
        )

    def get_urls(self) -> list[URLPattern]:
        unassigned = path(
            "unassigned/",
            self.admin_site.admin_view(self.unassigned_view),
            name="catalog_mediaasset_unassigned",
        )
        return [unassigned, *super().get_urls()]

    def unassigned_view(self, request: HttpRequest) -> JsonResponse:
        """Answer one page of the keys that belong to no item and begin with `term`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        keys = MediaAsset.objects.filter(item=None, key__startswith=typed_text(request)).order_by("key")
        return words_page(request, keys.values_list("key", flat=True))

    def has_quarantine_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("catalog.delete_mediaasset"))

    def has_restore_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("catalog.add_mediaasset"))

    @admin.action(description="Put into quarantine", permissions=["quarantine"])
    def quarantine(self, request: HttpRequest, queryset: MediaAssetQuerySet) -> None:
        """Take the files out of sight; their objects stay, and `restore` brings them back."""
        self._set_state(request, queryset, attaching.quarantine_media, "put into quarantine")

    @admin.action(description="Restore from quarantine", permissions=["restore"])
    def restore(self, request: HttpRequest, queryset: MediaAssetQuerySet) -> None:
        self._set_state(request, queryset, attaching.restore_media, "restored")

    def _set_state(
        self, request: HttpRequest, assets: MediaAssetQuerySet, action: Callable[..., int], verb: str
    ) -> None:
        """Let the action have the files of no item, and of the kinds that this person may change."""
        kinds = kinds_with(request.user, "change")
        mine = assets.filter(Q(item=None) | Q(item__kind__in=kinds))
        if left := assets.exclude(Q(item=None) | Q(item__kind__in=kinds)).order_by().count():
            messages.warning(request, f"{left:,} left as they were: you may not change their items.")
        done = action(assets=mine, by=cast(User, request.user))
        what = self.opts.verbose_name if done == 1 else self.opts.verbose_name_plural
        messages.success(request, f"{done:,} {what} {verb}.")

    @display(description="picture")
    def preview(self, asset: MediaAsset) -> SafeString:
        return thumbnail(asset, asset.alt_text or asset.key, PREVIEW)

    @display(description="key")
    def whole_key(self, asset: MediaAsset) -> SafeString:
        return _wrapped(asset.key)

    @display(description="processing")
    def progress(self, asset: MediaAsset) -> str:
        label = str(Processing(asset.processing).label)
        waits = asset.processing in (Processing.WAITING, Processing.RENDERING)
        if not waits or asset.state != MediaState.PRESENT or asset.updated_at > timezone.now() - LONG_WAIT:
            return label
        return WAITS.format(label=label, since=localtime(asset.updated_at))

    @display(description="SHA-256")
    def checksum(self, asset: MediaAsset) -> SafeString:
        return _wrapped(asset.sha256)

    @display(description="")
    def picture(self, asset: MediaAsset) -> SafeString:
        return thumbnail(asset, asset.alt_text or asset.key)

    @display(description="size")
    def measures(self, asset: MediaAsset) -> str:
        pixels = f"{asset.width} \u00d7 {asset.height}, " if asset.width and asset.height else ""
        return f"{pixels}{filesizeformat(asset.size)}"

    @display(description="state", label=STATE_COLOURS)
    def state_shown(self, asset: MediaAsset) -> str:
        return str(MediaState(asset.state).label)


def _wrapped(text: str) -> SafeString:
    """Show a long text without blanks so that it fits a narrow screen."""
    return format_html('<span style="overflow-wrap: anywhere">{}</span>', text or "-")
