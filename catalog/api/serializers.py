"""The shapes that the API promises. Reads do not run through them: `projections.py` builds the answers."""

from typing import Any

from rest_framework import serializers

from catalog.models import (
    FIRST_YEAR,
    LAST_YEAR,
    Authenticity,
    Availability,
    Condition,
    Kind,
    ProductionKind,
    Role,
    Status,
    Vocabulary,
)

Shape = serializers.Serializer[Any]


def words() -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField())


def years() -> serializers.ListField:
    return serializers.ListField(child=serializers.IntegerField(min_value=FIRST_YEAR, max_value=LAST_YEAR))


class FocalPointSerializer(Shape):
    x = serializers.FloatField(help_text="0 is the left edge, 1 the right.")
    y = serializers.FloatField(help_text="0 is the upper edge, 1 the lower.")


def srcset_field(**options: Any) -> serializers.DictField:
    """Return the field that holds, for each format, what stands in an element's `srcset`."""
    return serializers.DictField(child=serializers.CharField(), **options)


class PictureSerializer(Shape):
    """What all answers that hold a picture tell of its sizes."""

    srcset = srcset_field(
        help_text="For each format (avif, webp) what stands in `srcset`; empty until the sizes are made."
    )
    crops = serializers.DictField(
        child=srcset_field(),
        help_text="For each further shape, such as 4:3, the same, cropped around the focal point.",
    )
    thumbhash = serializers.CharField(
        allow_blank=True, help_text="A ThumbHash in base64: what to show until the picture has come."
    )
    colour = serializers.CharField(allow_blank=True, help_text="The dominant colour, such as #7f1d1d.")
    focal_point = FocalPointSerializer()
    animated = serializers.BooleanField()


class CoverSerializer(PictureSerializer):
    id = serializers.IntegerField()
    url = serializers.URLField(help_text="Redirects to a short-lived address of the picture.")
    alt_text = serializers.CharField(allow_blank=True)
    width = serializers.IntegerField(allow_null=True, help_text="Pixels of the original.")
    height = serializers.IntegerField(allow_null=True, help_text="Pixels of the original.")


class RenditionSerializer(Shape):
    ratio = serializers.CharField(allow_blank=True, help_text="Such as 4:3; empty: the picture's own shape.")
    format = serializers.ChoiceField(choices=["avif", "webp"])
    width = serializers.IntegerField(help_text="Pixels.")
    height = serializers.IntegerField(help_text="Pixels.")
    size = serializers.IntegerField(help_text="Bytes.")
    url = serializers.URLField()


class ImageSerializer(CoverSerializer):
    renditions = RenditionSerializer(many=True)
    content_type = serializers.CharField(allow_blank=True)
    caption = serializers.CharField(allow_blank=True)
    position = serializers.IntegerField(help_text="The lowest is the cover.")


class AppearanceProductionSerializer(Shape):
    slug = serializers.SlugField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=ProductionKind.choices)
    years = years()


class AppearanceSerializer(Shape):
    production = AppearanceProductionSerializer()
    role = serializers.ChoiceField(choices=Role.choices)
    notes = serializers.CharField(allow_blank=True)


class ItemChangeSerializer(Shape):
    """One change of an item's history."""

    at = serializers.DateTimeField()
    change = serializers.CharField()
    version = serializers.IntegerField(help_text="The item's, after the change.")
    by = serializers.CharField(
        allow_blank=True, help_text="The account's name; empty: no person, or one who is gone."
    )
    fields = serializers.ListField(  # type: ignore[assignment]  # the name of the key
        child=serializers.CharField(), help_text="What changed."
    )


class ItemHistorySerializer(Shape):
    """What an item's detail tells when `include` asks for it."""

    history = ItemChangeSerializer(
        many=True, allow_null=True, help_text="null for kinds whose drafts you may not see."
    )


class ItemExtrasSerializer(ItemHistorySerializer):
    """What a list of items tells of each when `include`, `fields` or `highlight` ask for it."""

    appearances = AppearanceSerializer(many=True)
    images = ImageSerializer(many=True)
    highlight = serializers.DictField(
        child=serializers.CharField(),
        help_text="With highlight=true: texts that hold the words, as HTML with <mark> around each.",
    )


class ItemListSerializer(Shape):
    is_sparse = True
    on_request: type[Shape] = ItemExtrasSerializer  # for the OpenAPI document
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    reference = serializers.CharField(help_text="The stock number.")
    slug = serializers.SlugField()
    url = serializers.URLField(help_text="The item's detail.")
    name = serializers.CharField()
    make = serializers.CharField(allow_blank=True)
    model = serializers.CharField(allow_blank=True)
    production_years = years()
    vehicle_types = words()
    categories = words()
    genres = words()
    condition = serializers.ChoiceField(choices=Condition.choices, allow_blank=True)
    authenticity = serializers.ChoiceField(choices=Authenticity.choices, allow_blank=True)
    price = serializers.DecimalField(
        max_digits=14, decimal_places=2, allow_null=True, help_text="null: on request."
    )
    currency = serializers.CharField(help_text="ISO 4217.")
    availability = serializers.ChoiceField(choices=Availability.choices)
    status = serializers.ChoiceField(choices=Status.choices)
    published_at = serializers.DateTimeField(allow_null=True)
    location = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    version = serializers.IntegerField(help_text="Grows with every change.")
    image = CoverSerializer(allow_null=True, help_text="The image that comes first.")


class ItemDetailSerializer(ItemListSerializer):
    on_request = ItemHistorySerializer
    description = serializers.CharField(allow_blank=True)
    provenance = serializers.CharField(allow_blank=True)
    chassis_number = serializers.CharField(allow_blank=True)
    specs = serializers.DictField(help_text="Labels and values.")
    appearances = AppearanceSerializer(many=True)
    images = ImageSerializer(many=True)


class ProductionSerializer(Shape):
    is_sparse = True
    id = serializers.IntegerField()
    slug = serializers.SlugField()
    url = serializers.URLField(help_text="The production's detail.")
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=ProductionKind.choices)
    years = years()
    genres = words()
    franchise = serializers.CharField(allow_blank=True)
    external_ids = serializers.DictField(help_text="Ids in other databases.")
    item_count = serializers.IntegerField(help_text="Items that appeared in it and that you may see.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class TermSerializer(Shape):
    is_sparse = True
    id = serializers.IntegerField()
    vocabulary = serializers.ChoiceField(choices=Vocabulary.choices)
    slug = serializers.SlugField()
    url = serializers.URLField(help_text="The term's detail.")
    name = serializers.CharField(help_text="What items hold, letter by letter.")
    aliases = words()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class IndexSerializer(Shape):
    """The addresses to begin at."""

    vehicles = serializers.URLField()
    memorabilia = serializers.URLField()
    tools = serializers.URLField()
    items = serializers.URLField()
    productions = serializers.URLField()
    terms = serializers.URLField()
    media = serializers.URLField()
    imports = serializers.URLField(help_text="For staff.")
    schema = serializers.URLField()
    docs = serializers.URLField()
