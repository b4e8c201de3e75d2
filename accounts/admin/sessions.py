"""The admin's pages of sessions: who is signed in, where and how; and ending them."""

import uuid
from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts import reach, sessions
from accounts.models import EndReason, Session, SessionKind, User
from marketplace.admin import ChoicesFilter, ReadOnlyModelAdmin, display

LIVE, EXPIRED, STALE = "Live", "Expired", "Account changed"
STATE_COLOURS = {LIVE: "success", EndReason.REPLAY.label: "danger"}
MOST_ENDED = 5000  # sessions, by one click; more would take longer than a request may


def link_to_sessions(user: User) -> str:
    """Return a link to the account's sessions."""
    address = reverse("admin:accounts_session_changelist", query={"q": user.get_username()})
    return format_html('<a class="text-primary-600" href="{}">Where the account is signed in</a>', address)


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("live", LIVE), ("expired", EXPIRED), ("ended", "Ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        conditions = {
            "live": sessions.in_use(),
            "expired": Q(ended_at=None) & ~sessions.in_use(),
            "ended": Q(ended_at__isnull=False),
        }
        return queryset.filter(conditions.get(self.value() or "", Q()))


@admin.register(Session)
class SessionAdmin(ReadOnlyModelAdmin):
    """Sessions of people and machines, the last used first; those that are over for a month."""

    sidebar_group = "People"
    sidebar_icon = "devices"
    list_display = (
        "user", "kind_shown", "device", "address", "created_at", "last_used_at", "verified", "state_shown",
    )  # fmt: skip
    list_filter = (StateFilter, ("end_reason", ChoicesFilter), ("kind", ChoicesFilter))
    list_select_related = ("user",)
    ordering = ("-last_used_at", "-id")
    sortable_by = ()
    search_fields = ("user",)  # see get_search_results
    search_help_text = "A whole username, or the id of a session"
    actions = ("end_selected",)
    fieldsets = (
        (None, {"fields": ("user", ("kind_shown", "verified"), ("device", "address"))}),
        ("Life", {"fields": (("created_at", "last_used_at"), ("expires_at", "ended_at"), "state_shown")}),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by whole words: an index answers each."""
        text = search_term.strip()
        if not text:
            return queryset, False
        try:
            return queryset.filter(pk=uuid.UUID(text)), False
        except ValueError:
            name = User.normalize_username(text)
            return queryset.filter(user__in=list(User.objects.filter(username=name))), False

    def has_end_permission(self, request: HttpRequest) -> bool:
        return any(request.user.has_perm(f"accounts.{verb}_session") for verb in ("change", "delete"))

    @admin.action(description="End selected sessions", permissions=["end"])
    def end_selected(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        by = cast(User, request.user)
        if queryset.order_by()[: MOST_ENDED + 1].count() > MOST_ENDED:
            messages.error(request, f"Choose at most {MOST_ENDED:,} sessions to end at once.")
            return
        if not reach.reaches(by, User.objects.filter(pk__in=queryset.order_by().values("user"))):
            messages.error(
                request, "Some of them belong to accounts with rights that you lack; none was ended."
            )
            return
        ended = sessions.end_chosen(queryset, by=by)
        messages.success(request, f"{ended:,} {'session' if ended == 1 else 'sessions'} ended.")

    @admin.display(description="kind")
    def kind_shown(self, session: Session) -> str:
        return str(session.get_kind_display())

    @admin.display(description="second factor", boolean=True)
    def verified(self, session: Session) -> bool:
        return session.verified_at is not None

    @display(description="state", label=STATE_COLOURS)
    def state_shown(self, session: Session) -> str:
        """Return how it stands: why it ended, or whether it still opens something."""
        if session.ended_at is not None:
            return str(EndReason(session.end_reason).label)
        is_idle = session.kind == SessionKind.API and session.last_used_at <= sessions.idle_since()
        if is_idle or session.expires_at <= timezone.now():
            return EXPIRED
        is_current = session.user.is_active and session.epoch == session.user.session_epoch
        return LIVE if is_current else STALE
