"""How pictures are told: their sizes, ready for `srcset`, and what to show until they have come."""

from django.conf import settings
from django.db.models import Case, F, Func, JSONField, Value, When
from django.db.models.lookups import Exact, GreaterThan

from catalog.api.links import address, under
from catalog.api.shapes.expressions import Expressions, Joined, JsonObject
from catalog.api.shapes.given import Given

# Each size of a picture with its address; the file is called as `rendition_name` says, and a test holds both together.
SIZES = """
    (SELECT size.*, own.folder || CASE size.ratio WHEN '' THEN 'full' ELSE replace(size.ratio, ':', 'x') END
            || '-' || size.width || '.' || size.format || own.ending AS url
     FROM (SELECT %(expressions)s) AS own(sizes, folder, ending),
          ROWS FROM (jsonb_to_recordset(own.sizes)
                     AS (ratio text, format text, width int, height int, size bigint)) WITH ORDINALITY
          AS size(ratio, format, width, height, size, place)) AS size
"""
SETS = f"""
    (SELECT ratio, format, min(place) AS place, string_agg(url || ' ' || width || 'w', ', ' ORDER BY place) AS sizes
     FROM {SIZES} GROUP BY ratio, format) AS of_format
"""
SRCSET = f"(SELECT json_object_agg(format, sizes ORDER BY place) FROM {SETS} WHERE ratio = '')"
CROPS = f"""
    (SELECT json_object_agg(ratio, sets ORDER BY place)
     FROM (SELECT ratio, min(place) AS place, json_object_agg(format, sizes ORDER BY place) AS sets
           FROM {SETS} WHERE ratio <> '' GROUP BY ratio) AS of_ratio)
"""
LISTED = f"""
    (SELECT json_agg(json_build_object('ratio', ratio, 'format', format, 'width', width, 'height', height,
                                       'size', size.size, 'url', url) ORDER BY place) FROM {SIZES})
"""


class Sizes(Func):
    """JSON that `template` makes of an asset's sizes, or `nothing` where there are none."""

    output_field = JSONField()

    def __init__(self, template: str, nothing: str) -> None:
        public = Given(lambda _: settings.MEDIA_PUBLIC_URL, cast="text", hidden=True)
        ours = Exact(public, Value(""))
        folder = Case(
            When(ours, then=Joined(address("media-list"), "id", Value("/renditions/"))),
            default=Joined(public, Value("/"), "rendered_as", Value("/")),
        )
        ending = Case(When(ours, then=Value("/")), default=Value(""))
        made = f"CASE WHEN renditions = '[]' THEN '{nothing}'::json ELSE coalesce({template}, '{nothing}'::json) END"
        super().__init__("renditions", folder, ending, template=made)


PICTURE: Expressions = {
    "srcset": Sizes(SRCSET, "{}"),
    "crops": Sizes(CROPS, "{}"),
    "thumbhash": F("thumbhash"),
    "colour": F("colour"),
    "focal_point": JsonObject({"x": F("focal_x"), "y": F("focal_y")}),
    "animated": GreaterThan(F("frames"), 1),
    "id": F("id"),
    "url": under("media-list", F("id"), Value("file")),
}
RENDITIONS = Sizes(LISTED, "[]")
