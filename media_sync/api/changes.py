"""One file's record: described anew, given to another item, put into quarantine and taken back."""

from http import HTTPStatus
from typing import Any, cast

from django.core.exceptions import ValidationError as ModelFault
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from procrastinate.contrib.django import app
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request

from accounts.models import User
from catalog import attaching
from catalog.api.bodies import Body
from catalog.api.staff import read_parameters
from catalog.api.writing.documents import IF_MATCH, parameters
from catalog.api.writing.requests import DRY_RUN, transact
from catalog.api.writing.views import Conditional
from catalog.models import Item, MediaAsset, Processing
from marketplace.parameters import LARGEST_INTEGER
from marketplace.problems import NOT_FOUND
from media_sync.api.media import MediaSerializer, MediaViewSet
from media_sync.uploads.storing import PROCESS_TASK


class PointSerializer(Body):
    x = serializers.FloatField(min_value=0, max_value=1, help_text="0 is the left edge, 1 the right.")
    y = serializers.FloatField(min_value=0, max_value=1, help_text="0 is the upper edge, 1 the lower.")


class DescribeSerializer(Body):
    """What is not given stays as it is."""

    alt_text = serializers.CharField(max_length=300, allow_blank=True, required=False)
    caption = serializers.CharField(max_length=500, allow_blank=True, required=False)
    position = serializers.IntegerField(min_value=0, max_value=LARGEST_INTEGER, required=False)
    focal_point = PointSerializer(required=False, help_text="What stays in sight when a picture is cropped.")
    item = serializers.SlugField(
        max_length=255,
        allow_null=True,
        allow_unicode=True,
        required=False,
        help_text="Slug; null: it belongs to no item.",
    )


CONDITIONAL = [*parameters(DRY_RUN), IF_MATCH]


class MediaChangeViewSet(MediaViewSet, Conditional):
    """One file: everybody reads it who may see it; staff change it."""

    def account(self) -> User:
        return cast(User, self.request.user)

    @extend_schema(request=DescribeSerializer, parameters=CONDITIONAL, responses=MediaSerializer)
    def partial_update(self, request: Request, pk: int) -> HttpResponse:
        """Describe the file, order it, or give it to another item."""
        given = read_parameters(request, DRY_RUN)
        body = DescribeSerializer(data=request.data)

        def work() -> HttpResponse:
            asset = self.asset(pk)
            self.refuse_others(asset.pk)
            body.is_valid(raise_exception=True)
            if columns := self.columns(body.validated_data):
                self.write(asset, columns)
            return self.told(asset.pk)

        return transact(request, given, work)

    @extend_schema(
        parameters=CONDITIONAL,
        responses={204: OpenApiResponse(description="It is in quarantine, and no longer served.")},
    )
    def destroy(self, request: Request, pk: int) -> HttpResponse:
        """Put the file into quarantine. Once more changes nothing; `restore/` takes it back."""
        given = read_parameters(request, DRY_RUN)

        def work() -> HttpResponse:
            asset = self.asset(pk)
            self.refuse_others(asset.pk)
            attaching.quarantine_media(assets=MediaAsset.objects.filter(pk=asset.pk), by=self.account())
            return HttpResponse(status=HTTPStatus.NO_CONTENT)

        return transact(request, given, work)

    @extend_schema(request=None, parameters=parameters(DRY_RUN), responses=MediaSerializer)
    def restore(self, request: Request, pk: int) -> HttpResponse:
        """Take the file back out of quarantine. Once more changes nothing."""
        given = read_parameters(request, DRY_RUN)
        Body(data=request.data).is_valid(raise_exception=True)

        def work() -> HttpResponse:
            asset = self.asset(pk)
            if attaching.restore_media(assets=MediaAsset.objects.filter(pk=asset.pk), by=self.account()):
                self.process_if_waiting(asset.pk)
            return self.told(asset.pk)

        return transact(request, given, work)

    def asset(self, pk: int) -> Any:
        """Return a file, locked, that the caller sees and may change; what belongs to an item takes the right to its kind."""
        seen = self.get_queryset().select_related("item").filter(pk=pk).order_by()
        asset = seen.select_for_update(of=("self",), no_key=True).first()
        if asset is None:
            raise NotFound(NOT_FOUND)
        self.refuse_kind(asset.item)
        return asset

    def refuse_kind(self, item: Item | None) -> None:
        if item and not self.account().has_perm(f"catalog.change_{item.kind}"):
            raise PermissionDenied

    def columns(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the columns that the body sets."""
        columns: dict[str, Any] = {
            name: given[name] for name in ("alt_text", "caption", "position") if name in given
        }
        if "focal_point" in given:
            columns |= {"focal_x": given["focal_point"]["x"], "focal_y": given["focal_point"]["y"]}
        if "item" in given:
            columns["item"] = self.item(given["item"])
        return columns

    def item(self, slug: str | None) -> Item | None:
        item = Item.objects.visible_to(self.account()).filter(slug=slug).first() if slug is not None else None
        if slug is not None and item is None:
            raise ValidationError(
                {"item": [f"There is no item with the slug {slug}."]}, code="does_not_exist"
            )
        self.refuse_kind(item)
        return item

    def write(self, asset: MediaAsset, columns: dict[str, Any]) -> None:
        """Write these columns through the model's rules, whose sentences are the admin's."""
        for name, value in columns.items():
            setattr(asset, name, value)
        try:
            asset.full_clean(validate_unique=False)
        except ModelFault as fault:
            raise ValidationError(fault.message_dict) from fault
        asset.save(update_fields=[*columns, "updated_at"])
        if "focal_x" in columns:
            self.process_if_waiting(asset.pk)

    def process_if_waiting(self, pk: int) -> None:
        """Let a worker go on with a picture whose sizes are still to be made, or to be made anew."""
        if MediaAsset.objects.filter(
            pk=pk, processing__in=[Processing.WAITING, Processing.RENDERING]
        ).exists():
            app.configure_task(PROCESS_TASK).defer()
