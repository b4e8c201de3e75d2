"""The pages of the vocabularies, and the address that finds their words by typing."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import CharField, F, Func, Q, Value
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import URLPattern, path

from catalog import wording
from catalog.admin.forms import TermForm
from catalog.admin.lists import PersonalList
from catalog.admin.spreadsheets import SpreadsheetAdminMixin
from catalog.admin.words import typed_text, words_page
from catalog.models import Term, TermQuerySet, Vocabulary
from catalog.resources import TermResource
from marketplace.admin import ChoicesFilter, ModelAdmin, display


def containing(terms: TermQuerySet, text: str) -> TermQuerySet:
    """Narrow to terms whose name or an alias contains the text."""
    spellings = Func(F("aliases"), Value("\n"), function="array_to_string", output_field=CharField())
    return terms.annotate(spellings=spellings).filter(Q(name__icontains=text) | Q(spellings__icontains=text))


@admin.register(Term)
class TermAdmin(SpreadsheetAdminMixin, PersonalList, ModelAdmin):
    resource_classes = (TermResource,)
    sidebar_group = "Vocabularies and media"
    sidebar_icon = "label"
    form = TermForm
    list_display = ("name", "vocabulary", "aliases_shown", "slug", "updated_at")
    list_filter = (("vocabulary", ChoicesFilter),)
    search_fields = ("name",)
    search_help_text = "Part of a name or alias"
    ordering = ("vocabulary", "name", "id")
    fieldsets = ((None, {"fields": (("name", "vocabulary"), "slug", "aliases")}),)

    @display(description="aliases")
    def aliases_shown(self, term: Term) -> str:
        return ", ".join(term.aliases) or "-"

    def get_readonly_fields(self, request: HttpRequest, obj: Term | None = None) -> tuple[str, ...]:
        return ("vocabulary",) if obj else ()

    def get_search_results(
        self, request: HttpRequest, queryset: TermQuerySet, search_term: str
    ) -> tuple[TermQuerySet, bool]:
        return containing(queryset, search_term) if search_term else queryset, False

    def save_model(self, request: HttpRequest, obj: Term, form: Any, change: Any) -> None:
        name, old = obj.name, form.initial.get("name")
        if not change or name == old:
            super().save_model(request, obj, form, change)
            return
        obj.name = old
        super().save_model(request, obj, form, change)
        done = wording.rename_term(term=obj, name=name, by=request.user)  # type: ignore[arg-type]
        messages.info(
            request,
            f"Renamed. Items changed: {done.items:,}; productions changed: {done.productions:,}."
            f" {old} is an alias now.",
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
