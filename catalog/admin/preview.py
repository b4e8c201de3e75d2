"""How `/v1` answers, or will answer once it is public, for one item: a page of the admin."""

import json
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db.models import TextField, Value
from django.db.models.functions import Cast, Least, Now
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from catalog.api.links import LINKS, Links
from catalog.api.projections import ITEM_DETAIL
from catalog.api.shapes.expressions import JsonObject, Utc
from catalog.api.shapes.statements import compiled
from catalog.models import Item, Status, is_public

PUBLIC = {"status": Value(Status.PUBLISHED.value), "published_at": Utc(Least("published_at", Now()))}


def answer(item: Item, request: HttpRequest) -> dict[str, Any]:
    """Return the detail of the item as it would be were it public now. This causes a SQL query."""
    told = Cast(JsonObject(ITEM_DETAIL | PUBLIC), TextField())
    statement = compiled(Item.objects.filter(pk=item.pk).values_list(told), prepared=False)
    ((text,),) = statement.rows({LINKS: Links(request)})
    return cast(dict[str, Any], json.loads(text))


class Previews:
    """The page `<key>/preview/` of an item."""

    def get_urls(self) -> list[URLPattern]:
        page = cast(Any, self)
        view = page.admin_site.admin_view(self.preview_view)
        own = path("<int:pk>/preview/", view, name=f"catalog_{page.opts.model_name}_preview")
        return [own, *super().get_urls()]  # type: ignore[misc]

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        page = cast(Any, self)
        if not page.has_view_permission(request):
            raise PermissionDenied
        item = page.get_object(request, str(pk))
        if item is None:
            raise Http404
        found = answer(item, request)
        context = {
            **page.admin_site.each_context(request),
            "title": f"Preview: {item}",
            "opts": page.opts,
            "media": page.media,
            "address": found["url"],
            "answer": json.dumps(found, indent=2, ensure_ascii=False),
            "is_public": Item.objects.filter(is_public(), pk=item.pk).exists(),
            "back": reverse(f"admin:catalog_{item.kind}_change", args=[item.pk]),
        }
        return TemplateResponse(request, "admin/catalog/item/preview.html", context)
