"""provision_admin where the service is public: the password that it makes up is for a start, not to keep."""

import stat
import subprocess
import sys
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path

import psutil
import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import passwords
from accounts.models import Action, AuditEvent, User
from accounts.provisioning import provision_admin
from accounts.tests.client import at_once, sign_in
from accounts.tests.factories import PASSWORD, UserFactory
from marketplace.tests.database import database_address
from marketplace.tests.stack import MANAGE, environment

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def var(tmp_path, monkeypatch, settings):
    """A fresh VAR_DIR on a public machine, and no variable of the machine's own."""
    for name in ("ADMIN_USERNAME", "ADMIN_EMAIL", "ADMIN_PASSWORD", "ADMIN_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    settings.BEHIND_TLS = True
    return tmp_path / "var"


@pytest.fixture
def run_out(var):
    """The first superuser, whose password was made up and not changed in time; the password."""
    provision_admin()
    User.objects.update(temporary_password_until=timezone.now() - timedelta(seconds=1))
    return (var / "admin_password").read_text()


def provision(*options):
    out = StringIO()
    call_command("provision_admin", *options, stdout=out)
    return out.getvalue()


def stored():
    """Return every account with the version of its row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text, * FROM accounts_user ORDER BY id")
        return cursor.fetchall()


def test_made_up_password_is_temporary(var):
    before = timezone.now()
    said = provision()

    until = User.objects.get().temporary_password_until
    assert until
    assert before + timedelta(hours=72) <= until <= timezone.now() + timedelta(hours=72)
    assert said == (
        f"Created the superuser 'admin'; the password is in {var / 'admin_password'}"
        f" and must be changed by {until:%Y-%m-%d %H:%M} UTC.\n"
    )


def test_made_up_password_on_loopback_stays(settings):
    settings.BEHIND_TLS = False
    provision()
    assert User.objects.get().temporary_password_until is None


def test_given_password_stays(monkeypatch):
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)
    provision()
    assert User.objects.get().temporary_password_until is None


def test_start_again_while_the_password_runs_changes_no_row(var):
    provision()
    before, password = stored(), (var / "admin_password").read_text()
    provision()
    assert (stored(), (var / "admin_password").read_text()) == (before, password)


def test_made_up_password_that_has_run_out_is_renewed(var, run_out):
    said = provision()

    admin, password = User.objects.get(), (var / "admin_password").read_text()
    assert said == (
        f"Renewed the password of 'admin', which had run out; the password is in {var / 'admin_password'}"
        f" and must be changed by {admin.temporary_password_until:%Y-%m-%d %H:%M} UTC.\n"
    )
    assert passwords.has_run_out(admin) is False
    assert password != run_out
    assert sign_in(APIClient(), "admin", password)
    assert authenticate(username="admin", password=run_out) is None
    assert [path.name for path in var.iterdir()] == ["admin_password"]
    assert stat.S_IMODE((var / "admin_password").stat().st_mode) == 0o600


def test_renewal_is_recorded(run_out):
    provision()
    event = AuditEvent.objects.get(action=Action.PASSWORD_CHANGED)
    assert (event.actor, event.subject) == ("", "admin")


def test_renewal_again_changes_no_row(run_out):
    provision()
    before = stored()
    provision()
    assert stored() == before


@pytest.mark.parametrize("options", [["--dry-run"], ["--dry-run", "--json"]])
def test_renewal_dry_run_changes_nothing(var, run_out, options):
    before = stored()
    said = provision(*options)
    assert str(var / "admin_password") in said
    assert (stored(), (var / "admin_password").read_text()) == (before, run_out)
    assert [path.name for path in var.iterdir()] == ["admin_password"]


def test_renewal_after_one_that_was_cut_short_takes_its_password(var, run_out):
    (var / "admin_password.next").write_text("made up, and never told of")
    provision()
    assert authenticate(username="admin", password="made up, and never told of")
    assert (var / "admin_password").read_text() == "made up, and never told of"


def test_renewal_that_cannot_write_changes_nothing(var, run_out):
    before = stored()
    (var / "admin_password.next").mkdir()
    with pytest.raises(ImproperlyConfigured, match=r"^VAR_DIR .* Is a directory"):
        provision_admin()
    assert (stored(), (var / "admin_password").read_text()) == (before, run_out)


@pytest.mark.django_db(transaction=True)
def test_renewal_by_ten_at_once_happens_once(var, run_out):
    renewed = sorted(at_once([lambda: provision_admin().renewed] * 10))

    assert renewed == [False] * 9 + [True]
    assert authenticate(username="admin", password=(var / "admin_password").read_text())


def test_no_renewal_while_another_superuser_can_sign_in(run_out):
    UserFactory.create(username="zoe", superuser=True)
    before = stored()
    provision()
    assert stored() == before


def test_no_renewal_of_a_password_that_a_person_set(run_out):
    admin = User.objects.get()
    admin.set_password(PASSWORD)
    admin.save()
    passwords.make_temporary(admin, hours=-1)
    before = stored()

    said = provision()

    assert said == (
        "Nothing changed: an active superuser exists ('admin').\n"
        "Its temporary password has run out: `manage.py changepassword admin` sets another.\n"
    )
    assert stored() == before


def test_no_renewal_without_the_file_that_tells_the_password_is_ours(var, run_out):
    (var / "admin_password").unlink()
    before = stored()
    provision()
    assert (stored(), list(var.iterdir())) == (before, [])


def words_of_processes():
    """Return the arguments and the environment of every process that can be looked at."""
    said = []
    for process in psutil.process_iter():
        try:
            said += [" ".join(process.cmdline()), str(process.environ())]
        except psutil.Error:
            continue
    return said


@pytest.mark.django_db(transaction=True)
def test_first_starts_beside_each_other_make_one_superuser_and_tell_nobody_the_password(var, tmp_path):
    variables = environment(
        var,
        DATABASE_URL=database_address(),
        S3_ENDPOINT_URL="http://127.0.0.1:9",
        SECRET_KEY="given",
        LOG_LEVEL="DEBUG",
    )
    logs = [tmp_path / f"{number}.log" for number in range(3)]
    starts, heard = [start(variables, log) for log in logs], []

    while any(process.poll() is None for process in starts):
        heard += words_of_processes()
        time.sleep(0.3)

    password = (var / "admin_password").read_text()
    said = [log.read_text() for log in logs]
    assert [process.returncode for process in starts] == [0] * 3, said
    assert sorted(text.splitlines()[-1].partition(" ")[0] for text in said) == ["Created"] + ["The"] * 2
    assert [user.username for user in User.objects.filter(is_superuser=True)] == ["admin"]
    assert authenticate(username="admin", password=password)
    assert [text for text in [*said, *heard] if password in text] == []


def start(variables: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, MANAGE, "provision_admin"], env=variables, stdout=file, stderr=file
        )
