"""The writing side of the lists: one row at its address, many under `bulk/`."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal, cast

from django.conf import settings
from django.db.models import Q
from django.http import HttpResponse
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

from accounts.models import User
from catalog.api import etags, serializers, views
from catalog.api.links import ITEM_LISTS, Links
from catalog.api.shapes.given import Reader
from catalog.api.staff import read_parameters
from catalog.api.writing import steps
from catalog.api.writing.documents import (
    ItemsReportSerializer,
    ProductionsReportSerializer,
    TermsReportSerializer,
    described,
)
from catalog.api.writing.items import ItemWriter
from catalog.api.writing.productions import ProductionWriter
from catalog.api.writing.requests import DRY_RUN, MOST_ROWS, ON_ERROR, UPSERT, refuse, refuse_all, transact
from catalog.api.writing.rows import Outcome, Row, pointer
from catalog.api.writing.sent_back import without_told
from catalog.api.writing.steps import Overtaken
from catalog.api.writing.terms import TermWriter
from catalog.api.writing.writer import Writer
from catalog.models import kinds_seen, kinds_with, may_view
from marketplace.parameters import ParameterType
from marketplace.problems import NOT_FOUND, BadParameters
from marketplace.rest import JSONRenderer, ReadOnlyOrModelPermissions

VERBS = {"POST": "add", "PUT": "change", "PATCH": "change", "DELETE": "delete"}
NO_LIST = f"The body is a list of 1 to {MOST_ROWS:,} rows."
BY_TAG = "Conditions are told by If-Match, with the ETag that was read; a time is too coarse."
IF_MATCH_OF_MANY = "If-Match is about one row; of many, each row names its version."


class WritesByRight(ReadOnlyOrModelPermissions):
    """Everybody reads; a write needs staff with the right to add, change or delete at the address, who also see it all.

    A method that the view lacks passes, so that it ends as a 405 for everybody.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        verb = VERBS.get(str(request.method))
        if verb is None or not hasattr(view, str(request.method).lower()):
            return True
        user = request.user
        return bool(user.is_active and user.is_staff) and view.may(user, verb)


class Conditional(views.ReadViewSet):
    """What writes of one row have in common: the condition that they may carry, and the row as their answer."""

    def refuse_others(self, key: int) -> None:
        """Raise if the request does not know the row, which is locked, as it is now."""
        if "If-Unmodified-Since" in self.request.headers:
            raise BadParameters([("If-Unmodified-Since", "invalid", BY_TAG)])
        if "If-Match" in self.request.headers:
            rows = self.get_queryset().order_by().filter(pk=key)
            tag = rows.values_list(self.tag(self.reader), flat=True).get()
            etags.refuse_others(self.request, str(tag))
        elif settings.REQUIRE_IF_MATCH:
            raise etags.PreconditionRequired

    def told(
        self, key: int, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """Return the answer that tells the row as it is now."""
        text, tag = self.now(key)
        more = {"ETag": etags.written(tag), **(headers or {})}
        return HttpResponse(text, status=status, headers=more, content_type=views.JSON)

    def now(self, key: int) -> tuple[str, str]:
        """Return the JSON and the tag of the row as it is now."""
        found = self.one_row({}, {"pk": key})
        if found is None:  # who writes sees what he writes, so somebody else has deleted it
            raise Overtaken
        return found


class Writes(Conditional):
    """What a list and its details take beside reading. A subclass names its writer."""

    permission_classes = (WritesByRight,)

    def may(self, user: Any, verb: str) -> bool:
        """Return whether the account has some right to this kind of write here."""
        raise NotImplementedError

    def writer(self) -> Writer:
        raise NotImplementedError

    def address(self, row: Any) -> str:
        """Return where the row is read."""
        raise NotImplementedError

    def account(self) -> User:
        return cast(User, self.request.user)

    # One row

    def create(self, request: Request) -> HttpResponse:
        """Add one. With `upsert=true`, what is there already is changed instead."""
        given = read_parameters(request, DRY_RUN | UPSERT)
        self.refuse_condition()
        prepare = steps.prepare_new_or_present if given.get("upsert") else steps.prepare_new

        def work() -> HttpResponse:
            writer, row = self.writer(), Row(0, body)
            writer.read([row], writer.body)
            prepare(writer, [row])
            if settings.REQUIRE_IF_MATCH and not row.is_new:
                raise etags.PreconditionRequired
            refuse(row)
            steps.store(writer, [row])
            is_new = row.outcome == Outcome.CREATED
            location = {"Location": self.address(row.future)} if is_new else {}
            return self.told(row.future.pk, HTTPStatus.CREATED if is_new else HTTPStatus.OK, location)

        body = self.body()
        return transact(request, given, work)

    def update(self, request: Request, **key: str) -> HttpResponse:
        """Replace it: what is not given takes its default, but for the slug, the status and the time of publication.

        The answer of its GET may be sent back whole.
        """
        return self.changed(replace=True, **key)

    def partial_update(self, request: Request, **key: str) -> HttpResponse:
        """Change it: what is not given stays as it is."""
        return self.changed(replace=False, **key)

    def changed(self, *, replace: bool, **key: str) -> HttpResponse:
        given = read_parameters(self.request, DRY_RUN)
        body = self.body()

        def work() -> HttpResponse:
            writer = self.writer()
            row = self.found(writer, "change", body, **key)
            if replace:
                row.body = without_told(body, writer.body().fields, lambda: self.now(row.present.pk)[0])
            writer.read([row], writer.body, partial=not replace)
            steps.prepare_one(writer, row, replace=replace)
            refuse(row)
            steps.store(writer, [row])
            return self.told(row.future.pk)

        return transact(self.request, given, work)

    def destroy(self, request: Request, **key: str) -> HttpResponse:
        """Delete it."""
        given = read_parameters(request, DRY_RUN)

        def work() -> HttpResponse:
            writer = self.writer()
            row = self.found(writer, "delete", None, **key)
            writer.refuse_in_use([row])
            refuse(row)
            row.outcome = Outcome.DELETED
            steps.store(writer, [row])
            return HttpResponse(status=HTTPStatus.NO_CONTENT)

        return transact(request, given, work)

    def found(self, writer: Writer, verb: str, body: Any, **key: str) -> Row:
        """Return the row at this address, locked, if the caller may do this to it and knows its present state."""
        found = writer.locked(Q(**key))
        if not found:
            raise NotFound(NOT_FOUND)
        row = Row(0, body, present=found[0])
        writer.refuse_beyond_rights([row], verb)
        refuse(row)
        self.refuse_others(row.present.pk)
        return row

    # Many rows

    def create_many(self, request: Request) -> HttpResponse:
        """Add many. With `upsert=true`, those that are there already are changed instead."""
        parameters = DRY_RUN | UPSERT | ON_ERROR
        upsert = read_parameters(request, parameters).get("upsert")
        return self.many(
            "row_body", steps.prepare_new_or_present if upsert else steps.prepare_new, parameters
        )

    def change_many(self, request: Request) -> HttpResponse:
        """Change many: each row says which one it is about; what it does not give stays as it is."""
        return self.many("row_body", steps.prepare_changes, DRY_RUN | ON_ERROR)

    def destroy_many(self, request: Request) -> HttpResponse:
        """Delete many: each row says which one it is about."""
        return self.many("key_body", steps.prepare_deletions, DRY_RUN | ON_ERROR)

    def many(
        self,
        shape: Literal["row_body", "key_body"],
        prepare: Callable[[Writer, Sequence[Row]], None],
        parameters: dict[str, ParameterType],
    ) -> HttpResponse:
        given = read_parameters(self.request, parameters)
        self.refuse_condition()
        bodies = self.body()
        if not isinstance(bodies, list) or not 0 < len(bodies) <= MOST_ROWS:
            raise ValidationError({"non_field_errors": [NO_LIST]})

        def work() -> HttpResponse:
            writer, rows = self.writer(), steps.rows_of(bodies)
            writer.tag, writer.is_strict = self.tag(self.reader), settings.REQUIRE_IF_MATCH
            writer.read(rows, getattr(writer, shape))
            prepare(writer, rows)
            if given.get("on_error") != "skip_failed" and any(row.faults for row in rows):
                refuse_all(rows)
            steps.store(writer, rows)
            report = report_of(self, writer, rows, is_dry=bool(given.get("dry_run")))
            return HttpResponse(JSONRenderer().render(report), content_type=views.JSON)

        return transact(self.request, given, work)

    # What both have in common

    def body(self) -> Any:
        """Return the body as it was sent; read now, so that the transaction need not wait for the client."""
        _ = self.request._request.body
        return self.request.data

    def refuse_condition(self) -> None:
        """Refuse If-Match where no one row is meant; to pass it over would be to write in spite of it."""
        if "If-Match" in self.request.headers:
            raise BadParameters([("If-Match", "invalid", IF_MATCH_OF_MANY)])


def report_of(view: Writes, writer: Writer, rows: Sequence[Row], *, is_dry: bool) -> dict[str, Any]:
    """Return what is told of many rows: how many of each outcome, and each row by itself."""
    now = writer.brief([row.future.pk for row in rows if row.future is not None and not row.faults])
    counts = {outcome.value: 0 for outcome in Outcome}
    results = []
    for row in rows:
        outcome = Outcome.FAILED if row.faults or row.outcome is None else row.outcome
        counts[outcome.value] += 1
        results.append({"row": row.place, "outcome": outcome, **_told(view, writer, row, now)})
    return {"dry_run": is_dry, **counts, "results": results}


def _told(view: Writes, writer: Writer, row: Row, now: dict[int, dict[str, Any]]) -> dict[str, Any]:
    known = None if row.faults or row.future is None else now.get(row.future.pk)
    errors = [
        {"pointer": pointer(fault.path), "code": fault.code, "detail": fault.sentence} for fault in row.faults
    ]
    if known is None:
        said = row.body if isinstance(row.body, dict) else {}
        told = {
            name: value for name in writer.key_names if isinstance(value := said.get(name), str) and value
        }
        return dict.fromkeys(writer.told) | {"url": None, "errors": errors} | told
    return known | {"url": view.address(row.future), "errors": errors}


@described(ItemWriter, serializers.ItemDetailSerializer, ItemsReportSerializer)
class ItemWrites(Writes, views.ItemViewSet):
    """Items of all kinds, and of one kind in the subclasses."""

    def may(self, user: Any, verb: str) -> bool:
        kinds = kinds_with(user, verb) & kinds_seen(user)
        return self.kind in kinds if self.kind else bool(kinds)

    def writer(self) -> ItemWriter:
        return ItemWriter(self.account(), self.kind)

    def address(self, row: Any) -> str:
        return f"{Links(self.request).to(ITEM_LISTS[row.kind])}{row.slug}/"


@described(ItemWriter, serializers.ItemDetailSerializer, ItemsReportSerializer)
class VehicleWrites(ItemWrites, views.VehicleViewSet):
    """Cars, motorcycles, helicopters, boats and aircraft."""


@described(ItemWriter, serializers.ItemDetailSerializer, ItemsReportSerializer)
class MemorabiliaWrites(ItemWrites, views.MemorabiliaViewSet):
    """Posters, costumes, scripts and other memorabilia."""


@described(ItemWriter, serializers.ItemDetailSerializer, ItemsReportSerializer)
class ToolWrites(ItemWrites, views.ToolViewSet):
    """Specialised tools."""


@described(ProductionWriter, serializers.ProductionSerializer, ProductionsReportSerializer)
class ProductionWrites(Writes, views.ProductionViewSet):
    """Films and series."""

    @classmethod
    def tag(cls, reader: Reader) -> Any:
        return etags.row_etag(cls.every_field(reader, {})["item_count"])

    def may(self, user: Any, verb: str) -> bool:
        return bool(user.has_perm(f"catalog.{verb}_production")) and may_view(user, "production")

    def writer(self) -> ProductionWriter:
        return ProductionWriter(self.account())

    def address(self, row: Any) -> str:
        return f"{Links(self.request).to('production-list')}{row.slug}/"


@described(TermWriter, serializers.TermSerializer, TermsReportSerializer)
class TermWrites(Writes, views.TermViewSet):
    """The words of the vocabularies."""

    def may(self, user: Any, verb: str) -> bool:
        return bool(user.has_perm(f"catalog.{verb}_term"))

    def writer(self) -> TermWriter:
        return TermWriter(self.account())

    def address(self, row: Any) -> str:
        return f"{Links(self.request).to('term-list')}{row.vocabulary}/{row.slug}/"
