"""Makes the first superuser, so that a fresh deployment has somebody who can sign in."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from accounts import passwords
from accounts.models import User
from marketplace import embedded, environment
from marketplace.commands import CannotRun

PASSWORD_FILE = "admin_password"  # noqa: S105  (a file's name, under VAR_DIR)
NEXT_PASSWORD_FILE = "admin_password.next"  # noqa: S105  (the same)


@dataclass(frozen=True)
class Wish:
    """The superuser that the environment asks for; `password` is None when one is to be made up."""

    user: User
    password: str | None


@dataclass(frozen=True)
class Provisioned:
    """What provisioning did. `username` is the superuser made, or the one that was there already.

    `renewed`: a password made up before, which nobody changed in time, gave way to another. `change_by`:
    until then it must be changed. `has_run_out`: no superuser can sign in, and it is not for us to help.
    """

    username: str
    created: bool
    dry_run: bool
    password_file: Path | None
    renewed: bool = False
    change_by: datetime | None = None
    has_run_out: bool = False
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "username": self.username,
            "created": self.created,
            "renewed": self.renewed,
            "dry_run": self.dry_run,
            "password_file": str(self.password_file) if self.password_file else None,
            "change_by": self.change_by,
        }

    def lines(self) -> Iterator[str]:
        if self.created:
            did = "Would create" if self.dry_run else "Created"
            yield f"{did} the superuser {self.username!r}; {self._where()}."
        elif self.renewed:
            did = "Would renew" if self.dry_run else "Renewed"
            yield f"{did} the password of {self.username!r}, which had run out; {self._where()}."
        else:
            yield from self._unchanged()

    def _where(self) -> str:
        if self.password_file is None:
            return "the password is the one given"
        until = f" and must be changed by {self.change_by:%Y-%m-%d %H:%M} UTC" if self.change_by else ""
        return f"the password is in {self.password_file}{until}"

    def _unchanged(self) -> Iterator[str]:
        yield f"Nothing changed: an active superuser exists ({self.username!r})."
        if self.has_run_out:
            yield f"Its temporary password has run out: `manage.py changepassword {self.username}` sets another."
        elif self.password_file:
            yield f"The password once made up for the first one was written to {self.password_file}."


def provision_admin(*, dry_run: bool = False) -> Provisioned:
    """Create the superuser of ADMIN_USERNAME, ADMIN_EMAIL and ADMIN_PASSWORD, if there is no active superuser.

    Never changes an account, but for one thing: where no superuser can sign in any more, because the
    password that was made up here has run out unchanged, another takes its place.

    Without ADMIN_PASSWORD one is made up and kept under VAR_DIR, readable by its owner only; where the
    service is public it is temporary. Wrong variables are refused even when nothing is to be made, so that
    they do not wait for the next empty database. Raises CannotRun; then no account was made.
    """
    wish = _wish()
    with transaction.atomic():
        _wait_for_turn()
        present = list(User.objects.filter(is_superuser=True, is_active=True).order_by("pk"))
        if not present:
            return _create(wish, dry_run=dry_run)
        if all(passwords.has_run_out(user) for user in present):
            return _renew(present, dry_run=dry_run)
        return _leave(present[0], dry_run=dry_run)


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
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CannotRun(f"{source} cannot be used: {error.messages[0]}") from error


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
    file = None if wish.password else _file()
    if dry_run:
        return Provisioned(username, created=True, dry_run=True, password_file=file)
    password = wish.password or _made_up(wish.user, PASSWORD_FILE)
    try:
        with transaction.atomic():
            user = User.objects.create_superuser(username, wish.user.email, password)
    except IntegrityError as error:  # somebody signed up under the name just now
        raise CannotRun(_taken(username)) from error
    # Loopback only: whoever reaches the service can read the file, too.
    until = passwords.make_temporary(user) if file and settings.BEHIND_TLS else None
    return Provisioned(username, created=True, dry_run=False, password_file=file, change_by=until)


def _taken(username: str) -> str:
    return f"ADMIN_USERNAME is {username!r}, an account that exists and is not an active superuser; name another."


def _leave(present: User, *, dry_run: bool, has_run_out: bool = False) -> Provisioned:
    kept = _file() if _file().exists() else None
    return Provisioned(
        present.username, created=False, dry_run=dry_run, password_file=kept, has_run_out=has_run_out
    )


def _renew(lost: list[User], *, dry_run: bool) -> Provisioned:
    """Make up another password in place of the one that ran out, and put it into the file."""
    user = _ours(lost)
    if user is None:
        return _leave(lost[0], dry_run=dry_run, has_run_out=True)
    until = None
    if not dry_run:
        passwords.set_password(user, _made_up(user, NEXT_PASSWORD_FILE), by=None)
        until = passwords.make_temporary(user)
        # Last, so that whatever fails before leaves file and account as they were.
        (embedded.var_dir() / NEXT_PASSWORD_FILE).replace(_file())
    return Provisioned(
        user.username, created=False, renewed=True, dry_run=dry_run, password_file=_file(), change_by=until
    )


def _ours(users: list[User]) -> User | None:
    """Return the user whose password is the one that was made up here; a person's own is not in the file."""
    made_up = embedded.secret(PASSWORD_FILE) if _file().exists() else None
    return next((user for user in users if made_up and check_password(made_up, user.password)), None)


def _file() -> Path:
    return embedded.var_dir() / PASSWORD_FILE


def _made_up(user: User, name: str) -> str:
    """Return the password kept under VAR_DIR by that name, made at random if there is none yet."""
    password = embedded.secret(name)
    _refuse_weak(password, user, source=str(embedded.var_dir() / name))
    return password
