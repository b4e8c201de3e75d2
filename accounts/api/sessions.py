"""A person's own sessions over HTTP: where the account is signed in, and ending one of them."""

import uuid
from collections.abc import Iterable
from http import HTTPStatus

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import sessions
from accounts.api.permissions import BY_TOKEN, IsSignedIn, LacksNothing
from accounts.api.views import AccountView
from accounts.models import Session
from marketplace.problems import NOT_FOUND
from marketplace.rest import PageNumberPagination


class SessionSerializer(serializers.ModelSerializer[Session]):
    last_used_at = serializers.DateTimeField(
        read_only=True, help_text="Of an API client, the last exchange of its refresh token."
    )
    current = serializers.SerializerMethodField(help_text="Whether this request came with it.")

    class Meta:
        model = Session
        fields = (
            "id", "kind", "device", "address", "created_at", "last_used_at", "expires_at", "current",
        )  # fmt: skip
        read_only_fields = fields

    def get_current(self, session: Session) -> bool:
        mine = self.context["request"].auth
        return isinstance(mine, Session) and mine.pk == session.pk


class OwnSessionsView(AccountView):
    permission_classes = (IsSignedIn, LacksNothing)
    serializer_class = SessionSerializer


@extend_schema(tags=["auth"], auth=BY_TOKEN)
class SessionsView(OwnSessionsView):
    """Where the account is signed in."""

    def known_parameters(self) -> Iterable[str]:
        return PageNumberPagination.types

    def get_queryset(self) -> QuerySet[Session]:
        own = Session.objects.filter(sessions.in_use(), user=self.account())
        return own.live().order_by("-last_used_at", "-id")

    @extend_schema(responses=SessionSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the account's live sessions, API clients and browsers, the last used first."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


@extend_schema(tags=["auth"], auth=BY_TOKEN)
class SessionView(OwnSessionsView):
    """One of the account's live sessions."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, session: uuid.UUID) -> Response:
        """End the session: its tokens open nothing from now on. The one of this request may be ended, too."""
        if not sessions.end_own(session, user=self.account()):
            raise NotFound(NOT_FOUND)
        return Response(status=HTTPStatus.NO_CONTENT)
