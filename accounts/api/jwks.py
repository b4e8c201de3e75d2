"""The public keys that tokens are verified with, for services that take our tokens."""

from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.keyring import ring

CACHE_SECONDS = 300  # a new key is listed at least this long before it signs


class JwksView(APIView):
    """`/.well-known/jwks.json` (RFC 7517). A secret (HS256) is listed nowhere: then there are no keys."""

    schema = None  # no part of the versioned API
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()  # it costs nothing, and is answered without a database

    @method_decorator(cache_control(public=True, max_age=CACHE_SECONDS))
    def get(self, request: Request) -> Response:
        return Response({"keys": ring().jwks()})
