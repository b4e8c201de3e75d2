"""Rows for tests; each factory makes the least that the database accepts."""

from datetime import UTC, datetime

import factory

from catalog import models


class ItemFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Item

    kind = models.Kind.VEHICLE
    reference = factory.Sequence(lambda n: f"R-{n:04d}")
    slug = factory.LazyAttribute(lambda item: f"item-{item.reference}".lower())
    name = factory.Sequence(lambda n: f"Item {n}")

    class Params:
        published = factory.Trait(
            status=models.Status.PUBLISHED, published_at=datetime(2026, 1, 1, tzinfo=UTC)
        )


class VehicleFactory(ItemFactory):
    class Meta:
        model = models.Vehicle


class MemorabiliaFactory(ItemFactory):
    class Meta:
        model = models.Memorabilia

    kind = models.Kind.MEMORABILIA


class ToolFactory(ItemFactory):
    class Meta:
        model = models.Tool

    kind = models.Kind.TOOL


class ProductionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Production

    title = factory.Sequence(lambda n: f"Film {n}")
    slug = factory.Sequence(lambda n: f"film-{n}")
    years = [1964]


class AppearanceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Appearance

    item = factory.SubFactory(ItemFactory)
    production = factory.SubFactory(ProductionFactory)


class TermFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Term

    vocabulary = models.Vocabulary.GENRE
    name = factory.Sequence(lambda n: f"Genre {n}")
    slug = factory.Sequence(lambda n: f"genre-{n}")


class MediaAssetFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.MediaAsset

    key = factory.Sequence(lambda n: f"vehicles/somewhere/{n}.jpg")
    content_type = "image/jpeg"
    size = 1000
    etag = "abc"
