"""Passkeys (WebAuthn) as a second factor: the four steps of the browser's talk with this service."""

import ipaddress
import json
from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils import timezone
from django_otp_webauthn.exceptions import InvalidState, MalformedRequest, UnprocessableEntity
from django_otp_webauthn.helpers import WebAuthnHelper
from django_otp_webauthn.models import WebAuthnCredential
from django_otp_webauthn.utils import rewrite_exceptions

from accounts import second_factor
from accounts.models import User

REGISTRATION, AUTHENTICATION = "passkey_registration", "passkey_authentication"  # kept in the session
MOST = 10  # passkeys to an account
# What the parsers of a hostile answer raise beside their own exceptions.
UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)


class PasskeyHelper(WebAuthnHelper):
    """Binds passkeys to the name that the browser is at: a setting's name, or one of ALLOWED_HOSTS."""

    def get_relying_party_domain(self) -> str:
        host, named = host_name(self.request), settings.OTP_WEBAUTHN_RP_ID
        # A passkey of example.com works at shop.example.com too; of any other name it works there alone.
        return named if host == named or host.endswith(f".{named}") else host

    def get_allowed_origins(self) -> list[str]:
        own = f"{self.request.scheme}://{self.request.get_host()}"
        return [own, *settings.OTP_WEBAUTHN_ALLOWED_ORIGINS]

    def create_credential(self, user: AbstractBaseUser, *args: Any, **kwargs: Any) -> WebAuthnCredential:
        made = super().create_credential(user, *args, **kwargs)
        made.name = f"Passkey of {timezone.now():%d %B %Y}"
        return cast(WebAuthnCredential, made)


def host_name(request: HttpRequest) -> str:
    return split_domain_port(request.get_host())[0]


def work_at(request: HttpRequest) -> bool:
    """Return whether browsers make passkeys for this address: they do for names, not for numbers."""
    try:
        ipaddress.ip_address(host_name(request).strip("[]"))
    except ValueError:
        return True
    return False


def begin_registration(request: HttpRequest) -> dict[str, Any]:
    """Return what the browser needs to make a passkey for the signed-in person."""
    options, state = PasskeyHelper(request).register_begin(request.user)
    request.session[REGISTRATION] = state
    return cast(dict[str, Any], options)


def register(request: HttpRequest) -> WebAuthnCredential:
    """Keep the passkey that the browser has made; raises OTPWebAuthnApiError if it is not one for us."""
    user, state, answer = cast(User, request.user), _state(request, REGISTRATION), _answer(request)
    helper = PasskeyHelper(request)
    try:
        with transaction.atomic():
            second_factor.lock(user)
            if WebAuthnCredential.objects.filter(user=user).count() >= MOST:
                raise UnprocessableEntity(f"An account has at most {MOST} passkeys; remove one first.")
            made = _judged(lambda: helper.register_complete(user=user, state=state, data=answer))
            second_factor.note_added(user, made)
    except IntegrityError as error:
        raise UnprocessableEntity("This passkey is registered already.") from error
    return made


def begin_authentication(request: HttpRequest) -> dict[str, Any]:
    """Return what the browser needs to show one of the signed-in person's passkeys."""
    options, state = PasskeyHelper(request).authenticate_begin(request.user, require_user_verification=False)
    request.session[AUTHENTICATION] = state
    return cast(dict[str, Any], options)


def authenticate(request: HttpRequest) -> WebAuthnCredential:
    """Return the passkey that was shown; raises OTPWebAuthnApiError if it is none of the person's."""
    state, answer = _state(request, AUTHENTICATION), _answer(request)
    helper = PasskeyHelper(request)
    shown = _judged(lambda: helper.authenticate_complete(user=request.user, state=state, data=answer))
    if not shown.confirmed:
        raise UnprocessableEntity("This passkey is not in use.")
    return shown


def _state(request: HttpRequest, name: str) -> dict[str, Any]:
    """Take the challenge out of the session, and save that at once: it counts for one answer, right or wrong."""
    state: dict[str, Any] | None = request.session.pop(name, None)
    request.session.save()
    if not state:
        raise InvalidState
    return state


def _answer(request: HttpRequest) -> dict[str, Any]:
    try:
        answer = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest from error
    if not isinstance(answer, dict):
        raise MalformedRequest
    return answer


def _judged(judge: Callable[[], WebAuthnCredential]) -> WebAuthnCredential:
    try:
        with rewrite_exceptions():
            return judge()
    except UNREADABLE as error:
        raise UnprocessableEntity("The passkey's answer cannot be read.") from error
