"""The admin's pages for the second factor: one's own, and the page that asks for it after signing in."""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial, wraps
from http import HTTPStatus
from typing import Any, cast

import segno
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_POST
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.exceptions import OTPWebAuthnApiError
from django_otp_webauthn.models import WebAuthnCredential

from accounts import attempts, audit, passkeys, second_factor
from accounts.middleware import mark_verified
from accounts.models import Action, Session, User
from marketplace.admin import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

# The library's own page shows the secret of an app, which is as good as the phone.
admin.site.unregister(TOTPDevice)

View = Callable[..., HttpResponse]

CONFIRMED = "password_confirmed_at"  # in the session: the time of it, in seconds
CONFIRMED_FOR = timedelta(minutes=15)
KEY = "second_factor_key"  # of an app that is being added, in the session until a code proves it
KINDS: dict[str, type[TOTPDevice | WebAuthnCredential]] = {"app": TOTPDevice, "passkey": WebAuthnCredential}
WRONG_CODE = (
    "This code is wrong or was used already, or it came too soon after a wrong one; wait for the next one."
)

NOT_THE_APP = "This is not the app's code of now; check the phone's clock."


class NotConfirmed(OTPWebAuthnApiError):
    """A passkey was offered long after the password."""

    status_code = HTTPStatus.FORBIDDEN
    default_detail = "Load the page again and confirm your password first."
    default_code = "not_confirmed"


class SecretForm(forms.Form):
    """A form whose one field is judged by trying it; `wait` says in how many seconds, if it came too often."""

    wait: int | None = None

    def is_right(self, judge: Callable[[str], bool], otherwise: str) -> bool:
        """Return whether the form was sent and is right; say `otherwise` beside its field if it is wrong."""
        if not self.is_valid():
            return False
        name = next(iter(self.fields))
        try:
            if judge(self.cleaned_data[name]):
                return True
            self.add_error(name, otherwise)
        except attempts.TooManyAttempts as error:
            self.wait = error.wait
            self.add_error(name, str(error.detail))
        return False


class CodeForm(SecretForm):
    """A code, typed from a phone or from paper."""

    code = forms.CharField(
        max_length=40,
        widget=UnfoldAdminTextInputWidget(
            {"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )


class PasswordForm(SecretForm):
    """The password once more, before something that cannot be taken back."""

    password = forms.CharField(
        label="Your password",
        max_length=4096,
        strip=False,
        widget=UnfoldAdminPasswordWidget({"autocomplete": "current-password", "autofocus": True}),
    )


def page(view: View) -> View:
    """Show the view to staff who are signed in, uncached, its forms with a CSRF token."""
    return admin.site.admin_view(view)


def passkey_step(step: Callable[[HttpRequest], dict[str, Any]]) -> View:
    """Make a view of one step of the browser's talk; what it may not do is said in JSON, as its script expects."""

    def answer(request: HttpRequest) -> HttpResponse:
        try:
            return JsonResponse(step(request))
        except OTPWebAuthnApiError as error:
            return JsonResponse({"detail": str(error), "code": error.code}, status=error.status_code)
        except attempts.TooManyAttempts as error:
            body = {"detail": str(error.detail), "code": "too_many_attempts"}
            return JsonResponse(
                body, status=HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": str(error.wait)}
            )

    return page(require_POST(answer))


def is_confirmed(request: HttpRequest) -> bool:
    """Return whether the person signed in, or gave the password once more, a short while ago."""
    row = cast(Session, request.browser_session)  # type: ignore[attr-defined]  # the middleware's
    confirmed: float = max(row.created_at.timestamp(), request.session.get(CONFIRMED, 0))
    return time.time() - confirmed < CONFIRMED_FOR.total_seconds()


def confirmed(view: View) -> View:
    """Ask for the password before the view, unless that was a short while ago.

    Whoever finds a browser that is signed in must not bind a factor of his own to the account.
    """

    @wraps(view)
    def ask_first(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_confirmed(request):
            return view(request, *args, **kwargs)
        return HttpResponseRedirect(f"{reverse('second-factor-confirm')}?{urlencode({'next': request.path})}")

    return ask_first


def shown(request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
    context |= admin.site.each_context(request) | {"title": title}
    answer = TemplateResponse(request, f"admin/accounts/second_factor/{template}.html", context)
    form = context.get("form")
    if isinstance(form, SecretForm) and form.wait is not None:
        answer.status_code = HTTPStatus.TOO_MANY_REQUESTS
        answer["Retry-After"] = str(form.wait)
    return answer


@page
def confirm(request: HttpRequest) -> HttpResponse:
    """Ask for the password once more, and go on to where the person was going."""
    form = PasswordForm(request.POST or None)
    judge = partial(attempts.confirm_password, cast(User, request.user))
    if form.is_right(judge, "This is not your password."):
        request.session[CONFIRMED] = time.time()
        return HttpResponseRedirect(local_next(request))
    return shown(request, "confirm", "Confirm your password", form=form, next=local_next(request))


@page
@confirmed
def overview(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    factors = second_factor.factors_of(user)
    kinds = {kind: name for name, kind in KINDS.items()}
    return shown(
        request,
        "overview",
        "Second factor",
        factors=[{"factor": one, "kind": kinds[type(one)]} for one in factors],
        has_app=any(isinstance(one, TOTPDevice) for one in factors),
        codes_left=second_factor.codes_left(user),
        is_required=second_factor.required_of(user),
        passkeys_work=passkeys.work_at(request),
        script=script_options(request),
    )


@page
def verify(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor of somebody whose password was right."""
    user, form = cast(User, request.user), CodeForm(request.POST or None)
    factors = second_factor.factors_of(user)
    if not factors:
        return to_overview()
    if form.is_right(partial(_is_code_of, user), WRONG_CODE):
        mark_verified(request)
        return HttpResponseRedirect(local_next(request))
    has_passkey = any(isinstance(one, WebAuthnCredential) for one in factors)
    return shown(
        request,
        "verify",
        "Second factor",
        form=form,
        next=local_next(request),
        has_passkey=has_passkey and passkeys.work_at(request),
        script=script_options(request),
    )


@page
@confirmed
def add_app(request: HttpRequest) -> HttpResponse:
    """Show the secret of a new app as a QR code, and keep it once a code proves that the app has it."""
    user, form = cast(User, request.user), CodeForm(request.POST or None)
    if any(isinstance(one, TOTPDevice) for one in second_factor.factors_of(user)):
        messages.info(request, "An authenticator app is set up; remove it before you add another.")
        return HttpResponseRedirect(reverse("second-factor"))
    key = request.session.setdefault(KEY, second_factor.new_key())
    if form.is_right(partial(second_factor.add_app, user, key), NOT_THE_APP):
        del request.session[KEY]
        mark_verified(request)
        return codes_page(request) if not second_factor.codes_left(user) else to_overview()
    device = second_factor.app_for(user, key)
    return shown(
        request,
        "app",
        "Add an authenticator app",
        form=form,
        qr=segno.make(device.config_url, error="m").svg_inline(scale=4, border=3, light="#fff"),
        secret=" ".join(in_fours(device.config_url)),
    )


@page
@require_POST
@confirmed
def new_codes(request: HttpRequest) -> HttpResponse:
    """Replace the recovery codes, and show the new ones this once."""
    if not second_factor.has_one(cast(User, request.user)):
        messages.error(request, "Recovery codes stand in for a second factor; add an app or a passkey first.")
        return to_overview()
    return codes_page(request)


@page
def remove(request: HttpRequest, kind: str, number: int) -> HttpResponse:
    """Take one of the person's own factors away, after the password."""
    user, form = cast(User, request.user), PasswordForm(request.POST or None)
    if kind not in KINDS:
        raise Http404
    factor = get_object_or_404(KINDS[kind], pk=number, user=user)
    confirm = partial(attempts.confirm_password, user)
    if not form.is_right(confirm, "This is not your password."):
        return shown(request, "remove", f"Remove {factor.name}", form=form, factor=factor)
    if second_factor.remove(user, factor):
        messages.success(request, f"{factor.name} was removed.")
    else:
        messages.error(request, "Staff need a second factor here; add another one before you remove this.")
    return to_overview()


@page
def reset(request: HttpRequest, number: int) -> HttpResponse:
    """Take all factors of somebody away who lost them; for those who may change that account."""
    person = get_object_or_404(User, pk=number)
    if not admin.site.get_model_admin(User).has_change_permission(request, person):
        raise PermissionDenied
    if person == request.user:
        return to_overview()
    back = reverse("admin:accounts_user_change", args=[person.pk])
    if request.method == "POST":
        count = second_factor.reset(person, by=cast(User, request.user))
        messages.success(request, f"{person} has no second factor now; {count} were taken away.")
        return HttpResponseRedirect(back)
    return shown(request, "reset", f"Reset the second factor of {person}", person=person, back=back)


def _is_code_of(user: User, code: str) -> bool:
    """Judge a code as one more attempt to sign in; a right one ends their count."""
    attempt = attempts.reserve(user.username)
    if second_factor.verify(user, code):
        _forgive(user, attempt)
        return True
    _record_failure(user)
    return False


def _forgive(user: User, attempt: attempts.Reservation) -> None:
    """Take back this attempt, and the one that the password was."""
    attempt.give_back()
    attempts.forgive(user.username)


def _record_failure(user: User) -> None:
    audit.record(Action.SIGN_IN_FAILED, by=user, subject=user.username, second_factor=True)


def _begin_registration(request: HttpRequest) -> dict[str, Any]:
    if not is_confirmed(request):
        raise NotConfirmed
    return passkeys.begin_registration(request)


def _register(request: HttpRequest) -> dict[str, Any]:
    if not is_confirmed(request):
        raise NotConfirmed
    made = passkeys.register(request)
    mark_verified(request)
    return {"id": made.pk, "codes_left": second_factor.codes_left(cast(User, request.user))}


def _authenticate(request: HttpRequest) -> dict[str, Any]:
    user = cast(User, request.user)
    attempt = attempts.reserve(user.username)
    try:
        device = passkeys.authenticate(request)
    except OTPWebAuthnApiError:
        _record_failure(user)
        raise
    _forgive(user, attempt)
    mark_verified(request)
    return {"id": device.pk, "redirect_url": local_next(request)}


begin_registration = passkey_step(_begin_registration)
complete_registration = passkey_step(_register)
begin_authentication = passkey_step(passkeys.begin_authentication)
complete_authentication = passkey_step(_authenticate)


def codes_page(request: HttpRequest) -> HttpResponse:
    codes = second_factor.new_recovery_codes(cast(User, request.user))
    return shown(request, "codes", "Recovery codes", codes=codes)


def to_overview() -> HttpResponse:
    return HttpResponseRedirect(reverse("second-factor"))


def local_next(request: HttpRequest) -> str:
    """Return where the person was going, if that is on this site; else the admin's first page."""
    wish = request.POST.get("next") or request.GET.get("next") or ""
    return wish if url_has_allowed_host_and_scheme(wish, allowed_hosts=None) else reverse("admin:index")


def in_fours(uri: str) -> list[str]:
    """Return the secret of an otpauth address in groups, as people type it."""
    secret = uri.partition("secret=")[2].partition("&")[0]
    return [secret[start : start + 4] for start in range(0, len(secret), 4)]


def script_options(request: HttpRequest) -> dict[str, Any]:
    """Return what the library's scripts read from the page."""
    return {
        "autocompleteLoginFieldSelector": None,
        "nextFieldSelector": "input[name='next']",
        "csrfToken": get_token(request),
        "beginAuthenticationUrl": reverse("passkey-authentication-begin"),
        "completeAuthenticationUrl": reverse("passkey-authentication-complete"),
        "beginRegistrationUrl": reverse("passkey-registration-begin"),
        "completeRegistrationUrl": reverse("passkey-registration-complete"),
    }
