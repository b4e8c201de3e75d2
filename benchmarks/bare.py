"""A bare Django view without middleware over the limit's SQL: the least that an answer costs in Django."""

from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import re_path

from benchmarks import limit


def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(
        limit.answer(request.path, request.META["QUERY_STRING"]), content_type="application/json"
    )


urlpatterns: list[Any] = [re_path("", view)]
settings.configure(
    ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="signs nothing here", MIDDLEWARE=[]
)
application = get_wsgi_application()
