"""Rows for tests; each factory makes the least that the database accepts."""

from datetime import UTC, datetime

from factory.declarations import LazyAttribute, RelatedFactory, Sequence, SubFactory, Trait
from factory.django import DjangoModelFactory

from catalog import models


class ItemFactory(DjangoModelFactory[models.Item]):
    class Meta:
        model = models.Item
        skip_postgeneration_save = True

    kind = models.Kind.VEHICLE
    reference = Sequence(lambda n: f"R-{n:04d}")
    slug = LazyAttribute(lambda item: f"item-{item.reference}".lower())
    name = Sequence(lambda n: f"Item {n}")

    class Params:
        published = Trait(status=models.Status.PUBLISHED, published_at=datetime(2026, 1, 1, tzinfo=UTC))
        # It has what staff need to publish it.
        ready = Trait(
            price=250_000,
            description="As seen on screen.",
            no_production_reason="It was built for the museum.",
            cover=RelatedFactory(
                "catalog.tests.factories.MediaAssetFactory", "item", rendered=True, alt_text="A car."
            ),
        )


class VehicleFactory(ItemFactory):
    class Meta:
        model = models.Vehicle
        skip_postgeneration_save = True


class MemorabiliaFactory(ItemFactory):
    class Meta:
        model = models.Memorabilia
        skip_postgeneration_save = True

    kind = models.Kind.MEMORABILIA


class ToolFactory(ItemFactory):
    class Meta:
        model = models.Tool
        skip_postgeneration_save = True

    kind = models.Kind.TOOL


class ProductionFactory(DjangoModelFactory[models.Production]):
    class Meta:
        model = models.Production

    title = Sequence(lambda n: f"Film {n}")
    slug = Sequence(lambda n: f"film-{n}")
    years = [1964]


class AppearanceFactory(DjangoModelFactory[models.Appearance]):
    class Meta:
        model = models.Appearance

    item = SubFactory(ItemFactory)
    production = SubFactory(ProductionFactory)


class TermFactory(DjangoModelFactory[models.Term]):
    class Meta:
        model = models.Term

    vocabulary = models.Vocabulary.GENRE
    name = Sequence(lambda n: f"Genre {n}")
    slug = Sequence(lambda n: f"genre-{n}")


class MediaAssetFactory(DjangoModelFactory[models.MediaAsset]):
    class Meta:
        model = models.MediaAsset

    class Params:
        # The worker has read it and made one size of it.
        rendered = Trait(
            processing=models.Processing.READY,
            renditions=[{"ratio": "", "format": "webp", "width": 320, "height": 240, "size": 900}],
            rendered_as=f"renditions/1-{'0' * 32}",
        )

    key = Sequence(lambda n: f"vehicles/somewhere/{n}.jpg")
    content_type = "image/jpeg"
    size = 1000
    etag = "abc"
