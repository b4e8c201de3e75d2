"""`/v1/media/uploads/`: announce a file, send it straight to the bucket, have it checked."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import APIException, ErrorDetail, NotFound, PermissionDenied, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.bodies import Body
from catalog.api.links import Links
from catalog.api.staff import StaffViewSet, read_parameters
from catalog.models import Item
from marketplace.parameters import WholeNumber
from marketplace.problems import NOT_FOUND, BadParameters, refuse_unknown_parameters
from media_sync import storage
from media_sync.api.upload_serializers import (
    AnnounceSerializer,
    MediaUploadSerializer,
    address_of,
    upload_json,
)
from media_sync.errors import BucketUnavailable
from media_sync.hurry import hurried, in_time
from media_sync.models import Upload, UploadState
from media_sync.pictures.errors import ReaderUnavailable
from media_sync.uploads import completing, presign, receiving, tickets
from media_sync.uploads.completing import OPEN
from media_sync.uploads.errors import NotArrived, UploadRefused

logger = logging.getLogger(__name__)
ADD = "catalog.add_mediaasset"
PART = WholeNumber(low=1, high=10_000)
DOES_NOT_FIT = "does_not_fit"  # code of what another part of the request, or the announcement, forbids


class Conflict(APIException):
    """The upload is not in a state in which this can be done."""

    status_code = HTTPStatus.CONFLICT


class Unavailable(APIException):
    """The bucket, or what reads pictures, does not answer."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = "Files cannot be taken just now; nothing is lost, try again later."
    wait = 10


class AnyBytes(BaseParser):
    """Leaves the body alone: the view reads it as it comes."""

    media_type = "*/*"


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what uploads refuse into answers."""
    try:
        yield
    except UploadRefused as error:
        code = "invalid" if error.fits else DOES_NOT_FIT
        raise ValidationError({error.field: [ErrorDetail(str(error), code=code)]}) from error
    except NotArrived as error:
        raise Conflict(str(error)) from error
    except (BucketUnavailable, ReaderUnavailable) as error:
        logger.warning("%s", error)
        raise Unavailable from error


DONE_OR_NOT = {
    200: OpenApiResponse(MediaUploadSerializer, "It has ended: done, or refused; `message` says why."),
    202: OpenApiResponse(MediaUploadSerializer, "It is being checked; its address tells how it ends."),
}
ANNOUNCED = {
    201: OpenApiResponse(MediaUploadSerializer, "Announced; Location has the upload."),
    200: OpenApiResponse(
        MediaUploadSerializer, "It was announced before, or the item has this content already."
    ),
}


@extend_schema(tags=["media"])
class UploadViewSet(StaffViewSet):
    """One's own uploads. Those of others do not exist."""

    queryset = Upload.objects.none()
    serializer_class = MediaUploadSerializer

    def rights(self) -> tuple[str, ...]:
        return (ADD,)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with hurried():
            return super().dispatch(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Upload]:
        return Upload.objects.of(self.account()).select_related("item")

    @extend_schema(request=AnnounceSerializer, responses=ANNOUNCED)
    def create(self, request: Request) -> Response:
        """Announce a file, and get the address that it is sent to. The same file announced twice is one upload."""
        refuse_unknown_parameters(request)
        body = AnnounceSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        item = self.item(given["item"])
        with refusals():
            in_time(storage.probe_bucket)  # an address that leads nowhere helps nobody
            upload, is_new = tickets.issue(
                by=self.account(),
                file_name=given["name"],
                size=given["size"],
                content_type=given["type"],
                sha256=given["sha256"],
                item=item,
                position=given["position"],
            )
        status = HTTPStatus.CREATED if is_new else HTTPStatus.OK
        return self.told(upload, status, {"Location": address_of(upload, Links(request))})

    @extend_schema(responses=MediaUploadSerializer)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One upload: how far it is, and fresh addresses for what has not arrived."""
        refuse_unknown_parameters(request)
        return self.told(self.upload(pk), HTTPStatus.OK)

    @extend_schema(request=None, responses=DONE_OR_NOT)
    def complete(self, request: Request, pk: UUID) -> Response:
        """Have what was sent checked, and made a file of the catalogue. Once more changes nothing."""
        refuse_unknown_parameters(request)
        upload = self.upload(pk)
        Body(data=request.data).is_valid(raise_exception=True)
        if not tickets.may_give(self.account(), upload.item):
            raise PermissionDenied
        with refusals():
            if upload.state in OPEN:
                in_time(storage.probe_bucket)
            upload = completing.complete(upload)
        return self.told(upload, HTTPStatus.ACCEPTED if upload.state in OPEN else HTTPStatus.OK)

    @extend_schema(
        parameters=[OpenApiParameter("part", cast(Any, PART.schema), description="Of a file in parts.")],
        request={"*/*": OpenApiTypes.BINARY},
        responses={204: OpenApiResponse(description="It has arrived.")},
    )
    def content(self, request: Request, pk: UUID) -> Response:
        """Send the bytes through this service: for pages whose browser may not send to the bucket."""
        given = read_parameters(request, {"part": PART})
        upload = self.upload(pk)
        plain = request._request  # DRF would look for a parser
        told = str(plain.META.get("CONTENT_LENGTH", ""))
        length = int(told) if told.isdecimal() else 0
        with refusals(), part_in_query():
            in_time(storage.probe_bucket)
            receiving.receive(upload, plain, length=length, part=given.get("part"))
        return Response(status=HTTPStatus.NO_CONTENT)

    def item(self, slug: str | None) -> Item | None:
        """Return the item of this slug, to which the caller may bring files."""
        if slug is None:
            return None
        item = Item.objects.visible_to(self.account()).filter(slug=slug).first()
        if item is None:
            raise ValidationError(
                {"item": [f"There is no item with the slug {slug}."]}, code="does_not_exist"
            )
        if not tickets.may_give(self.account(), item):
            raise PermissionDenied
        return item

    def upload(self, pk: UUID) -> Upload:
        """Return the caller's own upload; a 404 if there is none."""
        found = self.get_queryset().filter(pk=pk).first()
        if found is None:
            raise NotFound(NOT_FOUND)
        return found

    def told(self, upload: Upload, status: HTTPStatus, headers: dict[str, str] | None = None) -> Response:
        with refusals():
            doors = presign.doors(upload) if upload.state == UploadState.WAITING else None
        return Response(upload_json(upload, doors, Links(self.request)), status, headers=headers)


@contextmanager
def part_in_query() -> Iterator[None]:
    """Let a part that does not fit be told as the parameter that it is."""
    try:
        yield
    except UploadRefused as error:
        if error.field == "part":
            raise BadParameters([("part", DOES_NOT_FIT, str(error))]) from error
        raise
