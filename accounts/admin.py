"""The admin's pages for people and their rights.

Only a superuser hands out rights. Others who may edit accounts see them, but neither raise anybody,
themselves included, nor touch a superuser, whose password would be the same thing by another door.
"""

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.models import User
from marketplace.admin import AdminPasswordChangeForm, ModelAdmin, UserChangeForm, UserCreationForm

RIGHTS = ("is_staff", "is_superuser", "groups")

admin.site.unregister(Group)
# Tokens are credentials, not records to browse; sessions are ended over the API or by a new password.
admin.site.unregister((OutstandingToken, BlacklistedToken))


def _is_superuser(request: HttpRequest) -> bool:
    return cast(User, request.user).is_superuser


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User], ModelAdmin):  # type: ignore[misc]  # both name a paginator; ours is used
    """Accounts. A new password, or the tick at "active" taken away, ends the account's tokens at once."""

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
        ("Rights", {"fields": ("is_active", *RIGHTS)}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
        ("Single permissions, beside those of the groups", {"fields": ("user_permissions",)}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        shown = super().get_fieldsets(request, obj)
        return shown if obj is None or _is_superuser(request) else shown[:-1]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        dates = ("last_login", "date_joined")
        return dates if _is_superuser(request) else (*dates, *RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._is_in_reach(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._is_in_reach(request, obj)

    def _is_in_reach(self, request: HttpRequest, obj: User | None) -> bool:
        return obj is None or not obj.is_superuser or _is_superuser(request)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]  # the same
    """Groups: named sets of permissions."""

    sidebar_group = "People"
    sidebar_icon = "group"

    def get_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        return ("name", "permissions") if _is_superuser(request) else ("name", "permission_names")

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        return () if _is_superuser(request) else ("permission_names",)

    @admin.display(description="permissions")
    def permission_names(self, group: Group) -> str:
        """Return the permissions in one query; Django's own list takes one for each."""
        names = group.permissions.order_by("content_type__app_label", "codename")
        return ", ".join(
            f"{app}.{codename}" for app, codename in names.values_list("content_type__app_label", "codename")
        )
