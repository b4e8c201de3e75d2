"""Terms that become one: the action and its question, and the page of terms that look alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from psycopg.errors import DeadlockDetected, LockNotAvailable

from accounts.models import User
from catalog import merging, vocabularies
from catalog.finding.tallies import Usage, exact_uses, usage
from catalog.models import Term, TermQuerySet, Vocabulary, kinds_seen, may_view
from marketplace.admin import action

SALT = "catalog.merge"
BUSY = "Somebody else is changing the vocabularies just now; try again in a moment."
LATER = (
    "These are many items, so a worker merges the terms; it takes a few minutes, and then the list shows it."
)


@dataclass(frozen=True)
class Choice:
    """A term of a merge, with the address that keeps this one."""

    term: Term
    usage: Usage
    is_kept: bool
    address: str


def used(request: HttpRequest, terms: Sequence[Term]) -> dict[int, Usage]:
    """Return how often the terms are used, as far as this person may see it."""
    films = may_view(request.user, "production")
    return usage(terms, kinds=kinds_seen(request.user), productions=films)


def is_busy(error: OperationalError) -> bool:
    """Return whether others only were quicker, so that the same will do in a moment."""
    return isinstance(error.__cause__, (LockNotAvailable, DeadlockDetected))


def _number(text: str) -> int:
    return int(text[:18]) if text.isascii() and text.isdecimal() else 0


class MergesTerms:
    """Merge, look-alikes: the parts of the terms' page that make fewer of them."""

    actions_list: Sequence[Any] = ("look_alikes",)

    def get_urls(self) -> list[URLPattern]:
        view = cast(Any, self).admin_site.admin_view(self.merge_view)
        return [path("merge/", view, name="catalog_term_merge"), *super().get_urls()]  # type: ignore[misc]

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Save the form; while somebody merges or renames many, say so."""
        try:
            answer: HttpResponse = super().changeform_view(request, *args, **kwargs)  # type: ignore[misc]
        except OperationalError as error:
            if not is_busy(error):
                raise
            messages.warning(request, BUSY)
            return HttpResponseRedirect(request.get_full_path())
        return answer

    def has_merge_permission(self, request: HttpRequest) -> bool:
        return merging.may_merge(cast(User, request.user))

    @admin.action(description="Merge into one", permissions=["merge"])
    def merge(self, request: HttpRequest, queryset: TermQuerySet) -> HttpResponse | None:
        keys = list(queryset.order_by("pk").values_list("pk", flat=True)[: merging.MOST + 1])
        if not merging.FEWEST <= len(keys) <= merging.MOST:
            messages.error(request, f"Choose from {merging.FEWEST} to {merging.MOST} terms to merge.")
            return None
        return HttpResponseRedirect(_merge_address(keys))

    def merge_view(self, request: HttpRequest) -> HttpResponse:
        """Ask (`?term=..&term=..&into=..`) which of the terms stays, with what would change; do it on POST."""
        if not self.has_merge_permission(request):
            raise PermissionDenied
        if request.method == "POST" and (done := self._merged(request)):
            return done
        keys = [_number(text) for text in request.GET.getlist("term")[: merging.MOST]]
        terms = list(Term.objects.filter(pk__in=keys).order_by("name", "pk"))
        if len(terms) < merging.FEWEST or len({term.vocabulary for term in terms}) > 1:
            messages.error(request, "Choose at least two terms of one vocabulary that are still there.")
            return HttpResponseRedirect(reverse("admin:catalog_term_changelist"))
        return self._question(request, terms, _number(request.GET.get("into", "")))

    def _merged(self, request: HttpRequest) -> HttpResponse | None:
        """Do what the question that was seen asked; None, if it is to be asked again."""
        try:
            into, seen = signing.loads(request.POST.get("seen", ""), salt=SALT)
            done = merging.merge(
                into=into, seen=[(key, name) for key, name in seen], by=cast(User, request.user)
            )
        except signing.BadSignature:
            messages.warning(request, "Look at what would change, then confirm.")
            return None
        except merging.MergeRefused as refusal:
            messages.warning(request, str(refusal))
            return None
        except OperationalError as error:
            if not is_busy(error):
                raise
            messages.warning(request, BUSY)
            return None
        if done is None:
            messages.info(request, LATER)
        else:
            messages.success(
                request,
                f"Merged {', '.join(done.names)}. Items changed: {done.items:,};"
                f" productions changed: {done.productions:,}. The names are aliases now.",
            )
        back = "look_alikes" if request.GET.get("from") == "alike" else ""
        vocabulary = request.GET.get("vocabulary", "")
        if back and vocabulary in Vocabulary.values:
            return HttpResponseRedirect(
                f"{reverse('admin:catalog_term_look_alikes')}?vocabulary={vocabulary}"
            )
        return HttpResponseRedirect(reverse("admin:catalog_term_change", args=[into]))

    def _question(self, request: HttpRequest, terms: list[Term], into: int) -> HttpResponse:
        found = used(request, terms)
        commonest = max(terms, key=lambda term: (found[term.pk].items, found[term.pk].productions, -term.pk))
        kept = next((term for term in terms if term.pk == into), commonest)
        keys = [term.pk for term in terms]
        more = {name: request.GET[name] for name in ("from", "vocabulary") if name in request.GET}
        choices = [
            Choice(term, found[term.pk], term.pk == kept.pk, _merge_address(keys, into=term.pk, **more))
            for term in terms
        ]
        items, films = exact_uses([term for term in terms if term.pk != kept.pk])
        context = {
            "choices": choices,
            "kept": kept,
            "items_text": f"{items:,}",
            "productions_text": f"{films:,}",
            "is_long": items > merging.AT_ONCE,
            "seen": signing.dumps([kept.pk, [(term.pk, term.name) for term in terms]], salt=SALT),
        }
        return self._answer(request, "admin/catalog/term/merge.html", "Merge terms", context)

    @action(description="Look-alikes", permissions=["change"], icon="join_inner", url_path="look-alikes")
    def look_alikes(self, request: HttpRequest) -> HttpResponse:
        """Show the pairs of a vocabulary (`?vocabulary=`); by POST two terms are said to differ."""
        asked = request.GET.get("vocabulary", "")
        vocabulary = Vocabulary(asked if asked in Vocabulary.values else Vocabulary.MAKE)
        if request.method == "POST":
            first, second = (_number(request.POST.get(name, "")) for name in ("first", "second"))
            if not vocabularies.tell_apart(first, second, by=cast(User, request.user)):
                messages.warning(request, "One of these terms is not there any more.")
            return HttpResponseRedirect(f"{request.path}?vocabulary={vocabulary.value}")
        pairs, are_more = vocabularies.look_alikes(vocabulary)
        found = used(request, list({term.pk: term for pair in pairs for term in pair}.values()))
        rows = [
            {
                "first": (pair.first, found[pair.first.pk]),
                "second": (pair.second, found[pair.second.pk]),
                "address": _merge_address(
                    [term.pk for term in pair], vocabulary=vocabulary.value, **{"from": "alike"}
                ),
            }
            for pair in pairs
        ]
        context = {
            "rows": rows,
            "are_more": are_more,
            "vocabulary": vocabulary.value,
            "vocabularies": Vocabulary.choices,
            "may_merge": self.has_merge_permission(request),
        }
        return self._answer(request, "admin/catalog/term/look_alikes.html", "Look-alikes", context)

    def _answer(
        self, request: HttpRequest, template: str, title: str, context: dict[str, Any]
    ) -> HttpResponse:
        page = cast(Any, self)
        common = {
            **page.admin_site.each_context(request), "title": title, "opts": page.opts, "media": page.media,
        }  # fmt: skip
        return TemplateResponse(request, template, {**common, **context})


def _merge_address(keys: Sequence[int], **more: Any) -> str:
    return f"{reverse('admin:catalog_term_merge')}?{urlencode({'term': keys, **more}, doseq=True)}"
