"""The files of media assets: redirects to where they are read."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from catalog.api.staff import StaffViewSet
from catalog.models import MediaAsset, MediaKind, Processing, rendition_name
from marketplace.problems import NOT_FOUND, problem, refuse_unknown_parameters
from media_sync import delivery
from media_sync.errors import BucketUnavailable

REDIRECT_SECONDS = 5 * 60  # how long a client may keep a redirect; the address in it works longer
PREPARING_SECONDS = 5
NO_BUCKET = "Files cannot be read just now; try again later."
REFUSED = "This picture was refused, so it has no sizes to show. {why}"
PREPARING = "The sizes of this picture are being made; try again in a few seconds."

REDIRECT = extend_schema(
    responses={
        302: OpenApiResponse(description="Location has an address of the file, for a quarter of an hour.")
    }
)


class MediaFileViewSet(GenericViewSet[Any]):
    """Where files are read, by who may see their record."""

    queryset = MediaAsset.objects.all()

    @property
    def default_response_headers(self) -> dict[str, str]:
        return super().default_response_headers | {"Vary": "Authorization"}

    @REDIRECT
    def file(self, request: Request, pk: int) -> HttpResponse:
        """The file as it is published: a picture's largest size, any other file itself."""
        asset = _asset(request, pk)
        if asset.kind == MediaKind.IMAGE and asset.processing == Processing.REFUSED:  # seen by staff only
            raise NotFound(REFUSED.format(why=asset.refusal))
        return _redirect(asset, delivery.published_url)

    @REDIRECT
    def rendition(self, request: Request, pk: int, name: str) -> HttpResponse:
        """One of a picture's sizes, such as full-640.webp."""
        asset = _asset(request, pk)
        found = [each for each in asset.renditions if rendition_name(each) == name]
        if not found:
            raise NotFound(NOT_FOUND)
        return _redirect(asset, lambda asset: delivery.rendition_url(asset, found[0]))


class MediaOriginalViewSet(StaffViewSet):
    """The objects themselves."""

    queryset = MediaAsset.objects.all()

    def rights(self) -> tuple[str, ...]:
        return ("catalog.view_mediaasset",)

    @REDIRECT
    def original(self, request: Request, pk: int) -> HttpResponse:
        """The file as it lies in the bucket, with all that a camera wrote into it: for staff who may view media."""
        return _redirect(_asset(request, pk), delivery.original_url)


def _asset(request: Request, pk: int) -> MediaAsset:
    """Return the asset, which must be there and be seen by the caller; else a 404."""
    refuse_unknown_parameters(request)
    asset = MediaAsset.objects.visible_to(request.user).present().order_by().filter(pk=pk).first()
    if asset is None:
        raise NotFound(NOT_FOUND)
    return asset


def _redirect(asset: MediaAsset, address_of: Callable[[MediaAsset], str]) -> HttpResponse:
    try:
        address = address_of(asset)
    except BucketUnavailable:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, NO_BUCKET)
    if not address:
        after = {"Retry-After": str(PREPARING_SECONDS)}
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, PREPARING, headers=after)
    response = HttpResponseRedirect(address)
    response["Cache-Control"] = f"private, max-age={REDIRECT_SECONDS}"
    return response
