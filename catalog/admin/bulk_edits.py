"""Edit many: the action of the item lists, and the page of what was edited so, from which it is undone."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime

from accounts.models import User
from catalog import bulk_editing
from catalog.admin.fields import TermsField
from catalog.models import (
    OPEN_EDITS,
    Availability,
    BulkEdit,
    BulkEditState,
    Item,
    ItemQuerySet,
    Status,
    Vocabulary,
    kinds_seen,
    kinds_with,
)
from marketplace.admin import (
    ChoicesFilter,
    ReadOnlyModelAdmin,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    display,
)

STATE_COLOURS = {"Done": "success", "Failed": "danger", "Undone": "warning", "Under way": "info"}
LEAVE = ("", "Leave as it is")
MOST_HIDDEN = 300  # ticked rows that the question carries along
SHOWN_NAMES = {"set": "{label}: {value}", "add": "{label}: add {value}", "remove": "{label}: remove {value}"}


def choice(label: str, *choices: tuple[str, str]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, choices=[LEAVE, *choices], required=False, widget=UnfoldAdminSelectWidget()
    )


class BulkEditForm(forms.Form):
    """What to change; whatever is left empty stays as it is. `changes` has it for `bulk_editing` once it is valid."""

    price_change = choice("Price", ("set", "Set to"), ("request", "On request (no price)"))
    price = forms.DecimalField(
        label="New price",
        min_value=0,
        max_digits=14,
        decimal_places=2,
        required=False,
        widget=UnfoldAdminDecimalFieldWidget(),
    )
    currency = forms.RegexField(
        label="Currency",
        regex=r"^\s*[A-Za-z]{3}\s*$",
        error_messages={"invalid": "The currency must be a code of three letters, such as USD."},
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"maxlength": 3, "placeholder": "Leave as it is"}),
    )
    availability = choice("Availability", *Availability.choices)
    genres_change = choice("Genres", ("add", "Add"), ("remove", "Remove"), ("set", "Replace by"))
    genres = TermsField(Vocabulary.GENRE, label="These genres")
    location_change = choice("Location", ("set", "Set to"), ("clear", "Empty it"))
    location = forms.CharField(
        label="New location", max_length=200, required=False, widget=UnfoldAdminTextInputWidget()
    )
    status = choice("Status", *Status.choices)

    def __init__(self, *args: Any, may_publish: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_publish:
            del self.fields["status"]

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        """The fields as they stand beside one another."""
        pairs = (
            ("price_change", "price"), ("currency", "availability"), ("genres_change", "genres"),
            ("location_change", "location"), ("status",),
        )  # fmt: skip
        shown = [[self[name] for name in pair if name in self.fields] for pair in pairs]
        return [row for row in shown if row]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        self._need("price_change", "set", "price", cleaned.get("price") is not None)
        self._need("location_change", "set", "location", bool(cleaned.get("location")))
        for operation in ("add", "remove"):
            self._need("genres_change", operation, "genres", bool(cleaned.get("genres")))
        self.changes = self._changes(cleaned)
        if not self.changes and not self.errors:
            raise forms.ValidationError("Choose at least one change.")
        return cleaned

    def _need(self, switch: str, value: str, name: str, is_given: bool) -> None:  # noqa: FBT001
        if self.cleaned_data.get(switch) == value and not is_given and name not in self.errors:
            self.add_error(name, "Say what.")
        elif is_given and not self.cleaned_data.get(switch) and switch not in self.errors:
            self.add_error(switch, "Say what to do with it.")

    def _changes(self, cleaned: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        changes: dict[str, dict[str, Any]] = {}
        if how := cleaned.get("price_change"):
            price = cleaned.get("price")
            changes["price"] = {"op": "set", "value": str(price) if how == "set" else None}
            changes["price_on_request"] = {"op": "set", "value": how == "request"}
        if currency := cleaned.get("currency"):
            changes["currency"] = {"op": "set", "value": currency.strip().upper()}
        if how := cleaned.get("genres_change"):
            changes["genres"] = {"op": how, "value": cleaned.get("genres")}
        if how := cleaned.get("location_change"):
            changes["location"] = {"op": "set", "value": cleaned.get("location") if how == "set" else ""}
        for name in ("availability", "status"):
            if value := cleaned.get(name):
                changes[name] = {"op": "set", "value": value}
        return changes


def described(changes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say each change in words."""
    told = [name for name in bulk_editing.FIELDS if name in changes and name != "price_on_request"]
    return [_described(name, changes[name]) for name in told]


def _described(name: str, change: Mapping[str, Any]) -> str:
    value = change["value"]
    label = str(Item._meta.get_field(name).verbose_name).capitalize()  # type: ignore[union-attr]
    words = {"availability": Availability, "status": Status}
    if name == "published_at":
        text = date_format(localtime(parse_datetime(value)), "Y-m-d H:i")
    elif name in words:
        text = str(words[name](value).label)
    elif isinstance(value, list):
        text = ", ".join(value) or "none"
    else:
        text = str(value or ("on request" if name == "price" and value is None else "empty"))
    return SHOWN_NAMES[change["op"]].format(label=label, value=text)


def mark(changes: Mapping[str, Any], matched: int) -> str:
    """Return what tells a preview from another: of these changes and of as many items."""
    text = json.dumps([changes, matched], sort_keys=True)
    return f"{matched}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


class EditsMany:
    """The action "Edit many" of a list of items: what to change, a preview, the confirmation."""

    kinds: ClassVar[frozenset[str]]

    def has_edit_many_permission(self, request: HttpRequest) -> bool:
        """Return whether this person may edit something here; by kind, see `bulk_editing`."""
        return bool(self.kinds & kinds_with(request.user, "change"))

    @admin.action(description="Edit many", permissions=["edit_many"])
    def edit_many(self, request: HttpRequest, queryset: ItemQuerySet) -> HttpResponse:
        step = request.POST.get("step", "")
        may_publish = bool(
            self.kinds & kinds_with(request.user, "publish") & kinds_with(request.user, "change")
        )
        form = BulkEditForm(request.POST if step else None, may_publish=may_publish)
        context: dict[str, Any] = {}
        if step and form.is_valid():
            by = cast(User, request.user)
            found = bulk_editing.preview(items=queryset, changes=form.changes, by=by)
            context = {
                "preview": found, "changes": described(form.changes), "mark": mark(form.changes, found.allowed),
            }  # fmt: skip
            if step == "confirm" and (done := self._confirmed(request, queryset, form, context["mark"])):
                return done
        return self._question(request, form, context)

    def _confirmed(
        self, request: HttpRequest, items: ItemQuerySet, form: BulkEditForm, now: str
    ) -> HttpResponse | None:
        """Begin the edit, if it is the one that the preview was of."""
        seen = request.POST.get("seen", "")
        if seen != now:
            messages.warning(request, "Something is different from the preview that you saw; look again.")
            return None
        try:
            edit = bulk_editing.confirm(
                items=items,
                changes=form.changes,
                by=cast(User, request.user),
                page=str(self.opts.model_name),  # type: ignore[attr-defined]
                query=request.GET.urlencode()[:4000],
                selection=chosen_as(request),
                expected=int(seen.partition("-")[0]),
            )
        except bulk_editing.EditRefused as refusal:
            messages.warning(request, str(refusal))
            return None
        return HttpResponseRedirect(reverse("admin:catalog_bulkedit_change", args=[edit.pk]))

    def _question(self, request: HttpRequest, form: BulkEditForm, context: dict[str, Any]) -> HttpResponse:
        page = cast(Any, self)
        return TemplateResponse(
            request,
            "admin/catalog/bulkedit/question.html",
            {
                **page.admin_site.each_context(request),
                **context,
                "title": "Edit many",
                "opts": page.opts,
                "media": page.media + form.media,
                "form": form,
                "selection": chosen_as(request),
                "ticked": request.POST.getlist(ACTION_CHECKBOX_NAME)[:MOST_HIDDEN],
                "ticked_name": ACTION_CHECKBOX_NAME,
                "across": request.POST.get("select_across", "0"),
                "back": request.get_full_path(),
            },
        )


def chosen_as(request: HttpRequest) -> str:
    """Say in words which items were chosen."""
    if request.POST.get("select_across", "0") != "1":
        ticked = len(request.POST.getlist(ACTION_CHECKBOX_NAME))
        return f"{ticked} ticked"
    filters = [
        f"{name}: {', '.join(values)}" for name, values in request.GET.lists() if name not in {"o", "p"}
    ]
    return f"the whole list with {'; '.join(filters)}"[:1000] if filters else "the whole list"


@admin.register(BulkEdit)
class BulkEditAdmin(ReadOnlyModelAdmin):
    """What was edited in numbers, by whom; here it is undone. An edit that is none of one's kinds is not there."""

    sidebar_group = "Operations"
    sidebar_icon = "edit_note"
    list_display = ("created_at", "made_by", "what", "selection", "matched", "changed", "state_shown")
    list_filter = (("state", ChoicesFilter),)
    list_select_related = ("made_by",)
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[BulkEdit]":
        edits: QuerySet[BulkEdit] = super().get_queryset(request)
        return edits.defer("item_ids").filter(kinds__contained_by=sorted(kinds_seen(request.user)))

    def has_view_permission(self, request: HttpRequest, obj: BulkEdit | None = None) -> bool:
        return bool(kinds_with(request.user, "change") | kinds_with(request.user, "publish"))

    def get_urls(self) -> list[URLPattern]:
        made = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(view),
                name=f"catalog_bulkedit_{name}",
            )
            for name, view in (("progress", self.progress_view), ("undo", self.undo_view))
        ]
        return [*made, *super().get_urls()]

    def find(self, request: HttpRequest, key: Any) -> BulkEdit:
        if not self.has_view_permission(request):
            raise PermissionDenied
        edit: BulkEdit | None = self.get_object(request, str(key))
        if edit is None:
            raise Http404
        return edit

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method == "POST":
            raise PermissionDenied
        edit = self.find(request, object_id)
        return self._answer(request, edit, "admin/catalog/bulkedit/page.html")

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._answer(request, self.find(request, pk), "admin/catalog/bulkedit/progress.html")

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Undo on POST, and lead back to the edit's page, which says what came of it."""
        edit = self.find(request, pk)
        if request.method == "POST":
            try:
                bulk_editing.undo(edit=edit, by=cast(User, request.user))
            except bulk_editing.EditRefused as refusal:
                messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("admin:catalog_bulkedit_change", args=[edit.pk]))

    def _answer(self, request: HttpRequest, edit: BulkEdit, template: str) -> HttpResponse:
        state = BulkEditState(edit.state)
        page = edit.page if edit.page in {"item", "vehicle", "memorabilia", "tool"} else "item"
        context = {
            **self.admin_site.each_context(request),
            "title": "Edit of many",
            "opts": self.opts,
            "media": self.media,
            "edit": edit,
            "changes": described(edit.changes),
            "is_working": state in OPEN_EDITS,
            "state_label": state.label,
            "state_colour": STATE_COLOURS.get(str(state.label), "info"),
            "may_undo": state == BulkEditState.DONE and bulk_editing.may_undo(edit, request.user),
            "list_address": f"{reverse(f'admin:catalog_{page}_changelist')}?{edit.query}",
        }
        return TemplateResponse(request, template, context)

    @display(description="what")
    def what(self, edit: BulkEdit) -> str:
        return "; ".join(described(edit.changes))

    @display(description="state", ordering="state", label=STATE_COLOURS)
    def state_shown(self, edit: BulkEdit) -> str:
        return str(BulkEditState(edit.state).label)
