"""Answers to the widgets that find words by typing."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse

PER_PAGE = 20
LAST_PAGE = 500  # beyond it nobody scrolls


def typed_text(request: HttpRequest) -> str:
    """Return what the person has typed. Only those who may see something of the catalogue get an answer."""
    if not request.user.has_module_perms("catalog"):
        raise PermissionDenied
    return request.GET.get("term", "").replace("\x00", "")[:200]


def words_page(request: HttpRequest, words: QuerySet[Any, str]) -> JsonResponse:
    """Answer the page that was asked for, as select2 reads it."""
    asked = request.GET.get("page", "1")
    number = min(int(asked[:9]), LAST_PAGE) if asked.isdecimal() else 1
    first = max(number - 1, 0) * PER_PAGE
    found = list(words[first : first + PER_PAGE + 1])
    results = [{"id": word, "text": word} for word in found[:PER_PAGE]]
    return JsonResponse({"results": results, "pagination": {"more": len(found) > PER_PAGE}})
