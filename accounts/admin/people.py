"""The admin's pages for people and their rights.

Who edits accounts reaches as far as his own rights (accounts.reach): he changes, ends and gives passwords
to those who have no right that he lacks, and gives nothing that he has not. His own rights he leaves
to others, so that one superuser is always left.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from rest_framework.permissions import SAFE_METHODS
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts import actions, passwords, reach, second_factor
from accounts.admin.sessions import link_to_sessions
from accounts.audit import record
from accounts.models import Action, User
from accounts.roles import is_role
from marketplace.admin import AdminPasswordChangeForm, ModelAdmin, UserChangeForm, UserCreationForm

RIGHTS = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")
DATES = ("last_login", "date_joined", "sessions_shown", "factors_shown")
GOES_WITH_ACCOUNT = "its sessions, API keys, second factors and lines in the History of what it changed"
A_ROLE = (
    "This is one of the roles that the catalogue keeps, the same everywhere (docs/roles.md), so nobody changes it"
    " here. For another cut of rights make a group of your own."
)

ViewT = TypeVar("ViewT", bound=Callable[..., HttpResponse])

admin.site.unregister(Group)
# Tokens are credentials, not records to browse; sessions have pages of their own.
admin.site.unregister((OutstandingToken, BlacklistedToken))


def actor_of(request: HttpRequest) -> User:
    return cast(User, request.user)


def give_temporary(request: HttpRequest, person: User) -> None:
    """Make the password temporary that somebody else has just chosen for this person, and say so."""
    passwords.make_temporary(person)
    messages.warning(
        request,
        f"The password is temporary: with it {person} signs in within {passwords.TEMPORARY_HOURS} hours and"
        " chooses another, and does nothing else before.",
    )


def factors_text(person: User) -> str:
    """Name the account's second factors, "" if there are none; asked once for a page, which shows a field often."""
    known: dict[str, Any] = vars(person)
    if "_factors_text" not in known:
        names = ", ".join(one.name for one in second_factor.factors_of(person))
        known["_factors_text"] = (
            f"{names}; {second_factor.codes_left(person)} recovery codes" if names else ""
        )
    return str(known["_factors_text"])


def while_rights_stand_still(view: ViewT) -> ViewT:
    """Let one write to rights follow the other, each judged by the rights that its author has at that moment."""

    @wraps(view)
    def answer(page: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method in SAFE_METHODS:
            return view(page, request, *args, **kwargs)
        with transaction.atomic():
            reach.hold_still_for(actor_of(request))
            return view(page, request, *args, **kwargs)

    return cast(ViewT, answer)


class RightsPages(admin.ModelAdmin[Any]):
    """Pages whose writes give or take rights."""

    compressed_fields = False  # labels above, or the two lists of permissions would not fit beside them

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or self.reaches(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or self.reaches(request, obj))

    @while_rights_stand_still
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, extra_context)

    @while_rights_stand_still
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        return super().changeform_view(request, object_id, form_url, extra_context)

    @while_rights_stand_still
    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return super().delete_view(request, object_id, extra_context)

    def reaches(self, request: HttpRequest, row: Any) -> bool:
        """Return whether this person's rights suffice for the row; asked once for a request, as pages ask often."""
        known: dict[Any, bool] = vars(request).setdefault("_reached", {})
        if row not in known:
            known[row] = self.judge(actor_of(request), row)
        return known[row]

    def judge(self, actor: User, row: Any) -> bool:
        raise NotImplementedError

    @admin.display(description="permissions")
    def permission_names(self, holder: User | Group) -> str:
        """Return the permissions in one query; Django's own list takes one for each."""
        held = holder.permissions if isinstance(holder, Group) else holder.user_permissions
        names = held.order_by("content_type__app_label", "codename")
        rows = names.values_list("content_type__app_label", "codename")
        return ", ".join(f"{app}.{codename}" for app, codename in rows) or "-"


@admin.register(User)
class UserAdmin(RightsPages, DjangoUserAdmin[User], ModelAdmin):  # type: ignore[misc]  # both name a paginator; ours is used
    """Accounts. A new password, or the tick at "active" taken away, ends what the account is signed in with."""

    sidebar_group = "People"
    sidebar_icon = "person"
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "first_name", "last_name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    autocomplete_fields = ("groups",)
    filter_horizontal = ("user_permissions",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Sign-in", {"fields": (*DATES, "reset_shown")}),
        ("Single permissions, beside those of the groups", {"fields": ("user_permissions",)}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        shown = super().get_fieldsets(request, obj)
        if obj is None or not self._is_closed(request, obj):
            return shown
        *open_ones, (sign_in, _), (single, _) = shown
        return (*open_ones, (sign_in, {"fields": DATES}), (single, {"fields": ("permission_names",)}))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is not None and self._is_closed(request, obj):
            return (*DATES, *RIGHTS, "permission_names")
        shown = (*DATES, "reset_shown")
        return shown if reach.rules_all(actor_of(request)) else (*shown, "is_superuser")

    def _is_closed(self, request: HttpRequest, person: User) -> bool:
        """Return whether the rights of this account are only shown: one's own, or those of one out of reach."""
        return person.pk == actor_of(request).pk or not self.has_change_permission(request, person)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Accept only what this person may give, whatever the browser sends."""
        offered = {"groups": reach.groups_of, "user_permissions": reach.permissions_of}[db_field.name]
        kwargs["queryset"] = offered(actor_of(request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description="sessions")
    def sessions_shown(self, person: User) -> str:
        return link_to_sessions(person)

    @admin.display(description="second factor")
    def factors_shown(self, person: User) -> str:
        return factors_text(person) or "none"

    @admin.display(description="lost second factor")
    def reset_shown(self, person: User) -> str:
        if not factors_text(person):
            return "-"
        address = reverse("second-factor-reset", args=[person.pk])
        return format_html('<a class="text-primary-600" href="{}">Take it away</a>', address)

    def judge(self, actor: User, row: User) -> bool:
        return reach.reaches(actor, [row])

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        himself = obj is not None and obj.pk == actor_of(request).pk
        return not himself and super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Iterable[User], request: HttpRequest) -> Any:
        """Name the accounts, and in words what goes with them: that is theirs, and may be without end."""
        people, actor = list(objs), actor_of(request)
        allowed = reach.reaches(actor, people) and actor.pk not in {person.pk for person in people}
        lacking = set() if allowed else {str(self.opts.verbose_name)}
        named = [f"{person}, with {GOES_WITH_ACCOUNT}" for person in people]
        return named, {self.opts.verbose_name_plural: len(people)}, lacking, []

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        if not change and obj.has_usable_password():
            give_temporary(request, obj)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        actions.delete_users(users=User.objects.filter(pk=obj.pk), by=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        actions.delete_users(users=queryset, by=actor_of(request))

    @while_rights_stand_still
    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002  (Django's name)
        form_url: str = "",
    ) -> HttpResponse:
        """Give somebody a temporary password; one's own is changed where the old one is asked for."""
        person = self.get_object(request, unquote(id))
        if person is not None and person.pk == actor_of(request).pk:
            return HttpResponseRedirect(reverse("admin:password_change"))
        answer = super().user_change_password(request, id, form_url)
        given = person and User.objects.filter(pk=person.pk).exclude(password=person.password).first()
        if given:
            if given.has_usable_password():
                give_temporary(request, given)
            record(Action.PASSWORD_CHANGED, by=actor_of(request), subject=given.get_username())
        return answer


@admin.register(Group)
class GroupAdmin(RightsPages, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]  # the same
    """Groups: named sets of permissions. The roles among them are shown and not changed."""

    sidebar_group = "People"
    sidebar_icon = "group"

    def judge(self, actor: User, row: Group) -> bool:
        return not is_role(row) and reach.reaches_group(actor, row)

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any
    ) -> Any:
        kwargs["queryset"] = reach.permissions_of(actor_of(cast(HttpRequest, request)))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Group | None = None) -> Any:
        open_to_him = obj is None or self.has_change_permission(request, obj)
        fields = ("name", "permissions" if open_to_him else "permission_names")
        return ((None, {"fields": fields, "description": A_ROLE if is_role(obj) else ""}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        return ("permission_names",)
