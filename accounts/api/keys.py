"""A person's own API keys over HTTP."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, cast

from django.core.exceptions import ValidationError as ModelValidationError
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error

from accounts import keys
from accounts.api.permissions import BY_TOKEN, IsSignedIn, LacksNothing
from accounts.api.views import AccountView
from accounts.models import ApiKey, Session
from accounts.scopes import MOST_SCOPES
from marketplace.parameters import shown
from marketplace.problems import NOT_FOUND
from marketplace.rest import PageNumberPagination


class KeySerializer(serializers.ModelSerializer[ApiKey]):
    """A key as its owner may see it ever after: without the secret."""

    state = serializers.SerializerMethodField()
    scopes = serializers.ListField(child=serializers.CharField(), read_only=True)
    networks = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Empty: from anywhere."
    )

    class Meta:
        model = ApiKey
        fields: tuple[str, ...] = (
            "prefix", "name", "state", "scopes", "networks", "created_at", "expires_at", "revoked_at", "last_used_at",
            "last_used_address",
        )  # fmt: skip
        read_only_fields = fields

    def get_state(self, key: ApiKey) -> keys.State:
        return keys.state_of(key)


class IssuedKeySerializer(KeySerializer):
    """A key in the one answer that holds its text."""

    key = serializers.CharField(read_only=True, help_text="Keep it now: it is not shown again.")

    class Meta(KeySerializer.Meta):
        fields = ("key", *KeySerializer.Meta.fields)
        read_only_fields = fields


@extend_schema_field(
    {"type": "string", "minLength": 1, "maxLength": 49, "pattern": "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$"}
)
class NetworkField(serializers.CharField):
    """An address or a network, as the document can tell it; `keys.plain_networks` reads it."""


class NewKeySerializer(serializers.Serializer[Any]):
    is_strict = True  # for the OpenAPI document

    name = serializers.CharField(max_length=100, help_text="What it is for.")
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=100),
        min_length=1,
        max_length=MOST_SCOPES,
        help_text="read, write, or permissions by name such as catalog.change_vehicle.",
    )
    networks = serializers.ListField(
        child=NetworkField(max_length=49),
        max_length=keys.MOST_NETWORKS,
        default=list,
        help_text="Where it may be used from, such as 203.0.113.0/24; empty: anywhere.",
    )
    expires_in_days = serializers.IntegerField(
        min_value=1, max_value=keys.LONGEST_DAYS, default=keys.DEFAULT_DAYS
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a field that is not known: a misspelt `networks` would leave the key open to the world."""
        unknown = [name for name in self.initial_data if name not in self.fields]
        if unknown:
            raise ValidationError(
                {str(name): f"{shown(str(name))} is not a field of a key." for name in unknown},
                code="unknown",
            )
        return attrs


class OwnKeysView(AccountView):
    permission_classes = (IsSignedIn, LacksNothing)

    def get_queryset(self) -> QuerySet[ApiKey]:
        return ApiKey.objects.filter(owner=self.account()).order_by("-created_at", "-id")


@extend_schema(tags=["auth"], auth=BY_TOKEN)
class KeysView(OwnKeysView):
    """The account's API keys."""

    serializer_class = KeySerializer

    def known_parameters(self) -> Iterable[str]:
        return PageNumberPagination.types if self.request.method in SAFE_METHODS else ()

    @extend_schema(responses=KeySerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the account's keys, newest first; those that have expired or were revoked, too."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(KeySerializer(page, many=True).data)

    @extend_schema(request=NewKeySerializer, responses={201: IssuedKeySerializer})
    def post(self, request: Request) -> Response:
        """Make a key. The answer is the only place where its text ever stands."""
        body = NewKeySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        days = given.pop("expires_in_days")
        session = cast(Session, request.auth)  # IsSignedIn has seen to it
        key = ApiKey(owner=self.account(), verified_at=session.verified_at, **given)
        try:
            text = keys.issue(key, days=days)
        except ModelValidationError as error:
            raise ValidationError(as_serializer_error(error)) from error
        return Response({"key": text} | KeySerializer(key).data, status=HTTPStatus.CREATED)


@extend_schema(
    tags=["auth"],
    auth=BY_TOKEN,
    parameters=[OpenApiParameter("prefix", str, OpenApiParameter.PATH, description="As the list shows it.")],
)
class KeyView(OwnKeysView):
    """One of the account's API keys."""

    serializer_class = KeySerializer

    def get(self, request: Request, prefix: str) -> Response:
        """One key."""
        key = self.get_queryset().filter(prefix=prefix).first()
        if key is None:
            raise NotFound(NOT_FOUND)
        return Response(KeySerializer(key).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, prefix: str) -> Response:
        """Revoke the key: it opens nothing from now on, and stays in the list. Once more changes nothing."""
        found = self.get_queryset().filter(prefix=prefix)
        if not found.exists():
            raise NotFound(NOT_FOUND)
        keys.revoke(keys=found, by=self.account())
        return Response(status=HTTPStatus.NO_CONTENT)
