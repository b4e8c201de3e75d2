"""provision_admin: the first superuser, made once."""

import json
import stat
import threading
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, transaction
from rest_framework.test import APIClient

from accounts.models import User
from accounts.provisioning import provision_admin
from accounts.tests.client import at_once, sign_in
from accounts.tests.factories import UserFactory
from marketplace import commands
from marketplace.commands import CannotRun
from marketplace.tests.database import wait_until_somebody_waits_for_a_lock

pytestmark = pytest.mark.django_db
GOOD = "Zephyr 51 gullwing"
UNSTORABLE = "This password holds a NUL or is not Unicode text, so nobody could sign in with it."
VARIABLES = ("ADMIN_USERNAME", "ADMIN_EMAIL", "ADMIN_PASSWORD", "ADMIN_PASSWORD_FILE")


@pytest.fixture(autouse=True)
def var(tmp_path, monkeypatch):
    """A fresh VAR_DIR, and no variable of the machine's own."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    return tmp_path / "var"


def provision(*options):
    out = StringIO()
    call_command("provision_admin", *options, stdout=out)
    return out.getvalue()


def stored():
    """Return every account, as it stands in the database."""
    return list(User.objects.order_by("pk").values())


def test_provision_makes_up_a_password(var):
    said = provision()

    password = (var / "admin_password").read_text()
    assert said == f"Created the superuser 'admin'; the password is in {var / 'admin_password'}.\n"
    assert len(password) >= 24
    assert stat.S_IMODE((var / "admin_password").stat().st_mode) == 0o600
    admin = User.objects.get()
    assert authenticate(username="admin", password=password) == admin
    assert (admin.is_superuser, admin.is_staff, admin.is_active, admin.email) == (True, True, True, "")


def test_provision_with_given_values(var, monkeypatch):
    monkeypatch.setenv("ADMIN_USERNAME", "ada")
    monkeypatch.setenv("ADMIN_EMAIL", "Ada@Example.COM")
    monkeypatch.setenv("ADMIN_PASSWORD", GOOD)

    said = provision()

    assert said == "Created the superuser 'ada'; the password is the one given.\n"
    assert authenticate(username="ada", password=GOOD) == User.objects.get(email="Ada@example.com")
    assert not var.exists()


def test_provision_as_json(var):
    assert json.loads(provision("--json")) == {
        "username": "admin",
        "created": True,
        "renewed": False,
        "dry_run": False,
        "password_file": str(var / "admin_password"),
        "change_by": None,
    }


def test_provision_password_file_comes_first(tmp_path, monkeypatch):
    (tmp_path / "secret").write_text(f"{GOOD}\n")
    monkeypatch.setenv("ADMIN_PASSWORD_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("ADMIN_PASSWORD", "Another 52 gullwing")
    provision()
    assert authenticate(username="admin", password=GOOD)


def test_provision_again_changes_nothing(var, monkeypatch):
    provision()
    before, password = stored(), (var / "admin_password").read_text()
    monkeypatch.setenv("ADMIN_USERNAME", "other")
    monkeypatch.setenv("ADMIN_PASSWORD", GOOD)

    said = provision()

    assert said == (
        "Nothing changed: an active superuser exists ('admin').\n"
        f"The password once made up for the first one was written to {var / 'admin_password'}.\n"
    )
    assert (stored(), (var / "admin_password").read_text()) == (before, password)


def test_provision_beside_an_inactive_superuser(var):
    UserFactory.create(username="gone", superuser=True, is_active=False)
    provision()
    assert list(User.objects.filter(is_active=True).values_list("username")) == [("admin",)]


@pytest.mark.parametrize("rights", [{"is_staff": True}, {"is_superuser": True, "is_active": False}])
def test_provision_when_the_name_is_taken(var, rights):
    UserFactory.create(username="admin", **rights)
    before = stored()
    with pytest.raises(CannotRun) as refusal:
        provision_admin()
    assert str(refusal.value) == (
        "ADMIN_USERNAME is 'admin', an account that exists and is not an active superuser; name another."
    )
    assert (stored(), var.exists()) == (before, False)


@pytest.mark.parametrize("options", [["--dry-run"], ["--dry-run", "--json"]])
def test_provision_dry_run_makes_nothing(var, options):
    said = provision(*options)
    assert str(var / "admin_password") in said
    assert (stored(), var.exists()) == ([], False)


AWKWARD = [
    "a quote's end", '"double" trouble', "`id` $(id) backticks", "$HOME ${HOME} $$", "back\\slash \\n \\", "'\"'\"'\"'\"'\"",
    "line one\nline two", "\nlines around it\n\n", "carriage\r\nreturn", "tabs\tin\tit", "\ttabs around\t", "  blanks around  ",
    "x\ty\rz vwxyz", " " * 12, "-" * 30, "--help --password", "# no comment; really", "&<b>html</b>&amp;", "%s {0} %(a)s; DROP TABLE",
    "100%25+plus&and=is", "null\x01bell\x07esc\x1b[31m", "\u200bzero\u200dwidth\ufeff", "no\u00a0break\u2028separators",
    "🏎️ 🚁 🛥️ 🏍️ ✈️ gull", "👩‍🚀👨‍👩‍👧‍👦 family", "e\u0301tage combining", "étage composed", "ﬁne ligatures ½", "パスワード長いです、とても",
    "كلمة السر الطويلة", "\u202eright to left", "é" * 200, "ab cd" * 40, "\U0010ffff last plane",
]  # fmt: skip


@pytest.mark.parametrize("password", AWKWARD)
def test_provision_awkward_password_signs_in_at_every_door(client, monkeypatch, password):
    monkeypatch.setenv("ADMIN_PASSWORD", password)
    provision()
    credentials = {"username": "admin", "password": password}

    page = client.post("/admin/login/?next=/admin/", credentials)

    assert (page.status_code, page.headers["Location"]) == (302, "/admin/")
    assert set(sign_in(APIClient(), **credentials)) == {"access", "refresh"}


@pytest.mark.parametrize(
    "password",
    ["  blanks around  ", "line one\nline two\n", "\r\nlines around", "é" * 200, "🏎️ 🚁 🛥️ 🏍️ ✈️ gull"],
)
def test_provision_password_file_signs_in_but_for_its_last_line_break(tmp_path, monkeypatch, password):
    (tmp_path / "secret").write_bytes(f"{password}\n".encode())
    monkeypatch.setenv("ADMIN_PASSWORD_FILE", str(tmp_path / "secret"))
    provision()
    assert set(sign_in(APIClient(), "admin", password)) == {"access", "refresh"}


@pytest.mark.parametrize(
    ("username", "stored_as"),
    [
        ("ada.lovelace+1@ships.org", "ada.lovelace+1@ships.org"),
        ("Åsa_Öberg-9", "Åsa_Öberg-9"),
        ("zoe\u0308", "zoë"),
        ("ﬁona", "fiona"),
        ("名前", "名前"),
        ("x" * 150, "x" * 150),
        ("ⅷ", "viii"),
    ],
)
def test_provision_odd_username_signs_in_at_every_door(client, monkeypatch, username, stored_as):
    monkeypatch.setenv("ADMIN_USERNAME", username)
    monkeypatch.setenv("ADMIN_PASSWORD", GOOD)
    provision()

    page = client.post("/admin/login/?next=/admin/", {"username": username, "password": GOOD})

    assert page.status_code == 302
    assert set(sign_in(APIClient(), username, GOOD)) == {"access", "refresh"}
    assert User.objects.get().username == stored_as


@pytest.mark.parametrize(
    "password",
    [
        "admin", "ADMIN", "password", "changeme", "change-me", "Changeme123!", "admin1234567", "Password!2026", "letmein",
        "secret", "root", "toor", "test", "guest", "default", "minioadmin", "postgres", "administrator", "qwerty12345",
        "Change_This_Password!", "P@ssw0rd!2026", "S3cr3t-S3cr3t-2026", "changeit", "calvin", "vagrant", "raspberry", "manager1234567",
        "CHANGE_ON_INSTALL", "Harbor12345", "Pa55w0rd1234", "Grafana-2026", "ubnt", "toor1234567890",
        "your-strong-password", "correct horse battery staple", "Trustno1-1234", "super_secret_password",
    ],
)  # fmt: skip
def test_provision_known_default_password(var, monkeypatch, password):
    monkeypatch.setenv("ADMIN_PASSWORD", password)
    with pytest.raises(CannotRun) as refusal:
        provision_admin()
    assert str(refusal.value) == (
        "ADMIN_PASSWORD cannot be used: This password is one that everybody knows; choose another."
    )
    assert (stored(), var.exists()) == ([], False)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("hj4!kQ", "This password is too short. It must contain at least 10 characters."),
        ("92837465029", "This password is entirely numeric."),
        ("gwerty1234567890" * 300, "This password is longer than 4096 characters."),
        ("not UTF-8 \udcff at all", UNSTORABLE),
        ("captain@ships.org", "The password is too similar to the email address."),
    ],
)
def test_provision_weak_password(var, monkeypatch, password, reason):
    monkeypatch.setenv("ADMIN_EMAIL", "captain@ships.org")
    monkeypatch.setenv("ADMIN_PASSWORD", password)
    with pytest.raises(CannotRun) as refusal:
        provision_admin()
    assert (
        str(refusal.value).replace("email address is", "email address")
        == f"ADMIN_PASSWORD cannot be used: {reason}"
    )
    assert (stored(), var.exists()) == ([], False)


def test_provision_wrong_password_is_refused_though_an_admin_exists(monkeypatch):
    UserFactory.create(superuser=True)
    monkeypatch.setenv("ADMIN_PASSWORD", "changeme")
    with pytest.raises(CannotRun):
        provision_admin()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ADMIN_USERNAME", "two words", "ADMIN_USERNAME cannot be used: Enter a valid username."),
        (
            "ADMIN_USERNAME",
            "x" * 151,
            "ADMIN_USERNAME cannot be used: Ensure this value has at most 150 characters",
        ),
        ("ADMIN_USERNAME", "\udcff", "ADMIN_USERNAME cannot be used: Enter a valid username."),
        ("ADMIN_USERNAME", "admin\n", "ADMIN_USERNAME cannot be used: Enter a valid username."),
        ("ADMIN_USERNAME", "½", "ADMIN_USERNAME cannot be used: Enter a valid username."),
        ("ADMIN_USERNAME", "'; DROP TABLE", "ADMIN_USERNAME cannot be used: Enter a valid username."),
        ("ADMIN_USERNAME", "🏎", "ADMIN_USERNAME cannot be used: Enter a valid username."),
        (
            "ADMIN_USERNAME",
            "ﬃ" * 51,
            "ADMIN_USERNAME cannot be used: Ensure this value has at most 150 characters",
        ),
        ("ADMIN_EMAIL", "nobody", "ADMIN_EMAIL cannot be used: Enter a valid email address."),
    ],
)
def test_provision_wrong_variable(monkeypatch, name, value, sentence):
    monkeypatch.setenv(name, value)
    with pytest.raises(CannotRun) as refusal:
        provision_admin()
    assert str(refusal.value).startswith(sentence)
    assert stored() == []


def test_provision_empty_password_file(tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("\n")
    monkeypatch.setenv("ADMIN_PASSWORD_FILE", str(tmp_path / "secret"))
    with pytest.raises(
        CannotRun, match=r"^ADMIN_PASSWORD_FILE names an empty file, so there is no ADMIN_PASSWORD in it\.$"
    ):
        provision_admin()


def test_provision_missing_password_file(tmp_path, monkeypatch):
    monkeypatch.setenv("ADMIN_PASSWORD_FILE", str(tmp_path / "absent"))
    with pytest.raises(
        ImproperlyConfigured, match=r"^ADMIN_PASSWORD_FILE names .*absent, which cannot be read: No such"
    ):
        provision_admin()


def test_provision_password_file_with_nul(tmp_path, monkeypatch):
    (tmp_path / "secret").write_bytes(b"Zephyr 51\0gullwing")
    monkeypatch.setenv("ADMIN_PASSWORD_FILE", str(tmp_path / "secret"))
    with pytest.raises(CannotRun, match=f"^ADMIN_PASSWORD cannot be used: {UNSTORABLE}$"):
        provision_admin()


def test_provision_var_dir_that_cannot_be_written(var):
    var.write_text("a file where the directory should be")
    with pytest.raises(ImproperlyConfigured, match=r"^VAR_DIR \(.*\) cannot be "):
        provision_admin()
    assert stored() == []


def test_provision_keeps_a_password_made_up_before(var):
    var.mkdir()
    (var / "admin_password").write_text("made up for another database 1")
    provision()
    assert authenticate(username="admin", password="made up for another database 1")


def test_provision_kept_password_that_is_weak(var):
    var.mkdir()
    (var / "admin_password").write_text("admin")
    with pytest.raises(CannotRun) as refusal:
        provision_admin()
    assert str(refusal.value) == (
        f"{var / 'admin_password'} cannot be used: This password is one that everybody knows; choose another."
    )
    assert stored() == []


@pytest.mark.django_db(transaction=True)
def test_provision_by_ten_at_once_makes_one(var):
    created = sorted(at_once([lambda: provision_admin().created] * 10))

    assert created == [False] * 9 + [True]
    assert User.objects.count() == 1
    assert authenticate(username="admin", password=(var / "admin_password").read_text())


@pytest.mark.django_db(transaction=True)
def test_provision_when_the_name_is_taken_meanwhile():
    inserted = threading.Event()

    def sign_up():
        with transaction.atomic():
            UserFactory.create(username="admin")
            inserted.set()
            wait_until_somebody_waits_for_a_lock()

    def provision_late():
        inserted.wait(timeout=30)
        with pytest.raises(CannotRun) as refusal:
            provision_admin()
        return str(refusal.value)

    _, refusal = at_once([sign_up, provision_late])

    assert refusal == (
        "ADMIN_USERNAME is 'admin', an account that exists and is not an active superuser; name another."
    )
    assert [(user["username"], user["is_superuser"]) for user in stored()] == [("admin", False)]


def test_provision_beside_an_admin_made_with_a_given_password():
    UserFactory.create(username="ada", superuser=True)
    assert provision() == "Nothing changed: an active superuser exists ('ada').\n"


@pytest.fixture
def served_elsewhere(monkeypatch):
    """The test's services stand already, so `run` must not start others under the fresh VAR_DIR.

    It lifts the limits of requests for the rest of its process, which here goes on: they are put back.
    """
    monkeypatch.setenv("DATABASE_URL", "postgresql:///unused")
    monkeypatch.setenv("S3_ENDPOINT_URL", "http://127.0.0.1:9")
    options = connection.settings_dict["OPTIONS"]
    limits = options["options"]
    yield
    options["options"] = limits
    connection.close()  # it may have been opened without them


@pytest.mark.django_db(transaction=True)
def test_provision_refusal_is_one_line_and_exit_code_2(monkeypatch, capsys, served_elsewhere):
    monkeypatch.setenv("ADMIN_PASSWORD", "changeme")
    code = commands.run(["manage.py", "provision_admin", "--json"])
    printed = capsys.readouterr()
    assert (code, printed.out) == (2, "")
    assert printed.err.splitlines()[-1] == (
        "ADMIN_PASSWORD cannot be used: This password is one that everybody knows; choose another."
    )
    assert "Traceback" not in printed.err


@pytest.mark.django_db(transaction=True)
def test_provision_never_prints_the_password(var, capsys, caplog, served_elsewhere):
    code = commands.run(["manage.py", "provision_admin"])
    printed = capsys.readouterr()
    password = (var / "admin_password").read_text()
    assert code == 0
    assert password not in printed.out + printed.err + caplog.text
