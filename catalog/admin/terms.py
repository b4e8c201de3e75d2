"""The pages of the vocabularies, and the address that finds their words by typing."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.db.models import BigIntegerField, CharField, F, Func, Q, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog import wording
from catalog.admin.forms import TermForm
from catalog.admin.lists import PersonalList
from catalog.admin.merges import MergesTerms, used
from catalog.admin.spreadsheets import SpreadsheetAdminMixin
from catalog.admin.watching import Watches
from catalog.admin.words import typed_text, words_page
from catalog.finding.tallies import Usage, why_in_use
from catalog.models import Term, TermQuerySet, Vocabulary
from catalog.resources import TermResource
from marketplace.admin import (
    ChangeList,
    ChoicesFilter,
    FormFilter,
    ModelAdmin,
    Panel,
    UnfoldAdminSelectWidget,
    display,
)

# The lists that can show what holds a word, each with its parameter.
LISTS = {
    "genre": ("item", "genres"), "vehicle_type": ("vehicle", "vehicle_types"),
    "category": ("memorabilia", "categories"), "make": ("item", "make_starts"),
}  # fmt: skip
# In the order of this the bitmaps are asked, which lag behind writes by seconds; what is shown does not.
ITEMS_OF_TERM = RawSQL(
    """(SELECT coalesce(sum(bit_count(bits)), 0) FROM catalog_facetbits WHERE value = catalog_term.name AND facet =
        CASE catalog_term.vocabulary WHEN 'genre' THEN 'genres' WHEN 'vehicle_type' THEN 'vehicle_types'
             WHEN 'category' THEN 'categories' ELSE 'make' END)""",
    [],
    output_field=BigIntegerField(),
)


def containing(terms: TermQuerySet, text: str) -> TermQuerySet:
    """Narrow to terms whose name or an alias contains the text."""
    spellings = Func(F("aliases"), Value("\n"), function="array_to_string", output_field=CharField())
    return terms.annotate(spellings=spellings).filter(Q(name__icontains=text) | Q(spellings__icontains=text))


class UsedFilter(FormFilter):
    """Terms that some item holds, or none; by the bitmaps, so what was written within seconds may lag."""

    title = "use"

    def make_fields(self) -> dict[str, forms.Field]:
        choices = [("", "All"), ("no", "Of no item"), ("yes", "Of some item")]
        return {
            "used": forms.ChoiceField(
                choices=choices, required=False, label="By use", widget=UnfoldAdminSelectWidget()
            )
        }

    def narrow(self, queryset: QuerySet[Any], values: dict[str, Any]) -> QuerySet[Any]:
        if not values["used"]:
            return queryset
        counted: QuerySet[Any] = queryset.annotate(held=ITEMS_OF_TERM)
        return counted.filter(held=0) if values["used"] == "no" else counted.filter(held__gt=0)


class TermChangeList(ChangeList):
    """Counts what uses the terms of the page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        found = used(request, self.result_list)
        for term in self.result_list:
            term.usage = found[term.pk]


@admin.register(Term)
class TermAdmin(Watches, MergesTerms, SpreadsheetAdminMixin, PersonalList, ModelAdmin):
    resource_classes = (TermResource,)
    sidebar_group = "Vocabularies and media"
    sidebar_icon = "label"
    form = TermForm
    list_display = ("name", "vocabulary", "items", "productions", "aliases_shown", "slug", "updated_at")
    list_filter = (("vocabulary", ChoicesFilter), UsedFilter)
    search_fields = ("name",)
    search_help_text = "Part of a name or alias"
    ordering = ("vocabulary", "name", "id")
    actions = ("merge", "delete_selected")
    fieldsets = ((None, {"fields": (("name", "vocabulary"), "slug", "aliases")}),)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TermChangeList

    @display(description="aliases")
    def aliases_shown(self, term: Term) -> str:
        return ", ".join(term.aliases) or "-"

    @display(description="items", ordering=ITEMS_OF_TERM)
    def items(self, term: Term) -> SafeString | str:
        found: Usage = getattr(term, "usage", Usage())
        if not found.items:
            return found.items_text
        page, parameter = LISTS[term.vocabulary]
        address = f"{reverse(f'admin:catalog_{page}_changelist')}?{urlencode({parameter: term.name})}"
        return format_html('<a href="{}" class="list-link">{}</a>', address, found.items_text)

    @display(description="productions")
    def productions(self, term: Term) -> SafeString | str:
        found: Usage = getattr(term, "usage", Usage())
        if not found.productions:
            return "-" if term.vocabulary != Vocabulary.GENRE else "0"
        address = f"{reverse('admin:catalog_production_changelist')}?{urlencode({'genres': term.name})}"
        return format_html('<a href="{}" class="list-link">{}</a>', address, f"{found.productions:,}")

    def get_panels(self, request: HttpRequest, obj: Term) -> list[Panel]:
        obj.usage = used(request, [obj])[obj.pk]  # type: ignore[attr-defined]
        shown = {"items": self.items(obj), "productions": self.productions(obj)}
        return [Panel("admin/catalog/term/usage.html", shown), *super().get_panels(request, obj)]

    def get_readonly_fields(self, request: HttpRequest, obj: Term | None = None) -> tuple[str, ...]:
        return ("vocabulary",) if obj else ()

    def get_search_results(
        self, request: HttpRequest, queryset: TermQuerySet, search_term: str
    ) -> tuple[TermQuerySet, bool]:
        return containing(queryset, search_term) if search_term else queryset, False

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Say what uses the terms: an item would be left with a word that is none."""
        held = list(why_in_use(list(objs)).values())
        return ([], {}, set(), held) if held else super().get_deleted_objects(objs, request)

    def save_model(self, request: HttpRequest, obj: Term, form: Any, change: Any) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        stored = Term.objects.select_for_update().filter(pk=obj.pk).first()
        if stored is None:
            raise Http404
        # Somebody may have renamed it since the form was opened: a name that this person left alone stays as it is.
        name = obj.name if obj.name != form.initial.get("name") else stored.name
        obj.name = stored.name
        super().save_model(request, obj, form, change)
        if name == stored.name:
            return
        done = wording.rename_term(term=obj, name=name, by=request.user)  # type: ignore[arg-type]
        messages.info(
            request,
            f"Renamed. Items changed: {done.items:,}; productions changed: {done.productions:,}."
            f" {stored.name} is an alias now.",
        )

    def get_urls(self) -> list[URLPattern]:
        words = path(
            "words/<str:vocabulary>/", self.admin_site.admin_view(self.words_view), name="catalog_term_words"
        )
        return [words, *super().get_urls()]

    def words_view(self, request: HttpRequest, vocabulary: str) -> JsonResponse:
        """Answer one page of the vocabulary's names that contain `term`, as select2 reads it."""
        text = typed_text(request)
        if vocabulary not in Vocabulary.values:
            raise Http404
        names = containing(Term.objects.of(vocabulary), text).order_by("name", "id")
        return words_page(request, names.values_list("name", flat=True))
