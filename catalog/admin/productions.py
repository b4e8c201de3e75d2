"""The pages of films and series."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from catalog.admin.fields import years_text
from catalog.admin.filters import GenresFilter, ReleaseYearsFilter
from catalog.admin.forms import ProductionForm
from catalog.admin.inlines import ItemsOfProduction
from catalog.admin.lists import PersonalList
from catalog.admin.spreadsheets import SpreadsheetAdminMixin
from catalog.admin.watching import Watches
from catalog.models import Appearance, Item, Production, ProductionQuerySet
from catalog.models.production import in_use
from catalog.resources import ProductionResource
from marketplace.admin import ChangeList, ChoicesFilter, ModelAdmin, display


class ProductionChangeList(ChangeList):
    """Counts the items of the rows shown."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = self.result_list.with_item_count(request.user)


@admin.register(Production)
class ProductionAdmin(Watches, SpreadsheetAdminMixin, PersonalList, ModelAdmin):
    resource_classes = (ProductionResource,)
    sidebar_group = "Inventory"
    sidebar_icon = "movie"
    form = ProductionForm
    list_display = ("title", "kind", "years_shown", "genres_shown", "franchise", "items")
    list_filter = (("kind", ChoicesFilter), GenresFilter, ReleaseYearsFilter)
    search_fields = ("title",)  # has a trigram index
    search_help_text = "Part of a title"
    ordering = ("title", "id")
    sortable_by = ("title",)
    inlines = (ItemsOfProduction,)
    fieldsets = (
        (None, {"fields": (("title", "kind"), ("years", "slug"), "genres", "franchise", "external_ids")}),
    )

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Say how many items stand in the way; listing them would take a page without end."""
        appearances = Appearance.objects.filter(production__in=objs)
        if number := appearances.count():
            seen = appearances.filter(item__in=Item.objects.visible_to(request.user)).count()
            return [], {}, set(), [in_use(number, seen)]
        return super().get_deleted_objects(objs, request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ProductionChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: ProductionQuerySet, search_term: str
    ) -> tuple[ProductionQuerySet, bool]:
        # Autocompletes ask here; PostgreSQL cannot store NUL, and the driver would raise.
        found: tuple[ProductionQuerySet, bool] = super().get_search_results(
            request, queryset, search_term.replace("\x00", "")
        )
        return found

    @display(description="years")
    def years_shown(self, production: Production) -> str:
        return years_text(production.years) or "-"

    @display(description="genres", label=True)
    def genres_shown(self, production: Production) -> list[str]:
        return production.genres

    @display(description="items")
    def items(self, production: Production) -> str:
        return f"{getattr(production, 'item_count', 0):,}"
