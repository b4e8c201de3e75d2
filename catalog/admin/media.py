"""The pages of images, videos and documents."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from catalog.admin.filters import AssignedFilter
from catalog.admin.thumbnails import PREVIEW, thumbnail
from catalog.admin.words import typed_text, words_page
from catalog.models import Item, MediaAsset, MediaAssetQuerySet, MediaState, kinds_seen
from marketplace.admin import ChoicesFilter, ModelAdmin, display

STATE_COLOURS = {"Present": "success", "Missing": "danger", "Pending": "info", "Quarantined": "warning"}


@admin.register(MediaAsset)
class MediaAssetAdmin(ModelAdmin):
    """What the bucket holds. The sync adds rows; here they are described and given to an item."""

    sidebar_group = "Vocabularies and media"
    sidebar_icon = "photo_library"
    list_display = ("picture", "key", "item", "position", "kind", "measures", "state_shown", "alt_text")
    list_display_links = ("key",)
    list_select_related = ("item",)
    list_filter = (AssignedFilter, ("state", ChoicesFilter), ("kind", ChoicesFilter))
    search_fields = ("key",)
    search_help_text = "Start of a key, or of an item's reference"
    ordering = ("-id",)
    sortable_by = ("key",)
    autocomplete_fields = ("item",)
    readonly_fields = (
        "preview", "key", "kind", "content_type", "size", "width", "height", "etag", "sha256", "state_shown",
        "source_modified", "created_at", "updated_at",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("preview", "key", "item", "position", "alt_text", "caption")}),
        ("Focal point", {"fields": (("focal_x", "focal_y"),)}),
        ("Object", {"fields": (
            ("state_shown", "kind"), ("content_type", "size"), ("width", "height"), "etag", "sha256",
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

    @display(description="picture")
    def preview(self, asset: MediaAsset) -> SafeString:
        return thumbnail(asset, asset.alt_text or asset.key, PREVIEW)

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
