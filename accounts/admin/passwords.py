"""The admin's page for one's own password: by the same rules as the API's route, and by the same function."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy

from accounts import actions
from accounts.models import User
from marketplace.admin import AdminOwnPasswordChangeForm

# The form's names for what accounts.actions names.
FIELDS = {"old_password": "old_password", "new_password": "new_password2"}


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """Two passwords, the new one twice; whether the old one is right is judged when it is exchanged."""

    def clean_old_password(self) -> str:
        return cast(str, self.cleaned_data["old_password"])


class OwnPasswordView(PasswordChangeView):
    """Changes the password and keeps this browser signed in; every other session of the account ends."""

    form_class = OwnPasswordForm
    success_url = reverse_lazy("admin:password_change_done")

    def form_valid(self, form: Any) -> HttpResponse:
        user = cast(User, self.request.user)
        old, new = form.cleaned_data["old_password"], form.cleaned_data["new_password1"]
        try:
            actions.change_password(user=user, old_password=old, new_password=new)
        except ValidationError as error:
            for name, errors in error.error_dict.items():
                form.add_error(FIELDS[name], errors)
            return self.form_invalid(form)
        update_session_auth_hash(self.request, User.objects.get(pk=user.pk))
        # Past Django's own, which would set the password once more.
        return super(PasswordChangeView, self).form_valid(form)


def password_change(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    context = {**admin.site.each_context(request), **(extra_context or {})}
    return cast(HttpResponse, OwnPasswordView.as_view(extra_context=context)(request))


# Django 5.2 has no option for this page's form; the site asks for its view by this name.
admin.site.password_change = password_change  # type: ignore[method-assign,assignment]
