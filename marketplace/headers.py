"""The headers that every answer carries, whoever made it: a view, a middleware, a probe or an error handler."""

from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware

API, ADMIN, DOCS, SIGN_IN, PICTURES = "/v1/", "/admin/", "/v1/docs/", "/v1/auth/", "/v1/media/"

# Content-Security-Policy. What is no page needs nothing at all.
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Swagger UI from our own files; it may call this API. The hash is of the one style sheet in drf-spectacular's page.
SWAGGER = (
    "default-src 'none'; script-src 'self'; img-src 'self' data:;"
    " style-src 'self' 'sha256-MMpT0iDxyjALd9PdfepImGX3DBfJPXZ4IlDWdPAgtn0=';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# unfold's pages: Alpine compiles the expressions in its attributes ('unsafe-eval') and they style themselves in
# place; no script stands in a page. Pictures come from the bucket, and files are sent to it.
UNFOLD = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; font-src 'self';"
    " img-src 'self' data: blob: {bucket}; connect-src 'self' {bucket}; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)

UNUSED_FEATURES = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
    "gyroscope", "magnetometer", "microphone", "midi", "payment", "picture-in-picture", "screen-wake-lock", "usb",
)  # fmt: skip
PASSKEYS = ("publickey-credentials-create", "publickey-credentials-get")


def guard(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, the outermost: Django's own headers on every answer, and those that Django has not."""
    django = SecurityMiddleware(get_response)  # HSTS, nosniff and the referrer by its settings

    def answer(request: HttpRequest) -> HttpResponse:
        response = django.process_response(request, get_response(request))
        path = request.path_info
        response["Content-Security-Policy"] = _content_policy(path)
        response["Permissions-Policy"] = _permissions(is_admin=path.startswith(ADMIN))
        response["Cross-Origin-Opener-Policy"] = "same-origin"
        # Shops show the catalogue's pictures in pages of their own; all else is for who may read it (CORS).
        response["Cross-Origin-Resource-Policy"] = (
            "cross-origin" if path.startswith(PICTURES) else "same-origin"
        )
        response["X-Frame-Options"] = "DENY"
        if storing := _storing(request):
            response.headers.setdefault("Cache-Control", storing)
        return response

    return answer


def of_no_request() -> dict[str, str]:
    """Return what goes with an answer to what is no request at all, such as gunicorn's own refusals."""
    request = HttpRequest()
    request.META["HTTP_X_FORWARDED_PROTO"] = "https"  # looked at only where TLS stands in front
    response = guard(lambda _: HttpResponse())(request)
    del response["Content-Type"]
    return dict(response.headers)


def _content_policy(path: str) -> str:
    if path.startswith(ADMIN):
        address = urlsplit(settings.S3_PUBLIC_ENDPOINT_URL)
        return UNFOLD.format(bucket=f"{address.scheme}://{address.netloc}")
    return SWAGGER if path == DOCS else NOTHING


@cache
def _permissions(*, is_admin: bool) -> str:
    keys = "(self)" if is_admin else "()"
    return ", ".join([f"{name}=()" for name in UNUSED_FEATURES] + [f"{name}={keys}" for name in PASSKEYS])


def _storing(request: HttpRequest) -> str:
    """Return the Cache-Control of an answer that does not say it itself; "" leaves it to caches."""
    if request.path_info.startswith((ADMIN, SIGN_IN)):
        return "no-store, private"
    # Its reader may keep it and ask whether it has changed; a cache between may not.
    if "Authorization" in request.headers:
        return "no-cache, private"
    # Left to themselves, caches keep a 404 and a 301: an item would stay away after it is published.
    return "no-cache" if request.path_info.startswith(API) else ""
