"""The parameters by which lists are narrowed and ordered; one line each.

Values of arrays, makes, models and slugs are compared as they are written (`/v1/terms/` lists them):
the indexes hold them so. References are compared without regard to letter case, as they are unique.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, Q, QuerySet, TextField
from django.http import QueryDict

from catalog.api.filtering import (
    ArrayFilter,
    Name,
    Order,
    OrderingFilter,
    ParameterFilter,
    ParameterFilterSet,
    Where,
    YearsFilter,
    matches,
)
from catalog.api.finding import text
from catalog.api.shapes.given import OneOf, Values
from catalog.models import (
    Appearance,
    Authenticity,
    Availability,
    Condition,
    Kind,
    ProductionKind,
    Status,
    Vocabulary,
)
from catalog.models.fields import Folded
from marketplace.parameters import Amount, Choice, Currency, Fault, ListOf, Moment, Word, Words

NEWEST: Order = ("-published_at", "-id")
ITEM_ORDERS: dict[str, Order] = {
    "price": (F("price").asc(nulls_last=True), "id"),
    "-price": (F("price").desc(nulls_last=True), "-id"),
    "name": ("name", "id"),
    "-name": ("-name", "-id"),
    "published_at": ("published_at", "id"),
    "-published_at": NEWEST,
    "updated_at": ("updated_at", "id"),
    "-updated_at": ("-updated_at", "-id"),
    "created_at": ("created_at", "id"),
    "-created_at": ("-created_at", "-id"),
    "relevance": ("-relevance", "-id"),
}
BY_TITLE: Order = ("title", "id")
PRODUCTION_ORDERS: dict[str, Order] = {
    "title": BY_TITLE,
    "-title": ("-title", "-id"),
    "updated_at": ("updated_at", "id"),
    "-updated_at": ("-updated_at", "-id"),
}

# Fields of an item that no parameter narrows by, each with its reason.
LEFT_OUT = {
    "id": "clients know items by slug and reference",
    "slug": "the address of the detail",
    "name": "q searches it",
    "description": "q searches it",
    "provenance": "q searches it",
    "chassis_number": "told on the detail only, so that it cannot be guessed from a list",
    "specs": "free labels, no index could serve them all",
    "location": "free text, for display",
    "published_at": "ordering only; what is not yet published stays unseen",
    "created_at": "ordering only; updated_since serves readers who keep a copy",
    "version": "for writers, to notice a change",
    "price_on_request": "staff's note that the price is left out on purpose; readers see that there is none",
    "no_production_reason": "staff's note, which readers do not see",
}
LEFT_OUT_OF_PRODUCTIONS = {
    "id": "clients know productions by slug",
    "slug": "the address of the detail",
    "external_ids": "names and values as other sites have them, for display",
    "created_at": "for display",
    "updated_at": "ordering only",
}
LEFT_OUT_OF_TERMS = {
    "id": "clients know terms by vocabulary and slug",
    "slug": "the address of the detail",
    "aliases": "other spellings, which no item holds",
    "created_at": "for display",
    "updated_at": "for display",
}


class SearchFilter(ParameterFilter):
    """Full-text search of items."""

    def narrow(self, queryset: "QuerySet[Any]", values: Values, name: str) -> "QuerySet[Any]":
        return text.matching(queryset, values[name])


class ItemOrdering(OrderingFilter):
    """Orders of items; by relevance only the first matches are ranked."""

    def narrow(self, queryset: "QuerySet[Any]", values: Values, name: str) -> "QuerySet[Any]":
        if values[name] == "relevance":
            queryset = text.by_relevance(queryset, values["q"])
        return super().narrow(queryset, values, name)


class AllFolded(Func):
    """The texts of a list, each in upper case as `Folded` has it."""

    template = 'ARRAY(SELECT UPPER(one COLLATE "pg_c_utf8") FROM unnest(%(expressions)s::text[]) AS one)'
    output_field = ArrayField(TextField())


def has_reference(values: Any) -> Q:
    return Q(OneOf(Folded("reference"), AllFolded(values)))


def appeared_in(slugs: Any) -> Q:
    return Q(pk__in=Appearance.objects.filter(production__slug__one_of=slugs).values("item"))


class ItemFilters(ParameterFilterSet):
    """Parameters of the lists of one kind of item."""

    genres = ArrayFilter(Name(), "genres")
    vehicle_types = ArrayFilter(Name(), "vehicle_types")
    categories = ArrayFilter(Name(), "categories")
    production_years = YearsFilter("production_years")
    price__min = Where(Amount(), "price", matches("price__gte"), "Not cheaper than this, in any currency.")
    price__max = Where(Amount(), "price", matches("price__lte"), "Not dearer than this, in any currency.")
    currency = Where(
        ListOf(Currency()), "currency", matches("currency__one_of"), "Currency of the price, ISO 4217."
    )
    make = Where(ListOf(Name()), "make", matches("make__one_of"), "Any of these makes.")
    model = Where(ListOf(Name()), "model", matches("model__one_of"), "Any of these models.")
    condition = Where(
        ListOf(Choice(tuple(Condition.values))), "condition", matches("condition__one_of"), "Any of these."
    )
    authenticity = Where(
        ListOf(Choice(tuple(Authenticity.values))),
        "authenticity",
        matches("authenticity__one_of"),
        "Any of these.",
    )
    availability = Where(
        ListOf(Choice(tuple(Availability.values))),
        "availability",
        matches("availability__one_of"),
        "Any of these.",
    )
    production = Where(
        ListOf(Word()), "appearances", appeared_in, "Appeared in any of these films or series (slugs)."
    )
    reference = Where(
        ListOf(Name()), "reference", has_reference, "Any of these stock numbers; letter case does not count."
    )
    updated_since = Where(
        Moment(), "updated_at", matches("updated_at__gte"), "Changed at this time or later."
    )
    status = Where(
        ListOf(Choice(tuple(Status.values))),
        "status",
        matches("status__one_of"),
        "Any of these.",
        staff_only=True,
    )
    q = SearchFilter(
        Words(),
        "search",
        'Full-text search in names, makes, models, films, vocabularies and descriptions: words, "phrases", -not,'
        " or, begi*; accents do not count. Where nothing has one of the words, the nearest spelling is taken, and"
        " did_you_mean tells it.",
    )
    ordering = ItemOrdering(
        ITEM_ORDERS,
        "-published_at when not given. Ties end in id. Items with the price on request come last both ways;"
        f" relevance (best first) needs q, and ranks {text.RANKED:,} matches.",
    )

    @classmethod
    def faults(cls, values: Values, given: QueryDict) -> Iterable[Fault]:
        if values.get("ordering") == "relevance" and "q" not in given:
            yield "ordering", "needs_q", "ordering by relevance needs words to search for in q."


class AnyItemFilters(ItemFilters):
    """Parameters of the list of all kinds."""

    kind = Where(ListOf(Choice(tuple(Kind.values))), "kind", matches("kind__one_of"), "Any of these kinds.")


class ProductionFilters(ParameterFilterSet):
    genres = ArrayFilter(Name(), "genres")
    years = YearsFilter("years")
    kind = Where(
        ListOf(Choice(tuple(ProductionKind.values))), "kind", matches("kind__one_of"), "Any of these."
    )
    franchise = Where(ListOf(Word()), "franchise", matches("franchise__one_of"), "Any of these franchises.")
    q = Where(Words(), "title", matches("title__icontains"), "Part of the title; letter case does not count.")
    ordering = OrderingFilter(PRODUCTION_ORDERS, "title when not given. Ties end in id.")


class TermFilters(ParameterFilterSet):
    vocabulary = Where(
        ListOf(Choice(tuple(Vocabulary.values))), "vocabulary", matches("vocabulary__one_of"), "Any of these."
    )
    q = Where(Words(), "name", matches("name__icontains"), "Part of the name; letter case does not count.")
