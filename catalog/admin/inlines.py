"""Rows of other tables on the pages of items and productions."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from catalog.admin.thumbnails import thumbnail
from catalog.models import Appearance, Item, MediaAsset, kinds_seen
from marketplace.admin import TabularInline, UnfoldAdminTextInputWidget, display


class AppearanceInline(TabularInline):
    model = Appearance
    ordering = ("id",)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "notes":
            kwargs["widget"] = UnfoldAdminTextInputWidget()
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class ProductionsOfItem(AppearanceInline):
    verbose_name_plural = "appearances in films and series"
    fields = ("production", "role", "notes")
    autocomplete_fields = ("production",)
    list_select_related = ("production",)


class ItemsOfProduction(AppearanceInline):
    verbose_name_plural = "items in this production"
    fields = ("item", "role", "notes")
    autocomplete_fields = ("item",)
    list_select_related = ("item",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Appearance]":
        """Show the items of the kinds that this person may see."""
        return super().get_queryset(request).filter(item__kind__in=kinds_seen(request.user))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "item":
            kwargs["queryset"] = Item.objects.filter(kind__in=kinds_seen(request.user))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class MediaOfItem(TabularInline):
    """The item's files. They come from the bucket, so none is added or deleted here."""

    model = MediaAsset
    verbose_name_plural = "media"
    fields = ("picture", "key", "position", "alt_text", "caption", "state")
    readonly_fields = ("picture", "key", "state")
    ordering = ("position", "key", "id")
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Item | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> "QuerySet[MediaAsset]":
        return super().get_queryset(request).order_by(*self.ordering)

    @display(description="picture")
    def picture(self, asset: MediaAsset) -> SafeString:
        return thumbnail(asset, asset.alt_text or asset.key)
