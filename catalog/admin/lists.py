"""Lists as each person likes them: chosen columns, and views that are saved and shared.

A list that inherits `PersonalList` has tabs of views above it, and one address (`personal/`) that opens, saves and
deletes views and keeps the choice of columns.
"""

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.admin.filters import FieldListFilter
from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path, reverse

from accounts.models import User
from catalog.admin import columns
from catalog.models import ListLayout, SavedView
from marketplace.admin import VIEW_PARAMETER

MOST_VIEWS = 50  # of one person on one list, and shared ones that are shown
LONGEST_QUERY = 4_000
NOT_KEPT = {"o", "p", "all", "e", VIEW_PARAMETER, "_popup", "_to_field"}


@dataclass(frozen=True)
class Personal:
    """What is the person's own about the list that is asked for; fetched once for a request, by two queries."""

    views: list[SavedView]
    view: SavedView | None
    columns: tuple[str, ...]


def filters(page: Any, request: HttpRequest, given: dict[str, list[str]]) -> list[Any]:
    """Return the list's filters with these parameters, which they take out of `given`."""
    specs = []
    for entry in page.get_list_filter(request):
        if isinstance(entry, type):
            specs.append(entry(request, given, page.model, page))
            continue
        name, kind = entry if isinstance(entry, (tuple, list)) else (entry, FieldListFilter.create)
        field = get_fields_from_path(page.model, name)[-1]
        specs.append(kind(field, request, given, page.model, page, field_path=name))
    return specs


class PersonalList:
    """A list whose columns and views are its visitor's; `list_more` are columns that are offered beside the usual."""

    list_more: tuple[str, ...] = ()
    list_before_template = "admin/catalog/lists/before.html"

    @property
    def media(self) -> forms.Media:
        own = forms.Media(css={"all": ["catalog/lists.css"]}, js=["catalog/lists.js"])
        media: forms.Media = super().media + own  # type: ignore[misc]
        return media

    def get_list_display(self, request: HttpRequest) -> Any:
        if "_popup" in request.GET:
            return super().get_list_display(request)  # type: ignore[misc]
        return self.personal(request).columns

    def offered(self, request: HttpRequest) -> tuple[str, ...]:
        """Return the names of the columns that can be chosen."""
        return (*super().get_list_display(request), *self.list_more)  # type: ignore[misc]

    def personal(self, request: HttpRequest) -> Personal:
        known: dict[Any, Personal] = vars(request).setdefault("personal_lists", {})
        if self not in known:
            known[self] = self._personal(request)
        return known[self]

    def _personal(self, request: HttpRequest) -> Personal:
        name = _page(self)
        views = list(SavedView.objects.of(request.user, name).order_by("name", "id")[: 2 * MOST_VIEWS])
        wanted = request.GET.get(VIEW_PARAMETER)
        view = next((each for each in views if str(each.pk) == wanted), None)
        chosen = view.columns if view else []
        if not chosen:
            layout = ListLayout.objects.filter(owner=request.user.pk, page=name).first()
            chosen = layout.columns if layout else []
        links = cast(Any, self).list_display_links or ()
        usual = tuple(super().get_list_display(request))  # type: ignore[misc]
        return Personal(views, view, columns.kept(chosen, self.offered(request), links) or usual)

    def may_share(self, request: HttpRequest) -> bool:
        """Return whether the person's views may be for everybody: his who may change what the list shows."""
        return bool(cast(Any, self).has_change_permission(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        own: dict[str, Any] = {}
        if cast(Any, self).has_view_permission(request) and "_popup" not in request.GET:
            personal = self.personal(request)
            links = cast(Any, self).list_display_links or ()
            own = {
                "personal": personal,
                "personal_address": _address(self, "personal"),
                "list_columns": columns.choices(self, self.offered(request), personal.columns, links),
                "list_query": request.GET.urlencode(),
                "may_share": self.may_share(request),
                "may_drop": personal.view and _may_drop(request, personal.view),
            }
        answer: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **own})  # type: ignore[misc]
        return answer

    def get_urls(self) -> list[URLPattern]:
        page = cast(Any, self)
        made = path(
            "personal/",
            page.admin_site.admin_view(self.personal_view),
            name=f"{page.opts.app_label}_{page.opts.model_name}_personal",
        )
        return [made, *super().get_urls()]  # type: ignore[misc]

    def personal_view(self, request: HttpRequest) -> HttpResponse:
        """Open a view (`?view=`); or by POST (`do`) save or delete one, or keep or forget the choice of columns."""
        if not cast(Any, self).has_view_permission(request):
            raise PermissionDenied
        steps = {
            "columns": self._keep_columns,
            "reset": self._reset,
            "save": self._save,
            "delete": self._delete,
        }
        if request.method != "POST":
            return self._open(request)
        # What the list showed when the form was sent: its own address, not this one's.
        shown = QueryDict(
            request.POST.get("query", "")[:LONGEST_QUERY].replace("\x00", "").replace("%00", ""), mutable=True
        )
        request.GET = shown  # type: ignore[assignment]
        self.personal(request)  # as it is before the step
        step = steps.get(request.POST.get("do", ""))
        return step(request, shown) if step else self._list(shown)

    def _open(self, request: HttpRequest) -> HttpResponse:
        view = self.personal(request).view
        if view is None:
            if VIEW_PARAMETER in request.GET:
                messages.warning(request, "This view is not there any more.")
            return self._list(QueryDict())
        found = QueryDict(view.query, mutable=True)
        known = {"q"}.union(*(spec.expected_parameters() for spec in filters(self, request, {})))
        missing = [name for name in found if name not in known]
        for name in missing:
            del found[name]
        shown = self.personal(request).columns
        missing += [name for name in view.columns if name not in self.offered(request)]
        missing += [name.removeprefix("-") for name in view.order if name.removeprefix("-") not in shown]
        if missing:
            names = ", ".join(dict.fromkeys(missing))
            messages.warning(
                request, f"The view {view.name} asks for what this list does not have any more: {names}."
            )
        if order := columns.order_numbers(view.order, self, request, shown):
            found["o"] = order
        found[VIEW_PARAMETER] = str(view.pk)
        return self._list(found)

    def _save(self, request: HttpRequest, shown: QueryDict) -> HttpResponse:
        """Keep what the list shows under a name; his own view of that name is replaced."""
        name = " ".join(request.POST.get("name", "").replace("\x00", "").split())[:60]
        own = SavedView.objects.filter(owner=request.user.pk, page=_page(self))
        if not name:
            messages.error(request, "A view needs a name.")
            return self._list(shown)
        if not own.filter(name=name).exists() and own.count() >= MOST_VIEWS:
            messages.error(request, f"These are {MOST_VIEWS} views already; delete one first.")
            return self._list(shown)
        kept = [(key, values) for key, values in shown.lists() if key not in NOT_KEPT and any(values)]
        personal = self.personal(request)
        view, _ = SavedView.objects.update_or_create(
            owner=cast(User, request.user),
            page=_page(self),
            name=name,
            defaults={
                "query": urlencode(kept, doseq=True),
                "order": columns.order_names(shown.get("o", ""), self, request, personal.columns),
                "columns": list(personal.columns),
                "is_shared": "shared" in request.POST and self.may_share(request),
            },
        )
        messages.success(request, f"The view {view.name} is saved.")
        shown[VIEW_PARAMETER] = str(view.pk)
        return self._list(shown)

    def _delete(self, request: HttpRequest, shown: QueryDict) -> HttpResponse:
        view = self.personal(request).view
        if view is not None:
            if not _may_drop(request, view):
                raise PermissionDenied
            view.delete()
            messages.success(request, f"The view {view.name} is deleted.")
        shown.pop(VIEW_PARAMETER, None)
        return self._list(shown)

    def _keep_columns(self, request: HttpRequest, shown: QueryDict) -> HttpResponse:
        links = cast(Any, self).list_display_links or ()
        chosen = columns.kept(request.POST.getlist("columns"), self.offered(request), links)
        if not chosen:
            messages.error(request, "Choose at least one column.")
            return self._list(shown)
        ListLayout.objects.update_or_create(
            owner=cast(User, request.user), page=_page(self), defaults={"columns": list(chosen)}
        )
        return self._with_columns(request, shown, chosen)

    def _reset(self, request: HttpRequest, shown: QueryDict) -> HttpResponse:
        ListLayout.objects.filter(owner=request.user.pk, page=_page(self)).delete()
        return self._with_columns(request, shown, tuple(super().get_list_display(request)))  # type: ignore[misc]

    def _with_columns(self, request: HttpRequest, shown: QueryDict, chosen: tuple[str, ...]) -> HttpResponse:
        """Lead back to the list, in the same order, whose columns have other numbers now; a view has its own columns."""
        names = columns.order_names(shown.get("o", ""), self, request, self.personal(request).columns)
        for name in ("o", VIEW_PARAMETER):
            shown.pop(name, None)
        if order := columns.order_numbers(names, self, request, chosen):
            shown["o"] = order
        return self._list(shown)

    def _list(self, query: QueryDict) -> HttpResponse:
        text = query.urlencode()
        return HttpResponseRedirect(_address(self, "changelist") + (f"?{text}" if text else ""))


def _page(page: Any) -> str:
    return str(page.opts.model_name)


def _address(page: Any, part: str) -> str:
    return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_{part}")


def _may_drop(request: HttpRequest, view: SavedView) -> bool:
    """Return whether the person may delete the view: his own, or as the one who sees to accounts anybody's."""
    return view.owner_id == request.user.pk or request.user.has_perm("accounts.change_user")
