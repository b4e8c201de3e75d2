"""The admin's pages for API keys.

Everybody who may add keys makes his own: a key speaks for its owner, so nobody makes one for somebody
else. Those who may see keys see all, those who may change or delete keys revoke any. None is deleted: the
row tells what the key was.
"""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.postgres.forms import SimpleArrayField
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts import keys
from accounts.models import ApiKey, User
from accounts.scopes import MOST_SCOPES
from marketplace.admin import ModelAdmin, UnfoldAdminTextInputWidget, display

STATE_COLOURS = {"Live": "success", "Expired": "warning", "Revoked": "danger"}


class NewKeyForm(forms.ModelForm[ApiKey]):
    """What a person says of a new key of his own; `owner` is set on the class that the page makes of it."""

    owner: User
    scopes = SimpleArrayField(
        forms.CharField(max_length=100),
        max_length=MOST_SCOPES,
        widget=UnfoldAdminTextInputWidget,
        help_text="read, write, or permissions by name such as catalog.change_vehicle; separated by commas.",
    )
    networks = SimpleArrayField(
        forms.CharField(max_length=49),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Where it may be used from, such as 203.0.113.0/24; separated by commas. Empty: anywhere.",
    )
    expires_in_days = forms.IntegerField(
        min_value=1,
        max_value=keys.LONGEST_DAYS,
        initial=keys.DEFAULT_DAYS,
        widget=UnfoldAdminTextInputWidget({"inputmode": "numeric"}),
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "networks")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not self.errors:
            key = ApiKey(owner=self.owner, scopes=values["scopes"], networks=values["networks"])
            keys.check(key, days=values["expires_in_days"])
        return values


class StateFilter(admin.SimpleListFilter):
    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(keys.State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        chosen = self.value()
        return queryset.filter(keys.in_state(keys.State(chosen))) if chosen in keys.State.values else queryset


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    sidebar_group = "People"
    sidebar_icon = "key"
    form = NewKeyForm
    list_display = (
        "name", "owner", "prefix", "scopes_shown", "networks_shown", "expires_at", "last_used_at", "state_shown",
    )  # fmt: skip
    list_filter = (StateFilter,)
    list_select_related = ("owner",)
    search_fields = ("prefix__startswith", "name", "owner__username")
    search_help_text = "Start of a prefix, a name or an account"
    ordering = ("-created_at", "-id")
    actions = ("revoke",)
    shown: Any = (
        (None, {"fields": ("name", ("owner", "prefix"), "state_shown")}),
        ("Reach", {"fields": ("scopes_shown", "networks_shown")}),
        ("Life", {"fields": (("created_at", "expires_at"), "revoked_at")}),
        ("Last use", {"fields": (("last_used_at", "last_used_address"),)}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        if obj is not None:
            return self.shown
        return ((None, {"fields": ("name", "scopes", "networks", "expires_in_days")}),)

    def get_form(self, request: HttpRequest, obj: ApiKey | None = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)
        form.owner = request.user  # a class of its own for this request
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return () if obj is None else flatten_fieldsets(self.shown)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        one_button = {"show_save_and_add_another": False, "show_save_and_continue": False}
        page: HttpResponse = super().add_view(request, form_url, one_button | (extra_context or {}))
        return page

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return not lookup.startswith("secret_hash") and super().lookup_allowed(lookup, value, request)

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return any(request.user.has_perm(f"accounts.{verb}_apikey") for verb in ("change", "delete"))

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: Any) -> None:
        obj.owner = cast(User, request.user)
        obj.verified_at = request.browser_session.verified_at  # type: ignore[attr-defined]  # the middleware's
        request.issued_text = keys.issue(obj, days=form.cleaned_data["expires_in_days"])  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the key in this very answer: a redirect would need it kept, in a session or a cookie, till then."""
        context = self.admin_site.each_context(request) | {
            "title": "API key made",
            "opts": self.opts,
            "issued": obj,
            "text": request.issued_text,  # type: ignore[attr-defined]
            "has_view_permission": self.has_view_permission(request),
        }
        return TemplateResponse(request, "admin/accounts/apikey/issued.html", context)

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        number = keys.revoke(keys=queryset, by=cast(User, request.user))
        messages.success(request, f"{number:,} API {'key' if number == 1 else 'keys'} revoked.")

    @display(description="scopes")
    def scopes_shown(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @display(description="networks")
    def networks_shown(self, key: ApiKey) -> str:
        return ", ".join(key.networks) or "anywhere"

    @display(description="state", label=STATE_COLOURS)
    def state_shown(self, key: ApiKey) -> str:
        return str(keys.state_of(key).label)
