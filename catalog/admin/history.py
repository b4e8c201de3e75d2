"""The page of an item's history: every change, by whichever door, with who, when, why, and what it was before."""

from datetime import datetime
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from catalog import past

DONE = {"insert": "Added", "update": "Changed", "delete": "Deleted"}
LONGEST = 60  # characters of a place in an address


class ShowsHistory:
    """Takes the place of Django's page, which only knows what its own forms have done."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        page = cast(Any, self)
        item = page.get_object(request, object_id)
        if not page.has_view_permission(request, item):
            raise PermissionDenied
        if item is None:
            answer: HttpResponse = page._get_obj_does_not_exist_redirect(request, page.opts, object_id)
            return answer
        found, following = past.changes(item.pk, _place(request.GET.get("after", "")))
        context = {
            **page.admin_site.each_context(request),
            "title": f"History: {item}",
            "opts": page.opts,
            "media": page.media,
            "object": item,
            "changes": [
                {"change": each, "done": DONE.get(each.label, each.label), "door": door(each.facts)}
                for each in found
            ],
            "following": following and f"{following.at.isoformat()} {following.source} {following.id}",
            "back": reverse(f"admin:catalog_{item.kind}_change", args=[item.pk]),
        }
        return TemplateResponse(request, "admin/catalog/item/history.html", context)


def door(facts: dict[str, Any]) -> str:
    """Say by which door a change came, from what its writer told the database."""
    numbered = {
        "import_run": "Import", "import_undo": "Import undone,", "sync_run": "Sync of the bucket,", "bulk_edit": "Edit of many,",
    }  # fmt: skip
    for name, text in numbered.items():
        if name in facts:
            return f"{text} number {facts[name]}"
    address = str(facts.get("url", ""))
    if facts.get("action"):
        return str(facts["action"]).capitalize()
    if address.startswith("/admin/"):
        return "Admin"
    return "API" if address.startswith("/v1/") else "A command or another program"


def _place(text: str) -> past.Place | None:
    """Read where the page begins; 404, if it is no place."""
    if not text:
        return None
    try:
        at, source, key = text[:LONGEST].split(" ")
        moment = parse_datetime(at)
        if (
            source not in past.MODELS
            or not (key.isascii() and key.isdecimal())
            or not isinstance(moment, datetime)
        ):
            raise Http404
        if moment.tzinfo is None or int(key) >= 2**63:
            raise Http404
        return past.Place(moment, source, int(key))
    except ValueError as error:
        raise Http404 from error
