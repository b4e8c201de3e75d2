"""`/healthz` says that the process is alive; `/readyz` whether it can serve: database, migrations and bucket."""

import logging
from collections.abc import Callable, Iterator
from functools import cache
from http import HTTPStatus

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from marketplace import faults
from marketplace.problems import problem
from media_sync.errors import BucketUnavailable
from media_sync.storage import probe_bucket

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 2  # libpq takes no less
# What a probe may know; the reasons, which name hosts, go to the log.
NO_DATABASE = "The database does not answer."
NO_BUCKET = "The bucket does not answer."


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer as long as the process does: a database that is down is no reason to kill it."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """Answer 200 when requests can be served, else 503 with what is missing."""
    missing = [*database_faults(), *bucket_faults()]
    for _code, detail, reason in missing:
        logger.error("Not ready: %s %s", detail, reason)
    if missing:
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            " ".join(detail for _, detail, _ in missing),
            errors=[{"code": code, "detail": detail} for code, detail, _ in missing],
        )
    return JsonResponse({"status": "ready"})


def probes_first(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: answer probes before anything asks for a host's name; orchestrators probe by address, over HTTP."""
    probes = {"/healthz": healthz, "/readyz": readyz}

    def answer(request: HttpRequest) -> HttpResponse:
        return probes.get(request.path_info, get_response)(request)

    return answer


def database_faults() -> Iterator[tuple[str, str, str]]:
    """Yield (code, sentence, reason) for a database that does not answer or is not migrated."""
    connection = hurried_connection()
    try:
        waiting = unapplied_migrations(connection)
    except DatabaseError as error:
        yield "database", NO_DATABASE, faults.database_reason(error)
    else:
        if waiting:
            names = ", ".join(f"{app}.{name}" for app, name in waiting)
            yield "migrations", f"{len(waiting)} migrations are not applied.", names
    finally:
        connection.close()


def bucket_faults() -> Iterator[tuple[str, str, str]]:
    """Yield (code, sentence, reason) for a bucket that cannot be used."""
    try:
        probe_bucket()
    except BucketUnavailable as error:
        yield "bucket", NO_BUCKET, str(error)


def hurried_connection() -> BaseDatabaseWrapper:
    """Return a new connection that gives up soon; a kept one may hang for long on a frozen server. Close it."""
    connection = connections["default"].copy()
    connection.settings_dict["OPTIONS"] |= {
        "connect_timeout": CONNECT_SECONDS,
        "options": "-c statement_timeout=1000",
    }
    return connection


def unapplied_migrations(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    """Return (app, name) of the migrations that the code has and the database has not."""
    return sorted(_migrations() - MigrationRecorder(connection).applied_migrations().keys())


@cache
def _migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.nodes)
