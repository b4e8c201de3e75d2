"""Second factors for tests, the codes that their apps would show, and the doors that stay shut without them."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
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


def addresses(
    under: str, routes: Sequence[URLPattern | URLResolver] | None = None, prefix: str = ""
) -> Iterator[tuple[str, str | None]]:
    """Yield an address of each route under this one, with 1 for what varies, and the route's name."""
    for route in get_resolver().url_patterns if routes is None else routes:
        part = re.sub(r"\(\?P<app_label>[^)]*\)", "accounts", str(route.pattern))
        path = prefix + re.sub(
            r"\(\?P[^)]*\)|<[^>]+>|[\^$\\]", lambda it: "" if it[0] in "^$\\" else "1", part
        )
        if isinstance(route, URLPattern):
            if path.startswith(under):
                yield f"/{path}", route.name
        elif path.startswith(under) or under.startswith(path):
            yield from addresses(under, route.url_patterns, path)
