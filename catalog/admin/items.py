"""The pages of vehicles, memorabilia and tools, and the list of all kinds together."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from catalog import attaching, readiness
from catalog.admin import search, thumbnails
from catalog.admin.bulk_edits import EditsMany
from catalog.admin.counts import CountsValues
from catalog.admin.fields import years_text
from catalog.admin.filters import (
    CategoriesFilter,
    CurrencyFilter,
    GenresFilter,
    MakeFilter,
    PriceFilter,
    ProductionYearsFilter,
    PublicationFilter,
    ReadinessFilter,
    VehicleTypesFilter,
)
from catalog.admin.forms import GoodsForm, ItemForm, VehicleForm
from catalog.admin.history import ShowsHistory
from catalog.admin.inlines import MediaOfItem, ProductionsOfItem
from catalog.admin.lists import PersonalList
from catalog.admin.preview import Previews
from catalog.admin.publishing import STATUS_COLOURS, Publishes, ShowsPublication, standing
from catalog.admin.spreadsheets import SpreadsheetAdminMixin
from catalog.admin.watching import Watches
from catalog.models import (
    Availability,
    Item,
    ItemQuerySet,
    Kind,
    Memorabilia,
    Tool,
    Vehicle,
    kinds_seen,
    kinds_with,
)
from catalog.resources import (
    ItemResource,
    MemorabiliaResource,
    SpreadsheetExports,
    ToolResource,
    VehicleResource,
)
from marketplace.admin import ChangeList, ChoicesFilter, ModelAdmin, display

PUBLICATION = ("status", "published_at")
AVAILABILITY_COLOURS = {"Available": "success", "Reserved": "warning", "Sold": "danger"}


def price_text(item: Item) -> str:
    """Write the price with its currency; cents only where there are some."""
    text = f"{item.price:,.2f}".removesuffix(".00")
    return f"{text} {item.currency}"


def one_line(text: str) -> SafeString:
    return format_html('<span class="whitespace-nowrap">{}</span>', text)


def _may_attach(request: HttpRequest) -> bool:
    return request.user.has_perm("catalog.change_mediaasset")


class ItemChangeList(ChangeList):
    """Fetches the covers of all rows at once, with what each lacks, and none of the long columns."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = self.result_list.defer("description", "provenance", "specs").annotate(
            missing=readiness.missing()
        )
        self.result_list = rows.prefetch_related(thumbnails.with_cover())


class ItemList(Publishes, EditsMany, CountsValues, PersonalList, ModelAdmin):
    """The list that all kinds share: what it shows, finds and does."""

    kinds: ClassVar[frozenset[str]] = frozenset(Kind.values)  # of the items that it can hold
    sidebar_group = "Inventory"
    list_display: tuple[str, ...] = (
        "cover", "title", "maker", "years", "price_shown", "availability_shown", "status_shown", "readiness_shown",
        "changed",
    )  # fmt: skip
    list_display_links = ("title",)
    list_more: tuple[str, ...] = (
        "genres_shown", "condition_shown", "authenticity_shown", "location_shown", "published_shown", "created_shown",
    )  # fmt: skip
    list_filter: tuple[Any, ...] = (
        ("status", ChoicesFilter),
        ("availability", ChoicesFilter),
        PublicationFilter,
        ReadinessFilter,
        GenresFilter,
        ProductionYearsFilter,
        MakeFilter,
        PriceFilter,
        CurrencyFilter,
        ("condition", ChoicesFilter),
        ("authenticity", ChoicesFilter),
    )
    search_fields = ("reference",)  # opens the search box; what it finds is in get_search_results
    search_help_text = "Words, or the start of a reference"
    ordering = ("-updated_at", "-id")
    actions = ("edit_many", "publish", "withdraw", "archive", "delete_selected")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ItemChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: ItemQuerySet, search_term: str
    ) -> tuple[ItemQuerySet, bool]:
        return search.matching(queryset, search_term), False

    @display(description="")
    def cover(self, item: Item) -> SafeString:
        return thumbnails.cover(item)

    @display(description="name", ordering="name", header=True)
    def title(self, item: Item) -> list[str]:
        return [item.name, item.reference]

    @display(description="make and model", ordering="make")
    def maker(self, item: Item) -> str:
        return f"{item.make} {item.model}".strip() or "-"

    @display(description="built")
    def years(self, item: Item) -> str:
        return years_text(item.production_years) or "-"

    @display(description="price", ordering=F("price"))
    def price_shown(self, item: Item) -> SafeString:
        return one_line("on request" if item.price is None else price_text(item))

    @display(description="availability", ordering="availability", label=AVAILABILITY_COLOURS)
    def availability_shown(self, item: Item) -> str:
        return str(Availability(item.availability).label)

    @display(description="status", ordering="status", label=STATUS_COLOURS)
    def status_shown(self, item: Item) -> str:
        return standing(item).capitalize()

    @display(description="readiness", label={"Ready": "success"})
    def readiness_shown(self, item: Item) -> str:
        missing = vars(item)["missing"]
        return "Needs " + ", ".join(readiness.BY_NAME[name].title for name in missing) if missing else "Ready"

    @display(description="last change", ordering="updated_at")
    def changed(self, item: Item) -> SafeString:
        return one_line(date_format(localtime(item.updated_at), "Y-m-d"))

    @display(description="genres", label=True)
    def genres_shown(self, item: Item) -> list[str]:
        return item.genres

    @display(description="condition")
    def condition_shown(self, item: Item) -> str:
        return item.get_condition_display() or "-"

    @display(description="authenticity")
    def authenticity_shown(self, item: Item) -> str:
        return item.get_authenticity_display() or "-"

    @display(description="location")
    def location_shown(self, item: Item) -> str:
        return item.location or "-"

    @display(description="published at")
    def published_shown(self, item: Item) -> SafeString | str:
        return one_line(date_format(localtime(item.published_at), "Y-m-d H:i")) if item.published_at else "-"

    @display(description="created", ordering="created_at")
    def created_shown(self, item: Item) -> SafeString:
        return one_line(date_format(localtime(item.created_at), "Y-m-d"))


class ItemPage(ShowsHistory, Watches, ShowsPublication, Previews, SpreadsheetAdminMixin, ItemList):
    """The page of one item, and the spreadsheets of its kind. The proxy model fixes the kind."""

    classification: ClassVar[tuple[Any, ...]] = ()
    inlines = (ProductionsOfItem, MediaOfItem)

    def get_readonly_fields(self, request: HttpRequest, obj: Item | None = None) -> Any:
        """Show the publication, and leave it alone, where it is not this person's: a new item is a draft."""
        publication = () if self.has_publish_permission(request) else PUBLICATION
        return (*publication, "created_at", "updated_at", "version")

    def get_fieldsets(self, request: HttpRequest, obj: Item | None = None) -> Any:
        record = (("Record", {"fields": ("created_at", ("updated_at", "version"))}),) if obj else ()
        may_attach = self.has_change_permission(request, obj) and _may_attach(request)
        files = (("Files", {"fields": ("attach",)}),) if may_attach else ()
        return (
            (None, {"fields": (("name", "reference"), ("make", "model"), ("production_years", "slug"))}),
            ("Classification", {"fields": self.classification}),
            ("Sale", {"fields": (("price", "currency"), "price_on_request", ("availability", "location"))}),
            ("Publication", {"fields": PUBLICATION}),
            ("Text", {"fields": ("description", "provenance", "specs", "no_production_reason")}),
            *files,
            *record,
        )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)
        if (keys := form.cleaned_data.get("attach")) and _may_attach(request):
            attaching.attach_media(item=form.instance, keys=keys, by=request.user)  # type: ignore[arg-type]


@admin.register(Vehicle)
class VehicleAdmin(ItemPage):
    kinds = frozenset({Kind.VEHICLE.value})
    resource_classes = (VehicleResource,)
    sidebar_icon = "directions_car"
    form = VehicleForm
    list_filter = (*ItemList.list_filter[:2], VehicleTypesFilter, *ItemList.list_filter[2:])
    classification = ("vehicle_types", "genres", ("condition", "authenticity"), "chassis_number")


class GoodsAdmin(ItemPage):
    """Memorabilia and tools."""

    form = GoodsForm
    list_display = ("cover", "title", "categories_shown", *ItemList.list_display[3:])
    list_filter = (*ItemList.list_filter[:2], CategoriesFilter, *ItemList.list_filter[2:])
    classification = ("categories", "genres", ("condition", "authenticity"))

    @display(description="categories", label=True)
    def categories_shown(self, item: Item) -> list[str]:
        return item.categories


@admin.register(Memorabilia)
class MemorabiliaAdmin(GoodsAdmin):
    kinds = frozenset({Kind.MEMORABILIA.value})
    resource_classes = (MemorabiliaResource,)
    sidebar_icon = "theater_comedy"


@admin.register(Tool)
class ToolAdmin(GoodsAdmin):
    kinds = frozenset({Kind.TOOL.value})
    resource_classes = (ToolResource,)
    sidebar_icon = "construction"


@admin.register(Item)
class ItemAdmin(SpreadsheetExports, ItemList):
    """All kinds in one list; a row opens on the page of its kind. Autocompletes of items ask here."""

    sidebar_icon = "inventory_2"
    form = ItemForm
    list_display = ("cover", "title", "kind", "maker", *ItemList.list_display[4:])  # more would not fit
    list_filter = (("kind", ChoicesFilter), *ItemList.list_filter)
    resource_classes = (ItemResource,)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(kinds_seen(request.user) & kinds_with(request.user, "export"))

    def get_export_queryset(self, request: HttpRequest) -> ItemQuerySet:
        """Give the filtered list without the kinds that this person may not export."""
        items: ItemQuerySet = super().get_export_queryset(request)
        return items.filter(kind__in=kinds_with(request.user, "export"))

    def get_queryset(self, request: HttpRequest) -> ItemQuerySet:
        """List the kinds that this person may see."""
        items: ItemQuerySet = super().get_queryset(request)
        return items.filter(kind__in=kinds_seen(request.user))

    def has_view_permission(self, request: HttpRequest, obj: Item | None = None) -> bool:
        kinds = kinds_seen(request.user)
        return obj.kind in kinds if obj else bool(kinds)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Item | None = None) -> bool:
        return False  # on the page of its kind

    def has_delete_permission(self, request: HttpRequest, obj: Item | None = None) -> bool:
        return False

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        item = self.get_object(request, object_id)
        if item is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return HttpResponseRedirect(reverse(f"admin:catalog_{item.kind}_change", args=[item.pk]))
