"""`/v1/suggest/`."""

import orjson
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from catalog.api import answers
from catalog.api.finding import suggestions
from catalog.api.links import Links
from catalog.api.serializers import Shape
from catalog.api.shapes.given import Reader
from catalog.api.staff import read_parameters
from catalog.models import Item, Production
from marketplace.parameters import Words
from marketplace.problems import BadParameters

TYPED = Words()


class SuggestedProductionSerializer(Shape):
    slug = serializers.SlugField()
    title = serializers.CharField()
    url = serializers.URLField(help_text="The production's detail.")


class SuggestionsSerializer(Shape):
    """How the words may go on, up to ten of each."""

    names = serializers.ListField(child=serializers.CharField(), help_text="Names of items.")
    makes = serializers.ListField(child=serializers.CharField())
    productions = SuggestedProductionSerializer(many=True)


class SuggestView(APIView):
    """Words that are being typed, and how they may go on."""

    @property
    def default_response_headers(self) -> dict[str, str]:
        return super().default_response_headers | {"Vary": "Authorization"}

    @extend_schema(
        operation_id="suggest",
        tags=["suggest"],
        parameters=[
            OpenApiParameter(
                "q",
                TYPED.schema,
                required=True,
                description="What was typed so far; its last word may be unfinished.",
            )
        ],
        responses=SuggestionsSerializer,
    )
    def get(self, request: Request) -> HttpResponse:
        """Names, makes, films and series that what was typed may become; only of what the caller may see."""
        reader = Reader.of(request.user)
        return answers.answer(request, reader, lambda: self.suggested(request, reader))

    def suggested(self, request: Request, reader: Reader) -> HttpResponse:
        """Make the answer."""
        typed = read_parameters(request, {"q": TYPED}).get("q")
        if typed is None:
            raise BadParameters([("q", "required", "q must be given: what was typed so far.")])
        items, links = Item.objects.visible_to(reader), Links(request)
        films = suggestions.films(typed, Production.objects.visible_to(reader))
        told = {
            "names": suggestions.names(typed, items),
            "makes": suggestions.makes(typed, items),
            "productions": [_told(slug, title, links) for slug, title in films.values_list("slug", "title")],
        }
        return HttpResponse(orjson.dumps(told), content_type="application/json")


def _told(slug: str, title: str, links: Links) -> dict[str, str]:
    return {"slug": slug, "title": title, "url": f"{links.to('production-list')}{slug}/"}
