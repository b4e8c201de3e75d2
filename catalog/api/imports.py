"""`/v1/imports/`: bring a spreadsheet, see what it would change, let it land, take it back."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import APIException, NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from catalog.api.bodies import Body
from catalog.api.filtering import ParameterFilterBackend, ParameterFilterSet, Where, matches
from catalog.api.import_mappings import mappings_of, refuse_unknown_columns
from catalog.api.import_projections import (
    ADD,
    CONFIRM,
    PREVIEW,
    UNDO,
    VIEW,
    address_of,
    preview_json,
    run_detail_json,
    run_json,
    run_rows,
)
from catalog.api.import_serializers import (
    TARGETS,
    ConfirmSerializer,
    LeaveOutSerializer,
    MappedSheetsSerializer,
    RowPageSerializer,
    RunDetailSerializer,
    RunSerializer,
    UndoSerializer,
    UploadSerializer,
)
from catalog.api.links import Links
from catalog.api.staff import StaffViewSet, read_parameters
from catalog.api.uploads import TooLarge
from catalog.imports.errors import ImportRefused
from catalog.imports.life import runs
from catalog.imports.life.files import MAX_BYTES
from catalog.imports.life.possible import JUDGED
from catalog.imports.pages import preview
from catalog.models import ImportOrigin, ImportRun, ImportSheet, ImportState, Outcome
from marketplace.parameters import Choice, ListOf, ParameterType, WholeNumber
from marketplace.problems import NOT_FOUND, BadParameters, refuse_unknown_parameters

RIGHTS = {
    "list": (VIEW, ADD),
    "retrieve": (VIEW, ADD),
    "create": (ADD,),
    "template": (ADD,),
    "give_mapping": (PREVIEW,),
    "rows": (VIEW, PREVIEW),
    "leave_out": (PREVIEW,),
    "confirm": (CONFIRM,),
    "cancel": (ADD,),
    "undo": (UNDO,),
    "rejected": (VIEW, PREVIEW),
    "original": (VIEW, ADD),
}
ROW_PARAMETERS: dict[str, ParameterType] = {
    "outcome": Choice((*Outcome.values, preview.WITHDRAWN)),
    "sheet": WholeNumber(),
    "page": WholeNumber(low=1),
    "page_size": WholeNumber(low=1, high=100),
}


ROW_DOCUMENTS = [
    OpenApiParameter(name, cast(Any, kind.schema), description=text)
    for (name, kind), text in zip(
        ROW_PARAMETERS.items(),
        ("Rows with this outcome, all when not given; withdrawn: the items that a full list does not name.", "Position of the sheet; the first when not given.",
         "Number of the page, from 1.", "Rows on a page; 50 when not given."),
        strict=True,
    )
]  # fmt: skip


class Conflict(APIException):
    """The run is not in a state in which this can be done."""

    status_code = HTTPStatus.CONFLICT


class Unavailable(APIException):
    """The bucket did not take the file."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    wait = 10


class ImportFilters(ParameterFilterSet):
    state = Where(
        ListOf(Choice(tuple(ImportState.values))), "state", matches("state__in"), "Any of these states."
    )
    target = Where(ListOf(Choice(TARGETS)), "target", matches("target__in"), "Any of these.")


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the life of a run refuses into answers."""
    try:
        yield
    except runs.RunForbidden as error:
        raise PermissionDenied from error
    except (runs.RunRefused, ImportRefused) as error:
        raise Conflict(str(error)) from error


def rows_of(sheet: ImportSheet, outcome: str, number: int, size: int) -> preview.PreviewPage:
    if outcome == preview.WITHDRAWN:
        return preview.withdrawals(sheet, number=number, size=size)
    return preview.page(sheet, outcome=outcome, number=number, size=size)


BODY = {
    202: OpenApiResponse(RunDetailSerializer, "Accepted; Location has the run, which tells how it goes on.")
}


@extend_schema(tags=["imports"])
class ImportViewSet(StaffViewSet):
    """Imports: one's own, and those of others once they are done."""

    queryset = ImportRun.objects.none()
    serializer_class = RunSerializer
    filter_backends = (ParameterFilterBackend,)
    filterset_class = ImportFilters

    def rights(self) -> tuple[str, ...]:
        return RIGHTS.get(self.action, (VIEW, ADD))

    def get_queryset(self) -> QuerySet[ImportRun]:
        return runs.visible_to(self.account()).order_by("-started_at", "-id")

    def run(self, pk: int) -> ImportRun:
        """Return the run; a 404 if there is none that the caller may see. It takes no query parameters."""
        run = self.get_queryset().order_by().filter(pk=pk).first()
        if run is None:
            raise NotFound(NOT_FOUND)
        return run

    def body(self, shape: type[Body]) -> dict[str, Any]:
        refuse_unknown_parameters(self.request)
        body = shape(data=self.request.data)
        body.is_valid(raise_exception=True)
        return cast(dict[str, Any], body.validated_data)

    def accepted(self, run: ImportRun) -> Response:
        links = Links(self.request)
        headers = {"Location": address_of(run.pk, links)}
        return Response(run_detail_json(run, self.account(), links), HTTPStatus.ACCEPTED, headers=headers)

    def list(self, request: Request) -> Response:
        """Imports, newest first."""
        page = self.paginate_queryset(run_rows(self.filter_queryset(self.get_queryset())))
        links = Links(request)
        return self.get_paginated_response([run_json(row, links) for row in page or ()])

    @extend_schema(responses=RunDetailSerializer)
    def retrieve(self, request: Request, pk: int) -> Response:
        """One import: how far it is, what it found, what can be done now."""
        refuse_unknown_parameters(request)
        return Response(run_detail_json(self.run(pk), self.account(), Links(request)))

    @extend_schema(request=UploadSerializer, responses=BODY)
    def create(self, request: Request) -> Response:
        """Bring a file. It is read in the background; the same file sent twice at once makes one run."""
        refuse_unknown_parameters(request)
        body = UploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given, file = body.validated_data, body.validated_data["file"]
        if file.size > MAX_BYTES:
            raise TooLarge
        try:
            run = runs.create(
                file=file,
                file_name=file.name,
                target=given["target"],
                options=body.options(),
                by=self.account(),
                origin=ImportOrigin.API,
                mapping=given.get("mapping"),
                at_once=given["land"] == "at_once",
            )
        except runs.RunForbidden as error:
            raise PermissionDenied from error
        except runs.RunRefused as error:  # the body was judged before
            raise Unavailable(str(error)) from error
        return self.accepted(run)

    @extend_schema(request=MappedSheetsSerializer, responses=BODY)
    def give_mapping(self, request: Request, pk: int) -> Response:
        """Say how our columns are made of the file's, sheet by sheet. The file is then read anew."""
        run, body = self.run(pk), self.body(MappedSheetsSerializer)
        mappings = mappings_of(run, body["sheets"])
        with refusals():
            runs.give_mapping(run, mappings=mappings, remember=body["remember"], by=self.account())
        return self.accepted(run)

    @extend_schema(parameters=ROW_DOCUMENTS, responses=RowPageSerializer)
    def rows(self, request: Request, pk: int) -> Response:
        """What becomes of each row, and what it changes; before the import lands, after, and after it is undone."""
        given = read_parameters(request, ROW_PARAMETERS)
        run = self.judged(pk)
        first = run.sheets.order_by("position").values_list("position", flat=True).first()
        sheet = self.sheet(run, given.get("sheet", first or 0))
        number = given.get("page", 1)
        size = given.get("page_size", preview.SIZE)
        with refusals():
            page = rows_of(sheet, given.get("outcome", ""), number, size)
        if number > max(page.pages, 1):
            raise BadParameters([("page", "beyond_end", f"page {number} is beyond the end of the list.")])
        here = request.build_absolute_uri()
        following, previous = number + 1 if number < page.pages else None, number - 1 or None
        return Response(
            {
                "count": page.total,
                "next": following and replace_query_param(here, "page", following),
                "previous": previous and replace_query_param(here, "page", previous),
                "results": [preview_json(row) for row in page.rows],
            }
        )

    def judged(self, pk: int) -> ImportRun:
        """Return a run whose rows can be seen; raise what keeps the caller from them."""
        run = self.run(pk)
        if not run.has_landed and not self.account().has_perm(PREVIEW):
            raise PermissionDenied
        if run.state not in JUDGED:
            raise Conflict("The rows of this import cannot be seen; its state and message tell why.")
        return run

    def sheet(self, run: ImportRun, position: int) -> ImportSheet:
        """Return the run's sheet at this position, which stands in the query."""
        sheet = run.sheets.filter(position=position).first()
        if sheet is None:
            raise BadParameters([("sheet", "does_not_exist", f"The import has no sheet {position}.")])
        return sheet

    @extend_schema(request=LeaveOutSerializer, responses=BODY)
    def leave_out(self, request: Request, pk: int) -> Response:
        """Leave rows and columns out, or take them back in, before the import lands."""
        run, body = self.run(pk), self.body(LeaveOutSerializer)
        refuse_unknown_columns(run, body)
        with refusals():
            runs.leave_out(run, by=self.account(), **body)
        return self.accepted(run)

    @extend_schema(request=ConfirmSerializer, responses=BODY)
    def confirm(self, request: Request, pk: int) -> Response:
        """Let the import land as it was previewed. Once more changes nothing."""
        run, body = self.run(pk), self.body(ConfirmSerializer)
        with refusals():
            runs.confirm(run, by=self.account(), withdraw=body["withdraw"])
        return self.accepted(run)

    @extend_schema(request=None, responses=BODY)
    def cancel(self, request: Request, pk: int) -> Response:
        """Stop the import; nothing of it lands. One that is landing is stopped within seconds."""
        run, _ = self.run(pk), self.body(Body)
        with refusals():
            runs.cancel(run, by=self.account())
        return self.accepted(run)

    @extend_schema(request=UndoSerializer, responses=BODY)
    def undo(self, request: Request, pk: int) -> Response:
        """Return every row to its state before the import; rows that were edited since stay, unless forced."""
        run, body = self.run(pk), self.body(UndoSerializer)
        with refusals():
            runs.undo(run, by=self.account(), force=body["force"])
        return self.accepted(run)
