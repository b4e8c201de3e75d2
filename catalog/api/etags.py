"""Entity tags: which state of a row an answer tells, and whether a condition of the request holds against it.

A tag is made of the row versions that PostgreSQL keeps (`xmin`, `ctid`) of everything that the detail shows. Any write by any door makes another tag, and none has to be counted up or remembered.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import F, OuterRef, QuerySet
from django.db.models.functions import MD5
from django.utils.http import parse_etags
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from catalog.api.answers import RELEASE
from catalog.models import Appearance, MediaAsset

CHANGED = "It was changed since you read it; read it anew, and send If-Match with the ETag of that answer."
WEAK = (
    "If-Match takes a strong ETag; a weak one (W/...) never matches. A proxy that compresses makes ETags weak:"
    " read the row with Accept-Encoding: identity."
)
UNCONDITIONAL = (
    "This service takes changes of one row only with If-Match: send the ETag of the answer that you read."
)


class PreconditionFailed(APIException):
    """The row is not any more what the client knows of it."""

    status_code = HTTPStatus.PRECONDITION_FAILED
    default_detail = CHANGED


class PreconditionRequired(APIException):
    """The request does not say which state of the row it is about."""

    status_code = HTTPStatus.PRECONDITION_REQUIRED
    default_detail = UNCONDITIONAL


class RowVersion(models.Func):
    """The version of the row that holds this column: the transaction that wrote it, and where it lies.

    Any UPDATE gives it another; a second one within a transaction gives another place.
    """

    output_field = models.TextField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> Any:
        (column,) = self.get_source_expressions()
        row = compiler.quote_name_unless_alias(column.alias)
        return f"({row}.xmin::text || {row}.ctid::text)", []


class Joined(models.Func):
    """The parts one after the other with blanks between; arrays with commas."""

    function = "concat_ws"
    template = "%(function)s(' ', %(expressions)s)"
    output_field = models.TextField()


class Listed(models.Func):
    function = "array_to_string"
    template = "%(function)s(%(expressions)s, ',')"
    output_field = models.TextField()


def versions(rows: QuerySet[Any], *columns: str) -> Listed:
    """Return the versions of the rows of a subquery, and of the rows that it joins, in the order of their keys."""
    parts = Joined(*(RowVersion(F(column)) for column in columns), F("pk"))
    return Listed(ArraySubquery(rows.order_by("pk").values_list(parts)))


def item_etag() -> MD5:
    """Return the tag of an item's detail, to be annotated: the item, its appearances with the films, its pictures."""
    appearances = Appearance.objects.filter(item=OuterRef("pk"))
    pictures = MediaAsset.objects.publishable().images().filter(item=OuterRef("pk"))
    return MD5(Joined(
        RowVersion(F("pk")), F("pk"), versions(appearances, "pk", "production__title"), versions(pictures, "pk"),
    ))  # fmt: skip


def row_etag(*shown: Any) -> MD5:
    """Return the tag of a row whose detail shows no other rows, but for what the expressions `shown` count or name."""
    return MD5(Joined(RowVersion(F("pk")), F("pk"), *shown))


def written(tag: str) -> str:
    """Return the tag as the header has it: with the release, since another one may tell the same rows otherwise."""
    return f'"{tag}.{RELEASE[:8]}"'


def refuse_others(request: Request, tag: str) -> None:
    """Raise PreconditionFailed if the request's If-Match names other states than this tag."""
    given = request.headers.get("If-Match")
    if given is None or _matches(tags := parse_etags(given), tag):
        return
    raise PreconditionFailed(WEAK if tags and all(each.startswith("W/") for each in tags) else None)


def _matches(tags: Sequence[str], tag: str) -> bool:
    # A weak tag (W/"...") never matches: it may stand for several states. Rows stay what they are in a new release.
    return list(tags) == ["*"] or any(each.startswith(f'"{tag}.') for each in tags)
