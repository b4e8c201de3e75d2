"""Makes the first superuser, so that a fresh deployment has somebody who can sign in."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from accounts.hashers import PASSWORD_MAX_LENGTH
from accounts.models import User
from marketplace import embedded, environment
from marketplace.commands import CannotRun

PASSWORD_FILE = "admin_password"  # noqa: S105  (a file's name, under VAR_DIR)
# What manuals and examples suggest; compared by letters alone, so "Admin123!" is one of them too.
KNOWN_DEFAULTS = {
    "admin", "administrator", "adminadmin", "adminpassword", "change", "changeme", "changemenow", "changethis",
    "changethispassword", "default", "defaultpassword", "demo", "example", "guest", "insecure", "letmein", "minioadmin",
    "pass", "password", "passwordpassword", "passwort", "pleasechangeme", "postgres", "qwerty", "replaceme", "root",
    "secret", "secretpassword", "superuser", "test", "testing", "testpassword", "toor", "user", "welcome",
}  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """The superuser that the environment asks for; `password` is None when one is to be made up."""

    user: User
    password: str | None


@dataclass(frozen=True)
class Provisioned:
    """What provisioning did. `username` is the superuser made, or the one that was there already."""

    username: str
    created: bool
    dry_run: bool
    password_file: Path | None
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "username": self.username,
            "created": self.created,
            "dry_run": self.dry_run,
            "password_file": str(self.password_file) if self.password_file else None,
        }

    def lines(self) -> Iterator[str]:
        if self.created:
            yield f"{'Would create' if self.dry_run else 'Created'} the superuser {self.username!r}; {self._where()}."
        else:
            yield f"Nothing changed: an active superuser exists ({self.username!r})."
            if self.password_file:
                yield f"The password once made up for the first one was written to {self.password_file}."

    def _where(self) -> str:
        return (
            f"the password is in {self.password_file}"
            if self.password_file
            else "the password is the one given"
        )


def provision_admin(*, dry_run: bool = False) -> Provisioned:
    """Create the superuser of ADMIN_USERNAME, ADMIN_EMAIL and ADMIN_PASSWORD, if there is no active superuser.

    Never changes an account. Without ADMIN_PASSWORD one is made up and kept under VAR_DIR, readable by
    its owner only. Wrong variables are refused even when nothing is to be made, so that they do not wait
    for the next empty database. Raises CannotRun; then no account was made.
    """
    wish = _wish()
    with transaction.atomic():
        _wait_for_turn()
        present = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        if present is not None:
            kept = embedded.var_dir() / PASSWORD_FILE
            return Provisioned(
                present.username,
                created=False,
                dry_run=dry_run,
                password_file=kept if kept.exists() else None,
            )
        return _create(wish, dry_run=dry_run)


def _wish() -> Wish:
    user = User(username=User.normalize_username(environment.text("ADMIN_USERNAME", "admin")))
    user.email = User.objects.normalize_email(environment.text("ADMIN_EMAIL"))
    try:
        user.clean_fields(exclude={"password"})
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise CannotRun(f"ADMIN_{field.upper()} cannot be used: {messages[0]}") from error
    password = environment.text("ADMIN_PASSWORD") or None
    if password is None and os.environ.get("ADMIN_PASSWORD_FILE"):
        raise CannotRun("ADMIN_PASSWORD_FILE names an empty file, so there is no ADMIN_PASSWORD in it.")
    if password is not None:
        _refuse_weak(password, user, source="ADMIN_PASSWORD")
    return Wish(user, password)


def _refuse_weak(password: str, user: User, *, source: str) -> None:
    """Raise CannotRun with one sentence that names the source, and never the password."""
    if re.sub(r"[\W\d_]", "", password).casefold() in KNOWN_DEFAULTS:
        raise CannotRun(f"{source} is one of the passwords that everybody knows; choose another.")
    if "\0" in password or not _is_text(password):
        raise CannotRun(f"{source} holds a NUL or is not UTF-8 text, so nobody could sign in with it.")
    if len(password) > PASSWORD_MAX_LENGTH:
        raise CannotRun(f"{source} is longer than {PASSWORD_MAX_LENGTH} characters.")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CannotRun(f"{source} is too weak: {' '.join(error.messages)}") from error


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # bytes of the environment that are not UTF-8
        return False
    return True


def _wait_for_turn() -> None:
    """Let one process at a time look and create; the lock ends with the transaction."""
    with connection.cursor() as cursor:
        # Ten first starts wait for each other's password hashing, which may outlast a request's limits.
        cursor.execute("SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = '60s'")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('accounts.provision_admin'))")


def _create(wish: Wish, *, dry_run: bool) -> Provisioned:
    username = wish.user.username
    if User.objects.filter(username=username).exists():
        raise CannotRun(_taken(username))
    file = None if wish.password else embedded.var_dir() / PASSWORD_FILE
    if dry_run:
        return Provisioned(username, created=True, dry_run=True, password_file=file)
    password = wish.password or _made_up(wish.user)
    try:
        with transaction.atomic():
            User.objects.create_superuser(username, wish.user.email, password)
    except IntegrityError as error:  # somebody signed up under the name just now
        raise CannotRun(_taken(username)) from error
    return Provisioned(username, created=True, dry_run=False, password_file=file)


def _taken(username: str) -> str:
    return f"ADMIN_USERNAME is {username!r}, an account that exists and is not an active superuser; name another."


def _made_up(user: User) -> str:
    """Return the password kept under VAR_DIR, made at random if there is none yet."""
    password = embedded.secret(PASSWORD_FILE)
    _refuse_weak(password, user, source=str(embedded.var_dir() / PASSWORD_FILE))
    return password
