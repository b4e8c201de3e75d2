"""The admin's pages of the audit record: found and read, by nobody changed."""

import json
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from accounts.models import Action, AuditEvent
from marketplace.addresses import read_address
from marketplace.admin import (
    ChoicesFilter,
    FormFilter,
    ReadOnlyModelAdmin,
    UnfoldAdminTextInputWidget,
    display,
)

# Whoever looks down the list sees first what went wrong, then what changed.
COLOURS = {
    Action.SIGN_IN_FAILED.label: "warning",
    Action.SIGN_IN_REFUSED.label: "danger",
    Action.TOKEN_REPLAYED.label: "danger",
    Action.RIGHTS_CHANGED.label: "info",
    Action.DELETED.label: "info",
}
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class TimeFilter(FormFilter):
    """Events from one moment to another; either end may be open."""

    title = "time"

    def make_fields(self) -> dict[str, forms.Field]:
        return {
            f"at_{end}": forms.DateTimeField(
                label=f"{end.capitalize()} (UTC)",
                required=False,
                validators=[MinValueValidator(EARLIEST), MaxValueValidator(LATEST)],
                widget=UnfoldAdminTextInputWidget({"type": "datetime-local"}),
            )
            for end in ("from", "to")
        }

    def narrow(self, queryset: QuerySet[Any], values: dict[str, Any]) -> QuerySet[Any]:
        for end, lookup in (("from", "at__gte"), ("to", "at__lte")):
            if moment := values[f"at_{end}"]:
                # In UTC: an offset that Python takes may be more than PostgreSQL does.
                queryset = queryset.filter(**{lookup: moment.astimezone(UTC)})
        return queryset


def about(text: str) -> Q:
    """Return the condition for events that a search means; an index answers each part of it."""
    found = Q(actor__istartswith=text) | Q(subject__istartswith=text) | Q(request_id=text)
    found |= Q(action=Action.DELETED, detail__contains={"first": [text]})
    address = read_address(text)
    return found | Q(address=str(address)) if address else found


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyModelAdmin):
    """What people did, newest first."""

    sidebar_group = "Operations"
    sidebar_icon = "policy"
    list_display = ("at_shown", "action_shown", "who", "subject", "address")
    list_filter = (("action", ChoicesFilter), TimeFilter)
    ordering = ("-at", "-id")
    sortable_by = ()
    search_fields = ("actor",)  # see get_search_results
    search_help_text = "Start of a name or subject, something deleted, a whole address or request id"
    fieldsets = (
        (None, {"fields": (("at_shown", "action_shown"), ("who", "actor_id"), "subject")}),
        ("From where", {"fields": ("address", "request_id", "device")}),
        ("What exactly", {"fields": ("detail_shown",)}),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        return (queryset.filter(about(text)) if text else queryset), False

    @admin.display(description="at (UTC)")
    def at_shown(self, event: AuditEvent) -> str:
        """Return the time to the second, as it is told apart and compared with logs."""
        text = f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        return format_html('<span class="whitespace-nowrap">{}</span>', text)

    @display(description="action", label=COLOURS)
    def action_shown(self, event: AuditEvent) -> str:
        return str(event.get_action_display())

    @admin.display(description="who")
    def who(self, event: AuditEvent) -> str:
        return event.actor or (f"account {event.actor_id}" if event.actor_id else "")

    @admin.display(description="detail")
    def detail_shown(self, event: AuditEvent) -> str:
        return format_html("<pre>{}</pre>", json.dumps(event.detail, indent=2, ensure_ascii=False))
