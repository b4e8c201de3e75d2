"""The one module that knows the admin's theme (unfold); the rooms take their admin classes from here."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.views.main import ChangeList as DjangoChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.datastructures import MultiValueDict
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin as UnfoldModelAdmin
from unfold.admin import TabularInline as UnfoldTabularInline
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.contrib.import_export.forms import SelectableFieldsExportForm
from unfold.dataclasses import SearchResult
from unfold.decorators import action as unfold_action
from unfold.decorators import display as unfold_display
from unfold.forms import AdminOwnPasswordChangeForm, AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.sites import UnfoldAdminSite
from unfold.views import ChangeList as UnfoldChangeList
from unfold.widgets import (
    INPUT_CLASSES,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminExpandableTextareaWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminMultipleAutocompleteWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

__all__ = [
    "VIEW_PARAMETER",
    "AdminOwnPasswordChangeForm",
    "AdminPasswordChangeForm",
    "CappedPaginator",
    "ChangeList",
    "ChoicesFilter",
    "FormFilter",
    "ModelAdmin",
    "Panel",
    "RangeFilter",
    "ReadOnlyModelAdmin",
    "SearchResult",
    "SelectableFieldsExportForm",
    "TabularInline",
    "UnfoldAdminDecimalFieldWidget",
    "UnfoldAdminExpandableTextareaWidget",
    "UnfoldAdminFileFieldWidget",
    "UnfoldAdminIntegerFieldWidget",
    "UnfoldAdminPasswordWidget",
    "UnfoldAdminSelectWidget",
    "UnfoldAdminTextInputWidget",
    "UnfoldBooleanWidget",
    "UserChangeForm",
    "UserCreationForm",
    "WordsField",
    "WordsWidget",
    "action",
    "display",
    "sidebar",
]

ChoicesFilter = ChoicesCheckboxFilter
DELETE_LIMIT = 500
VIEW_PARAMETER = "view"  # of a list's address: the saved view that it shows; no filter
MethodT = TypeVar("MethodT", bound=Callable[..., Any])


def display(**options: Any) -> Callable[[MethodT], MethodT]:
    """Describe a column: `description`, `ordering`, `label` (badges by value), `header` (two lines)."""
    return cast(Callable[[MethodT], MethodT], unfold_display(**options))


def action(**options: Any) -> Callable[[MethodT], MethodT]:
    """Make a button of the method: `description`, `permissions`, `icon`; a page names it in `actions_list`."""
    return cast(Callable[[MethodT], MethodT], unfold_action(**options))


class CappedPaginator(Paginator[Any]):
    """Counts exactly up to COUNT_LIMIT rows; beyond that it takes the planner's estimate.

    A full COUNT of a large table takes longer than the page itself.
    """

    COUNT_LIMIT = 10_000
    template_name = "admin/capped_pagination.html"

    @cached_property
    def count(self) -> int:
        rows = cast(QuerySet[Any], self.object_list).order_by().values("pk")
        counted: int = rows[: self.COUNT_LIMIT + 1].count()
        if counted <= self.COUNT_LIMIT:
            return counted
        plan = json.loads(rows.explain(format="json"))
        return max(counted, int(plan[0]["Plan"]["Plan Rows"]))

    @property
    def count_text(self) -> str:
        """The count for people: `1,234`, or `about 98,000` where it is an estimate."""
        if self.count <= self.COUNT_LIMIT:
            return f"{self.count:,}"
        return f"about {round(self.count, -3):,}"


class ChangeList(UnfoldChangeList):
    """A list whose heading leaves the number of rows to the paginator, which may only estimate it."""

    result_list: Any

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_filters_params(params)
        found.pop(VIEW_PARAMETER, None)
        return found

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count


class Panel(NamedTuple):
    """A part of an object's page above its form: a template, and what it shows as `panel.context`."""

    template: str
    context: dict[str, Any]


class ModelAdmin(UnfoldModelAdmin):
    """The base of every admin page: no full COUNT, filters applied together, a place in the sidebar."""

    sidebar_group = "More"
    sidebar_icon = "table_rows"
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # counts of every filter choice scan the table
    list_filter_submit = True
    list_per_page = 50
    list_max_show_all = 200
    compressed_fields = True
    warn_unsaved_form = True
    actions: Sequence[Any] = ("delete_selected",)
    change_form_outer_before_template = "admin/panels.html"

    def get_panels(self, request: HttpRequest, obj: Any) -> list[Panel]:
        """Return the parts above the form of an object that exists; a mixin adds its own to `super()`'s."""
        return []

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Draw the page with its panels; a new object, and a page in a pop-up, has none."""
        obj = context.get("original")
        shown = obj is not None and not context.get("is_popup")
        context["panels"] = self.get_panels(request, obj) if shown else []
        answer: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return answer

    @admin.action(permissions=["delete"], description="Delete selected %(verbose_name_plural)s")
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask, then delete; the question lists every row with all that goes with it, so it is for few."""
        if queryset.order_by()[: DELETE_LIMIT + 1].count() > DELETE_LIMIT:
            messages.error(
                request, f"Choose at most {DELETE_LIMIT} {self.opts.verbose_name_plural} to delete at once."
            )
            return None
        return delete_selected(self, request, queryset)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, str] | None = None
    ) -> HttpResponse:
        # PostgreSQL cannot store NUL, so no row matches; the driver would raise.
        if any("\x00" in value for values in request.GET.lists() for value in values[1]):
            return HttpResponseRedirect(f"{request.path}?e=1")
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response


class ReadOnlyModelAdmin(ModelAdmin):
    """Shows rows that only the program writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class LoadedAutocompleteSelect(AutocompleteSelect):
    """The admin's autocomplete, showing an object that is at hand instead of querying for it row by row."""

    loaded: Model | None = None

    def optgroups(self, name: str, value: Sequence[str], attr: dict[str, Any] | None = None) -> Any:
        if self.loaded is None or list(value) != [str(self.loaded.pk)]:
            return super().optgroups(name, value, attr)
        option = self.create_option(name, self.loaded.pk, str(self.loaded), selected=True, index=0)
        return [(None, [option], 0)]


class InlineForm(forms.ModelForm[Any]):
    """A row whose foreign keys were fetched with it (`list_select_related`)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            widget = getattr(field.widget, "widget", field.widget)  # inside the "add another" wrapper
            if isinstance(widget, LoadedAutocompleteSelect) and self.instance.pk:
                widget.loaded = getattr(self.instance, name)


class TabularInline(UnfoldTabularInline):
    """Rows of another table on an object's page, in pages, because nothing bounds their number."""

    form = InlineForm
    extra = 0
    per_page = 25
    hide_title = True
    list_select_related: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related) if self.list_select_related else rows

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = LoadedAutocompleteSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class WordsWidget(UnfoldAdminMultipleAutocompleteWidget):
    """Several words, found by typing; the options come from `url`, never with the page.

    The address answers like the admin's own autocomplete: `{"results": [{"id", "text"}], "pagination"}`.
    """

    # The theme's own template gives every chosen option the value "True".
    option_template_name = "django/forms/widgets/select_option.html"

    def __init__(self, url: Any, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"data-width": "100%", **(attrs or {})})
        self.url = url

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> Any:
        return super().build_attrs({**base_attrs, "data-ajax--url": str(self.url)}, extra_attrs)

    def optgroups(self, name: str, value: list[str], attrs: dict[str, Any] | None = None) -> Any:
        self.choices = [(word, word) for word in value]
        return super().optgroups(name, value, attrs)


class WordsField(forms.MultipleChoiceField):
    """A list of words; whether they are known is for its user to judge."""

    def valid_value(self, value: str) -> bool:
        return bool(value) and "\x00" not in value  # which PostgreSQL cannot store


class FilterForm(forms.Form):
    """The form of a filter; the page loads its scripts."""

    Media = WordsWidget.Media


class FormFilter(admin.ListFilter):
    """A list filter whose parameters are the fields of a form, so that no query sees an unchecked value.

    A subclass gives `make_fields` (parameter to form field) and `narrow`, which gets the cleaned values.
    Values that the form refuses match nothing, and the page says why.
    """

    template = "unfold/filters/filters_field.html"
    form_class = FilterForm

    def __init__(
        self,
        request: HttpRequest,
        params: dict[str, list[str]],
        model: type[Model],
        model_admin: "admin.ModelAdmin[Any]",
    ) -> None:
        super().__init__(request, params, model, model_admin)
        fields = self.make_fields()
        given = MultiValueDict({name: params.pop(name) for name in fields if name in params})
        self.used_parameters = dict(given.lists())
        self.form = self.form_class(given)
        self.form.fields.update(fields)

    def make_fields(self) -> dict[str, forms.Field]:
        raise NotImplementedError

    def narrow(self, queryset: QuerySet[Any], values: dict[str, Any]) -> QuerySet[Any]:
        raise NotImplementedError

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.form.fields)

    def choices(self, changelist: DjangoChangeList) -> Iterator[Any]:
        yield {"form": self.form}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.form.is_valid():
            return self.narrow(queryset, self.form.cleaned_data)
        for name, errors in self.form.errors.items():
            messages.error(request, f"{self.form.fields[name].label}: {' '.join(map(str, errors))}")
        return queryset.none()


class RangeFilter(FormFilter):
    """From and to, side by side; `column` names the parameters `<column>_from` and `<column>_to`."""

    template = "unfold/filters/filters_numeric_range.html"
    column = ""

    def number_field(self, **options: Any) -> forms.Field:
        raise NotImplementedError

    def make_fields(self) -> dict[str, forms.Field]:
        return {
            f"{self.column}_{end}": self.number_field(
                label=f"{str(self.title).capitalize()}, {end}",
                required=False,
                widget=forms.NumberInput(
                    {
                        "placeholder": end.capitalize(),
                        "class": " ".join(INPUT_CLASSES),
                        "aria-label": f"{self.title}, {end}",
                    }
                ),
            )
            for end in ("from", "to")
        }


LONGEST_SEARCH = 100


class Site(UnfoldAdminSite):
    """The admin: its first page says what is to be done, and its search (Ctrl-K) finds pages and what they hold."""

    index_template = "admin/start.html"
    index_title = "Start"

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Answer a piece of a page: links for what was typed (`s`). Nothing is kept: rights and rows change.

        `extended` asks for the palette, which lists what the callback of the settings finds beside the pages.
        """
        text = " ".join(request.GET.get("s", "").replace("\x00", " ").split())[:LONGEST_SEARCH]
        if not text:
            return HttpResponse()
        begun, is_palette = time.monotonic(), "extended" in request.GET
        found = [page for page in self._pages(request) if text.lower() in page.title.lower()]
        if is_palette:
            found += self._get_value(settings.UNFOLD["COMMAND"]["search_callback"], request, text)
        shown = Paginator(found, max(len(found), 1))
        context = {
            "page_obj": shown,
            "results": shown.page(1),
            "page_counter": 0,
            "execution_time": time.monotonic() - begun,
        }
        template = (
            "unfold/helpers/command_results.html" if is_palette else "unfold/helpers/search_results.html"
        )
        return TemplateResponse(request, template, context, headers={"HX-Trigger": "search"})

    def _pages(self, request: HttpRequest) -> Iterator[SearchResult]:
        """Yield the pages that open to this person, and those on which he may add something."""
        for group in sidebar(request):
            for link in group["items"]:
                yield SearchResult(str(link["title"]), group["title"], link["link"], link["icon"])
        for app in self.get_app_list(request):
            for entry in app["models"]:
                if entry["add_url"]:
                    name = entry["model"]._meta.verbose_name
                    yield SearchResult(f"Add {name}", app["name"], entry["add_url"], "add")


SIDEBAR_GROUPS = ("Inventory", "Vocabularies and media", "Operations", "People")  # others follow


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar's links for this user: each page under its `sidebar_group`, in the order of registration.

    Pages that a library brings along (background jobs) stand among the operations.
    Who may see no page gets the links to his own account.
    """
    allowed = {entry["model"]: entry for app in admin.site.get_app_list(request) for entry in app["models"]}
    groups: dict[str, list[dict[str, Any]]] = {title: [] for title in SIDEBAR_GROUPS}
    for model, page in admin.site._registry.items():
        if model in allowed:
            link = {
                "title": allowed[model]["name"],
                "icon": getattr(page, "sidebar_icon", "schedule"),
                "link": allowed[model]["admin_url"],
            }
            groups.setdefault(getattr(page, "sidebar_group", "Operations"), []).append(link)
    own = [dict(link) for link in settings.UNFOLD["ACCOUNT"]["navigation"]]
    shown = [{"title": title, "items": items} for title, items in groups.items() if items]
    return shown or [{"title": "Account", "items": own}]
