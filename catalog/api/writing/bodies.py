"""What bodies that write rows may hold. Everything else in them is refused by name."""

from rest_framework import serializers

from catalog.api.bodies import Body
from catalog.api.writing.fields import ChosenField, LabelsField, rule_sentence, text, words, years
from catalog.imports.judgement.appearances import MOST
from catalog.models import Appearance, Item, Production, Term
from marketplace.parameters import LARGEST_INTEGER


class AppearanceBody(Body):
    """An item's part in a film or series."""

    production = text(Production, "slug", required=True, help_text="Slug of the film or series.")
    role = ChosenField(Appearance, "role", help_text="hero when not given.")
    notes = text(Appearance, "notes")


class ItemBody(Body):
    """An item. What is not given takes its default (PUT, POST) or stays as it is (PATCH)."""

    reference = text(Item, "reference", required=True, sentence=rule_sentence(Item, "_reference_given"))
    kind = ChosenField(Item, "kind", help_text="Needed at /v1/items/ only; it never changes.")
    slug = text(Item, "slug")
    name = text(Item, "name", required=True, sentence=rule_sentence(Item, "_name_given"))
    make = text(Item, "make", help_text="Another spelling of a make of the vocabulary becomes that make.")
    model = text(Item, "model")
    description = text(Item, "description")
    production_years = years(Item, help_text="Years in which this was built, such as 1964.")
    vehicle_types = words(help_text="Words of the vocabulary vehicle_type.")
    categories = words(help_text="Words of the vocabulary category.")
    genres = words(help_text="Words of the vocabulary genre.")
    condition = ChosenField(Item, "condition")
    authenticity = ChosenField(Item, "authenticity")
    chassis_number = text(Item, "chassis_number")
    specs = LabelsField(Item, "specs", help_text="Labels and values.")
    provenance = text(Item, "provenance")
    price = serializers.DecimalField(
        max_digits=14, decimal_places=2, allow_null=True, required=False, help_text="null: on request."
    )
    currency = text(Item, "currency", sentence=rule_sentence(Item, "_currency_code"))
    availability = ChosenField(Item, "availability")
    status = ChosenField(Item, "status", help_text="It takes the right to publish; draft when not given.")
    published_at = serializers.DateTimeField(
        allow_null=True,
        required=False,
        help_text="It takes the right to publish. May lie ahead; now, when an item is published without.",
    )
    location = text(Item, "location")
    appearances = AppearanceBody(  # type: ignore[call-arg]  # max_length is the list's
        many=True,
        required=False,
        max_length=MOST,
        help_text="All of them: the list takes the place of the present one.",
    )


class ProductionBody(Body):
    """A film or a series."""

    title = text(Production, "title", required=True, sentence=rule_sentence(Production, "_title_given"))
    slug = text(
        Production, "slug", allow_blank=True, help_text="Left empty, it is made of title and first year."
    )
    kind = ChosenField(Production, "kind")
    years = years(Production, help_text="Years of release or of broadcast.")
    genres = words(help_text="Words of the vocabulary genre.")
    franchise = text(Production, "franchise")
    external_ids = LabelsField(Production, "external_ids", help_text='Such as {"imdb": "tt0058150"}.')


class TermBody(Body):
    """A word of a vocabulary."""

    vocabulary = ChosenField(Term, "vocabulary", required=True, help_text="It never changes.")
    name = text(
        Term,
        "name",
        required=True,
        sentence=rule_sentence(Term, "_name_given"),
        help_text="Items and films that hold the old name hold the new one then, and the old one becomes an alias.",
    )
    slug = text(Term, "slug", allow_blank=True, help_text="Left empty, it is made of the name.")
    aliases = words(help_text="Other spellings that imports replace by the name.")


def version_field() -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=1,
        max_value=LARGEST_INTEGER,
        required=False,
        help_text="The version that you read: the row is left alone if it has another by now.",
    )


def etag_field() -> serializers.CharField:
    return serializers.CharField(
        max_length=100,
        required=False,
        help_text="The ETag that you read, with its quotes: the row is left alone if it has another by now.",
    )


class ItemRowBody(ItemBody):
    """One of many items: `reference` tells which. A new one needs a `name`, too."""

    name = text(Item, "name", sentence=rule_sentence(Item, "_name_given"))
    version = version_field()


class ProductionRowBody(ProductionBody):
    """One of many films and series: `slug` tells which. A new one needs a `title`."""

    title = text(Production, "title", sentence=rule_sentence(Production, "_title_given"))
    etag = etag_field()


class TermRowBody(TermBody):
    """One of many words: `vocabulary` and `slug` tell which. A new one needs a `name`."""

    name = text(Term, "name", sentence=rule_sentence(Term, "_name_given"))
    etag = etag_field()


class ItemKeyBody(Body):
    """Which item."""

    reference = text(Item, "reference", required=True, sentence=rule_sentence(Item, "_reference_given"))
    version = version_field()


class ProductionKeyBody(Body):
    """Which film or series."""

    slug = text(Production, "slug", required=True)
    etag = etag_field()


class TermKeyBody(Body):
    """Which word."""

    vocabulary = ChosenField(Term, "vocabulary", required=True)
    slug = text(Term, "slug", required=True)
    etag = etag_field()
