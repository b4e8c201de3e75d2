"""What an item needs before staff publish it: one list of rules, each with its sentence and its condition in SQL.

The item's page, the lists' filter and every refusal to publish take them from here.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Case, Exists, Func, OuterRef, Q, Subquery, TextField, Value, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from catalog.models import Appearance, Item, MediaAsset, Processing

COVER = MediaAsset.objects.publishable().images().in_order().filter(item=OuterRef("pk"))
GIVEN = r"\S"  # text that is not blank


@dataclass(frozen=True)
class Rule:
    """A need: `name` for addresses, `title` for lists, `sentence` where it is not met; `met` is the condition."""

    name: str
    title: str
    sentence: str
    met: Q


def _cover_has(column: str, value: str, without: str) -> Q:
    """Return the condition on the cover's column; `without` stands for it where there is no cover, never NULL."""
    return Q(Exact(Coalesce(Subquery(COVER.values(column)[:1]), Value(without)), Value(value)))


RULES = (
    Rule(
        "cover",
        "cover",
        "It needs a cover: a picture that is in the bucket and has been read.",
        _cover_has("processing", Processing.READY, "") | _cover_has("processing", Processing.RENDERING, ""),
    ),
    Rule(
        "alt_text",
        "alt text of the cover",
        "Its cover needs an alt text, for those who cannot see it.",
        # Without a cover there is nothing to describe yet.
        ~_cover_has("alt_text", "", without="no cover"),
    ),
    Rule(
        "price",
        "price",
        'It needs a price, or "on request" ticked.',
        Q(price__isnull=False) | Q(price_on_request=True),
    ),
    Rule(
        "production",
        "film or series",
        "It needs a film or series in which it appears, or the reason for none.",
        Q(no_production_reason__regex=GIVEN) | Q(Exists(Appearance.objects.filter(item=OuterRef("pk")))),
    ),
    Rule("description", "description", "It needs a description.", Q(description__regex=GIVEN)),
)
BY_NAME = {rule.name: rule for rule in RULES}


def is_ready(*, besides: Collection[str] = ()) -> Q:
    """Return the condition that an item meets every rule, those left aside whose names are `besides`."""
    condition = Q()
    for rule in RULES:
        if rule.name not in besides:
            condition &= rule.met
    return condition


def lacks(name: str) -> Q:
    """Return the condition that an item does not meet the rule of this name."""
    return ~BY_NAME[name].met


def missing() -> Func:
    """Return the expression of the names of the rules that an item does not meet, in the rules' order."""
    unmet = (
        Case(When(rule.met, then=None), default=Value(rule.name), output_field=TextField()) for rule in RULES
    )
    names = Func(*unmet, function="ARRAY", template="%(function)s[%(expressions)s]")
    return Func(
        names, Value(None), function="ARRAY_REMOVE", output_field=ArrayField(TextField()), template=(
            "%(function)s(%(expressions)s)"
        ),
    )  # fmt: skip


def sentences(names: list[str]) -> list[str]:
    """Return what is to be said of the rules of these names."""
    return [BY_NAME[name].sentence for name in names]


def what_is_missing(item: Any) -> list[str]:
    """Return the sentences of what an item lacks. This causes a SQL query."""
    found = Item.objects.filter(pk=item.pk).values_list(missing(), flat=True).first()
    return sentences(found or [])
