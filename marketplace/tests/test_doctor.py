"""`manage.py doctor`: what it finds, and what to do about it."""

import json
from io import StringIO
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import User
from marketplace.management.commands import doctor
from media_sync import storage
from media_sync.tests.servers import MOTO

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "given")


@pytest.fixture
def well(bucket):
    """All that the doctor looks for."""
    User.objects.create_superuser("ada", "ada@example.com", "a long passphrase")
    heartbeat("now()")


def heartbeat(when: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES ({when})")


def examined() -> tuple[int, dict[str, Any]]:
    """Return the exit code and the findings by name."""
    said, code = StringIO(), 0
    try:
        call_command("doctor", "--json", stdout=said)
    except SystemExit as ended:
        code = int(ended.code or 0)
    found = json.loads(said.getvalue())
    assert found["ok"] is (code == 0)
    return code, {check["name"]: check for check in found["checks"]}


def problems(findings: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {name: (check["found"], check["remedy"]) for name, check in findings.items() if not check["ok"]}


def test_doctor_when_all_is_well_finds_nothing(well):
    code, findings = examined()
    assert (code, problems(findings)) == (0, {})
    assert list(findings) == [
        "VAR_DIR", "SECRET_KEY", "database", "migrations", "extensions", "administrator", "proxies", "worker", "bucket",
        "uploads",
    ]  # fmt: skip
    assert findings["administrator"]["found"] == "ada"


def test_doctor_without_people_and_worker_says_how_to_get_them(bucket):
    code, findings = examined()
    assert (code, problems(findings)) == (
        1,
        {
            "administrator": ("nobody may sign in as one", "run `manage.py provision_admin`"),
            "worker": ("none has been seen", "start one: `make run`, or `manage.py procrastinate worker`"),
        },
    )


def test_doctor_with_an_admin_whose_temporary_password_ran_out_counts_nobody(well):
    User.objects.update(temporary_password_until="2026-01-02T03:04:05Z")
    assert problems(examined()[1])["administrator"][0] == "nobody may sign in as one"


def test_doctor_of_a_public_service_asks_for_its_proxies(well, settings):
    settings.BEHIND_TLS = True
    assert problems(examined()[1]) == {
        "proxies": ("ALLOWED_HOSTS is public, and none is named", "set TRUSTED_PROXIES")
    }


def test_doctor_says_that_everybody_counts_as_a_proxy(well, settings):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8"), ip_network("::/0")]

    assert problems(examined()[1]) == {
        "proxies": ("everybody is believed to be one", "name yours alone in TRUSTED_PROXIES")
    }


def test_doctor_with_a_worker_long_gone_says_when_it_was(bucket):
    heartbeat("'2026-01-02 03:04:05Z'")
    assert problems(examined()[1])["worker"][0] == "last seen 2026-01-02 03:04:05 UTC"


def test_doctor_with_an_old_database_names_the_version_that_it_needs(well, monkeypatch):
    monkeypatch.setattr(doctor, "OLDEST_POSTGRES", 99)
    assert problems(examined()[1])["database"][1] == "use PostgreSQL 99 or newer"


def test_doctor_without_a_bucket_server_names_the_variable(well, settings):
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:1"
    code, findings = examined()
    assert (code, list(problems(findings))) == (1, ["bucket"])
    assert "S3_ENDPOINT_URL" in findings["bucket"]["remedy"]


def test_doctor_with_a_made_up_key_beside_a_shared_database_objects(well, monkeypatch):
    monkeypatch.delenv("SECRET_KEY")
    monkeypatch.setenv("DATABASE_URL", "postgresql://shared")
    assert list(problems(examined()[1])) == ["SECRET_KEY"]


def test_doctor_for_people_prints_a_line_a_check(well):
    said = StringIO()
    call_command("doctor", stdout=said)
    lines = said.getvalue().splitlines()
    assert [line[:9] for line in lines] == ["ok       "] * 10


def test_doctor_of_a_bucket_without_rules_says_that_pages_send_through_the_service(well, settings):
    settings.BEHIND_TLS, settings.OTP_WEBAUTHN_RP_ID = True, "catalogue.example"
    assert examined()[1]["uploads"]["found"] == (
        "pages of https://catalogue.example send files through the service; the bucket's CORS rules decide"
    )


@pytest.mark.parametrize("s3_server", [MOTO], indirect=True)
def test_doctor_of_a_bucket_that_lets_pages_send_says_so(well, settings):
    rule: Any = {
        "AllowedMethods": ["PUT"],
        "AllowedOrigins": [doctor.LOCAL_ORIGIN],
        "AllowedHeaders": ["content-type", "x-amz-checksum-sha256"],
    }
    storage.client().put_bucket_cors(Bucket=settings.S3_BUCKET, CORSConfiguration={"CORSRules": [rule]})

    found = examined()[1]["uploads"]["found"]

    assert found == f"pages of {doctor.LOCAL_ORIGIN} send files straight to the bucket"
