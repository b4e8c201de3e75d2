"""Publish, schedule, withdraw and archive in the admin: the question before it, for one item, ticked ones or a whole list."""

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.timezone import get_current_timezone_name, localtime, now

from accounts.models import User
from catalog import bulk_editing, publishing, readiness
from catalog.admin.bulk_edits import MOST_HIDDEN, chosen_as, mark
from catalog.models import (
    BulkEditState,
    Item,
    ItemQuerySet,
    Status,
    is_public,
    is_scheduled,
    kinds_with,
)
from marketplace.admin import Panel, UnfoldAdminTextInputWidget

MOST_NAMED = 20  # items that the question names of those that are not ready


class Verb(NamedTuple):
    """What can be done: its name in addresses, as a heading, on a button that asks first, and what it does."""

    name: str
    title: str
    button: str
    effect: str
    status: Status


VERBS = {
    verb.name: verb
    for verb in (
        Verb("publish", "Publish", "Publish or schedule", "Everybody sees it, at once or from the time that you choose.", Status.PUBLISHED),
        Verb("withdraw", "Withdraw to draft", "Withdraw", "Only staff see it. It keeps its time of publication.", Status.DRAFT),
        Verb("archive", "Archive", "Archive", "It is put away: staff find it, nobody else does.", Status.ARCHIVED),
    )
}  # fmt: skip
STATUS_COLOURS = {"Published": "success", "Scheduled": "info", "Draft": "info", "Archived": "warning"}
# What may become of an item in this status.
OFFERED = {
    "draft": ("publish", "archive"),
    "scheduled": ("publish", "withdraw", "archive"),
    "published": ("withdraw", "archive"),
    "archived": ("publish", "withdraw"),
}
PRESENT = {
    "drafts": Q(status=Status.DRAFT),
    "scheduled": is_scheduled(),
    "public": is_public(),
    "archived": Q(status=Status.ARCHIVED),
}


def standing(item: Item) -> str:
    """Return draft, scheduled, published or archived."""
    is_ahead = item.status == Status.PUBLISHED and item.published_at and item.published_at > now()
    return "scheduled" if is_ahead else str(item.status)


class WhenForm(forms.Form):
    """When to publish: at once, or at a time that lies ahead."""

    at = forms.DateTimeField(
        label="From this time on",
        required=False,
        widget=UnfoldAdminTextInputWidget({"type": "datetime-local"}),
        error_messages={"invalid": "A time is written like 2030-01-31T18:00."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["at"].help_text = (
            f"Left empty: at once. Else it becomes public by itself then ({get_current_timezone_name()})."
        )

    def clean_at(self) -> Any:
        at = self.cleaned_data["at"]
        if at and at <= now():
            raise forms.ValidationError("This time has passed; leave it empty to publish at once.")
        return at


class Publishes:
    """The actions of a list and the buttons of an item's page."""

    kinds: ClassVar[frozenset[str]]

    def has_publish_permission(self, request: HttpRequest) -> bool:
        """Return whether this person may publish and withdraw something here; by kind, see `bulk_editing`."""
        return bool(self.kinds & kinds_with(request.user, "publish"))

    @admin.action(description="Publish or schedule", permissions=["publish"])
    def publish(self, request: HttpRequest, queryset: ItemQuerySet) -> HttpResponse:
        return self._ask(request, queryset, VERBS["publish"])

    @admin.action(description="Withdraw to draft", permissions=["publish"])
    def withdraw(self, request: HttpRequest, queryset: ItemQuerySet) -> HttpResponse:
        return self._ask(request, queryset, VERBS["withdraw"])

    @admin.action(description="Archive", permissions=["publish"])
    def archive(self, request: HttpRequest, queryset: ItemQuerySet) -> HttpResponse:
        return self._ask(request, queryset, VERBS["archive"])

    def _ask(
        self, request: HttpRequest, items: ItemQuerySet, verb: Verb, item: Item | None = None
    ) -> HttpResponse:
        """Show what would happen; do it, if this is the confirmation of what was shown."""
        is_sent = request.POST.get("step") == "confirm"
        form = WhenForm(request.POST if is_sent and verb.name == "publish" else None)
        by = cast(User, request.user)
        found = bulk_editing.preview(items=items, changes=publishing.changes(verb.status), by=by)
        seen = mark({"status": verb.status.value, "not_ready": found.not_ready}, found.allowed)
        if is_sent and (verb.name != "publish" or form.is_valid()):
            at = form.cleaned_data["at"] if verb.name == "publish" else None
            if done := self._publication_begun(
                request, items, publishing.changes(verb.status, at), seen, item
            ):
                return done
        context = {"form": form if verb.name == "publish" else None, "preview": found, "mark": seen}
        return self._publication_question(request, items, verb, item, context)

    def _publication_begun(
        self, request: HttpRequest, items: ItemQuerySet, changes: dict[str, Any], seen: str, item: Item | None
    ) -> HttpResponse | None:
        if request.POST.get("seen", "") != seen:
            messages.warning(request, "Something is different from what you saw; look again.")
            return None
        page = cast(Any, self)
        try:
            edit = bulk_editing.confirm(
                items=items,
                changes=changes,
                by=cast(User, request.user),
                page=str(page.opts.model_name),
                query="" if item else request.GET.urlencode()[:4000],
                selection=str(item)[:1000] if item else chosen_as(request),
                expected=int(seen.partition("-")[0]),
            )
        except bulk_editing.EditRefused as refusal:
            messages.warning(request, str(refusal))
            return None
        if item is None:
            return HttpResponseRedirect(reverse("admin:catalog_bulkedit_change", args=[edit.pk]))
        is_good = edit.state == BulkEditState.DONE and not edit.refused
        messages.add_message(request, messages.SUCCESS if is_good else messages.WARNING, _told(edit, changes))
        return HttpResponseRedirect(reverse(f"admin:catalog_{item.kind}_change", args=[item.pk]))

    def _publication_question(
        self,
        request: HttpRequest,
        items: ItemQuerySet,
        verb: Verb,
        item: Item | None,
        context: dict[str, Any],
    ) -> HttpResponse:
        page, form = cast(Any, self), context["form"]
        many = {
            "action_name": verb.name,
            "ticked": request.POST.getlist(ACTION_CHECKBOX_NAME)[:MOST_HIDDEN],
            "ticked_name": ACTION_CHECKBOX_NAME,
            "across": request.POST.get("select_across", "0"),
        }
        back = reverse(f"admin:catalog_{item.kind}_change", args=[item.pk]) if item else None
        return TemplateResponse(
            request,
            "admin/catalog/item/publication_question.html",
            {
                **page.admin_site.each_context(request),
                **context,
                **({} if item else many),
                "title": f"{verb.title}: {item}" if item else verb.title,
                "verb": verb,
                "opts": page.opts,
                "media": page.media + form.media if form else page.media,
                "selection": str(item) if item else chosen_as(request),
                "standings": _standings(items, verb, request.user),
                "unready": list(_unready(items, verb, request.user)) if context["preview"].not_ready else [],
                "most_named": MOST_NAMED,
                "back": back or request.get_full_path(),
            },
        )


class ShowsPublication(Publishes):
    """The page of one item: its publication above the form, the buttons' pages, and the form that publishes."""

    def get_urls(self) -> list[URLPattern]:
        page = cast(Any, self)
        view = page.admin_site.admin_view(self.publication_view)
        name = f"catalog_{page.opts.model_name}_publication"
        own = path("<int:pk>/publication/<str:verb>/", view, name=name)
        return [own, *super().get_urls()]  # type: ignore[misc]

    def get_panels(self, request: HttpRequest, obj: Item) -> list[Panel]:
        """Say above the form what the item's publication is, what it lacks, and what can be done."""
        panels: list[Panel] = super().get_panels(request, obj)  # type: ignore[misc]
        return [Panel("admin/catalog/item/publication.html", self._publication(request, obj)), *panels]

    def _publication(self, request: HttpRequest, item: Item) -> dict[str, Any]:
        present, missing = standing(item), readiness.what_is_missing(item)
        verbs = OFFERED[present] if item.kind in kinds_with(request.user, "publish") else ()
        buttons = [
            {
                "title": VERBS[verb].button,
                "address": reverse(f"admin:catalog_{item.kind}_publication", args=[item.pk, verb]),
                "is_first": verb == "publish",
            }
            for verb in verbs
            if not (verb == "publish" and missing)
        ]
        return {
            "standing": present,
            "status": present.capitalize(),
            "colour": STATUS_COLOURS[present.capitalize()],
            "at": localtime(item.published_at) if present in {"scheduled", "published"} else None,
            "missing": missing,
            "buttons": buttons,
            "preview": reverse(f"admin:catalog_{item.kind}_preview", args=[item.pk]),
        }

    def publication_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        """Ask about one item; on POST do it, and lead back to its page."""
        page = cast(Any, self)
        if not (self.has_publish_permission(request) and page.has_view_permission(request)):
            raise PermissionDenied
        item = page.get_object(request, str(pk))
        if item is None or verb not in VERBS:
            raise Http404
        if item.kind not in kinds_with(request.user, "publish"):
            raise PermissionDenied
        return self._ask(request, Item.objects.filter(pk=item.pk), VERBS[verb], item)

    def save_model(self, request: HttpRequest, obj: Item, form: Any, change: Any) -> None:
        """Save; but what the form publishes waits for its rows, which belong to what it needs."""
        was = (form.initial.get("status") or Status.DRAFT, form.initial.get("published_at"))
        is_asked = "status" in form.cleaned_data and _becomes_public(obj, was)
        form.publishes = (obj.status, obj.published_at) if is_asked else None
        if form.publishes:
            obj.status, obj.published_at = was
        super().save_model(request, obj, form, change)  # type: ignore[misc]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)  # type: ignore[misc]
        if form.publishes:
            self._publish_saved(request, form.instance, *form.publishes)

    def _publish_saved(self, request: HttpRequest, item: Item, status: str, at: Any) -> None:
        """Publish the item if it is ready; else it stays what it was, and the person is told why."""
        if missing := readiness.what_is_missing(item):
            messages.error(request, f"Saved, but not published. {' '.join(missing)}")
            return
        item.status, item.published_at = status, at
        item.save(update_fields=["status", "published_at"])


def _becomes_public(item: Item, was: tuple[str, Any]) -> bool:
    """Return whether the item, which was in this status with this time, is published by what is to be saved."""
    was_public = was[0] == Status.PUBLISHED and was[1] and was[1] <= now()
    return item.status == Status.PUBLISHED and not was_public and (item.status, item.published_at) != was


def _standings(items: ItemQuerySet, verb: Verb, user: Any) -> dict[str, int]:
    """Count the items that would change by what they are now."""
    wanted = publishing.changes(verb.status)
    kinds = kinds_with(user, "publish")
    changing = publishing.differs(wanted) & ~bulk_editing.lacking(wanted, kinds) & Q(kind__in=kinds)
    counts = {name: Count("pk", filter=present) for name, present in PRESENT.items()}
    found = bulk_editing.chosen(items).filter(changing).aggregate(**counts)
    return {name: number for name, number in found.items() if number}


def _unready(items: ItemQuerySet, verb: Verb, user: Any) -> Iterator[dict[str, Any]]:
    """Yield some of the items that are refused, each with its page and what it lacks."""
    lacking = bulk_editing.lacking(publishing.changes(verb.status), kinds_with(user, "publish"))
    rows = bulk_editing.chosen(items).filter(lacking).annotate(missing=readiness.missing())
    for item in rows.only("name", "reference", "kind").order_by("pk")[:MOST_NAMED]:
        address = reverse(f"admin:catalog_{item.kind}_change", args=[item.pk])
        yield {"item": item, "address": address, "sentences": readiness.sentences(vars(item)["missing"])}


def _told(edit: Any, changes: dict[str, Any]) -> str:
    """Say in a sentence what came of one item's change."""
    if edit.refused:
        return "It was not published, because meanwhile it lacks something: see below."
    if not edit.changed:
        return edit.message or "Nothing was changed."
    status = changes["status"]["value"]
    if "published_at" in changes:
        return "It is scheduled, and will be public by itself at its time."
    return {
        Status.PUBLISHED: "It is public now.",
        Status.DRAFT: "It is a draft again.",
        Status.ARCHIVED: "It is put away.",
    }[Status(status)]
