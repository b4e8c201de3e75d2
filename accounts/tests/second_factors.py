"""Second factors for tests, and the codes that their apps would show."""

from typing import Any

from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from accounts.tests.factories import PASSWORD

LOGIN, VERIFY, OVERVIEW = "/admin/login/", "/admin/second-factor/verify/", "/admin/second-factor/"


def app_of(user: User, **fields: Any) -> TOTPDevice:
    return TOTPDevice.objects.create(user=user, name="Authenticator app", **fields)


def code_of(device: TOTPDevice, steps: int = 0) -> str:
    """Return the code that the app shows now, or so many steps of 30 s from now."""
    generator = TOTP(device.bin_key, t0=-30 * steps)
    return f"{generator.token():06}"


def wrong_code_of(device: TOTPDevice) -> str:
    right = {code_of(device, steps) for steps in (-2, -1, 0, 1, 2)}
    return next(
        code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in right
    )


def sign_in(browser: Any, user: User, **extra: Any) -> Any:
    """Sign in by the admin's own form, with the password alone."""
    answer = browser.post(LOGIN, {"username": user.username, "password": PASSWORD}, **extra)
    assert answer.status_code == 302, answer.content
    return answer
