"""`manage.py doctor`."""

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.db import Error, connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateWorker

from accounts.models import User
from accounts.passwords import has_run_out
from marketplace import embedded, environment, faults, health
from marketplace.commands import OperatorCommand
from media_sync import storage
from media_sync.arrivals import preflight
from media_sync.errors import BucketUnavailable

EXTENSIONS = {"btree_gin", "pg_trgm", "unaccent"}
OLDEST_POSTGRES = 18  # what the tests run on
LOCAL_ORIGIN = "http://localhost:8000"
WORKER_SECONDS = 60  # a worker says every ten seconds that it lives


@dataclass(frozen=True)
class Finding:
    """What one check found; `remedy` is empty when all is well."""

    name: str
    found: str
    remedy: str = ""

    @property
    def is_ok(self) -> bool:
        return not self.remedy

    def line(self) -> str:
        return f"{'ok     ' if self.is_ok else 'problem'}  {self.name}: {self.found}" + (
            "" if self.is_ok else f" -> {self.remedy}"
        )


@dataclass(frozen=True)
class Findings:
    """The outcome of all checks; exit code 1 when one found a problem."""

    all: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        return 0 if all(finding.is_ok for finding in self.all) else 1

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": not self.exit_code,
            "checks": [asdict(finding) | {"ok": finding.is_ok} for finding in self.all],
        }

    def lines(self) -> Iterator[str]:
        yield from (finding.line() for finding in self.all)


class Command(OperatorCommand):
    help = "Check what the service relies on: one line a check, ok or the problem and its remedy. Exit code 1: a problem."
    examples = "  manage.py doctor\n  manage.py doctor --json\n"
    requires_system_checks = ()

    def perform(self, **options: Any) -> Findings:
        checks = [
            var_dir,
            secret_key,
            database,
            migrations,
            extensions,
            administrator,
            proxies,
            worker,
            bucket,
            uploads,
        ]
        return Findings(tuple(_examined(check) for check in checks))


def var_dir() -> Finding:
    path = embedded.var_dir()
    if not os.access(path, os.W_OK | os.X_OK):
        return Finding("VAR_DIR", f"{path} cannot be written", "give it to this user, or set VAR_DIR")
    served = " and ".join(
        name for name, ours in zip(("PostgreSQL", "S3"), embedded.wanted(), strict=True) if ours
    )
    return Finding("VAR_DIR", f"{path}" + (f", embedded {served}" if served else ""))


def secret_key() -> Finding:
    if environment.is_set("SECRET_KEY"):
        return Finding("SECRET_KEY", "given")
    where = f"made at random, kept in {embedded.var_dir() / 'secret_key'}"
    if environment.is_set("DATABASE_URL"):
        return Finding("SECRET_KEY", where, "set it: machines on one database must share it")
    return Finding("SECRET_KEY", where)


def database() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000,"
            " current_database()"
        )
        version, major, name = cursor.fetchone()
    if major < OLDEST_POSTGRES:
        return Finding("database", f"PostgreSQL {version}", f"use PostgreSQL {OLDEST_POSTGRES} or newer")
    return Finding("database", f"PostgreSQL {version}, database {name}")


def migrations() -> Finding:
    waiting = health.unapplied_migrations(connection)
    if waiting:
        first = ".".join(waiting[0])
        return Finding("migrations", f"{len(waiting)} not applied, first {first}", "run `manage.py migrate`")
    return Finding("migrations", "all applied")


def extensions() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extname FROM pg_extension")
        missing = sorted(EXTENSIONS - {name for (name,) in cursor.fetchall()})
    if missing:
        return Finding(
            "extensions", f"{', '.join(missing)} missing", "run `manage.py migrate` as the database's owner"
        )
    return Finding("extensions", ", ".join(sorted(EXTENSIONS)))


def administrator() -> Finding:
    admins = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")
    able = [admin for admin in admins if not has_run_out(admin)]
    if not able:
        return Finding("administrator", "nobody may sign in as one", "run `manage.py provision_admin`")
    return Finding("administrator", able[0].username)


def proxies() -> Finding:
    """Behind an unnamed proxy every client seems to come from its address, and they share one count of attempts."""
    if settings.BEHIND_TLS and not settings.TRUSTED_PROXIES:
        return Finding("proxies", "ALLOWED_HOSTS is public, and none is named", "set TRUSTED_PROXIES")
    if any(network.prefixlen == 0 for network in settings.TRUSTED_PROXIES):
        return Finding("proxies", "everybody is believed to be one", "name yours alone in TRUSTED_PROXIES")
    return Finding("proxies", ", ".join(map(str, settings.TRUSTED_PROXIES)) or "none is needed")


def worker() -> Finding:
    latest = ProcrastinateWorker.objects.order_by("-last_heartbeat").first()
    if latest is None or timezone.now() - latest.last_heartbeat > timedelta(seconds=WORKER_SECONDS):
        seen = f"last seen {latest.last_heartbeat:%Y-%m-%d %H:%M:%S} UTC" if latest else "none has been seen"
        return Finding("worker", seen, "start one: `make run`, or `manage.py procrastinate worker`")
    return Finding("worker", f"number {latest.pk} is at work")


def bucket() -> Finding:
    storage.check_bucket()
    # Under a name that no sync takes for an item's; removed again.
    key = f"doctor/{uuid4()}.txt"
    try:
        storage.client().put_object(Bucket=settings.S3_BUCKET, Key=key, Body=b"")
        storage.client().delete_object(Bucket=settings.S3_BUCKET, Key=key)
    except (BotoCoreError, ClientError) as error:
        return Finding(
            "bucket", f"cannot be written: {faults.one_line(error)}", "let the key put and delete objects"
        )
    return Finding("bucket", f"{settings.S3_BUCKET} at {settings.S3_ENDPOINT_URL or 'Amazon S3'}")


def uploads() -> Finding:
    """No problem either way: files that pages may not send to the bucket go through the service."""
    origin = f"https://{settings.OTP_WEBAUTHN_RP_ID}" if settings.BEHIND_TLS else LOCAL_ORIGIN
    if preflight.asks(storage.signed_url("doctor/file"), origin):
        return Finding("uploads", f"pages of {origin} send files straight to the bucket")
    return Finding(
        "uploads", f"pages of {origin} send files through the service; the bucket's CORS rules decide"
    )


def _examined(check: Callable[[], Finding]) -> Finding:
    """Return what the check found; what keeps it from looking is a problem too."""
    name = check.__name__.replace("_", " ")
    try:
        return check()
    except BucketUnavailable as error:
        return Finding(
            name, str(error), "correct S3_ENDPOINT_URL, S3_BUCKET or the keys, or start the server"
        )
    except Error as error:
        return Finding(
            name, faults.sentence(error), "correct DATABASE_URL, or start the database and migrate"
        )
