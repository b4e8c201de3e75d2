"""All routes."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerSplitView

from accounts.api.jwks import JwksView
from marketplace import health, problems
from marketplace.documents import SchemaView

urlpatterns: list[URLPattern | URLResolver] = [
    path("", csrf_exempt(RedirectView.as_view(pattern_name="docs"))),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/second-factor/", include("accounts.second_factor_urls")),
    path(".well-known/jwks.json", JwksView.as_view(), name="jwks"),
    path("admin/", admin.site.urls),
    path("v1/schema/", SchemaView.as_view(), name="schema"),
    path("v1/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("v1/auth/", include("accounts.urls")),
    path("v1/media/", include("media_sync.urls")),
    path("v1/", include("catalog.api.urls")),
]

# Errors outside the API's views: JSON too, except for the people in the admin.
handler400 = problems.bad_request
handler403 = problems.permission_denied
handler404 = problems.page_not_found
handler500 = problems.server_error
