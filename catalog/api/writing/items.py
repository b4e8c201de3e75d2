"""Items as they are written over the API."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet, Value
from django.db.models.lookups import In
from django.utils import timezone

from accounts.models import User
from catalog.api.writing import bodies
from catalog.api.writing.appearances import Appearances
from catalog.api.writing.asking import as_rows
from catalog.api.writing.rows import FORBIDDEN, RULE, TAKEN, Row, sound
from catalog.api.writing.writer import REQUIRED, Writer, refuse_repeats
from catalog.imports.columns import TARGETS
from catalog.imports.judgement.rules import taken_message
from catalog.models import Item, Kind, Status
from catalog.models.fields import Folded, folded

PUBLICATION = ("status", "published_at")


def publication_sentence(kind: str) -> str:
    """Return what is said to those who may not publish, as imports say it."""
    return (
        f"Publishing and withdrawing need the right catalog.publish_{kind};"
        " without it the status and the time of publication stay as they are, and a new item is a draft."
    )


class ItemWriter(Writer):
    """Writes items of one kind, or of all where `kind` is empty."""

    target = TARGETS[Kind.VEHICLE]
    body, row_body, key_body = bodies.ItemBody, bodies.ItemRowBody, bodies.ItemKeyBody
    kept = frozenset({"slug", *PUBLICATION})
    fixed = frozenset({"kind"})
    state_name = "version"

    def __init__(self, by: User, kind: str = "") -> None:
        super().__init__(by)
        self.kind = kind
        self.appearances = Appearances(by)

    def visible(self) -> "QuerySet[Any]":
        items = Item.objects.visible_to(self.by)
        return items.of_kind(self.kind) if self.kind else items

    def find(self, rows: Sequence[Row]) -> None:
        named = [row for row in sound(rows) if "reference" in row.given]
        refuse_repeats(named, "reference", lambda row: folded(row.given["reference"]))
        by_key = {folded(row.given["reference"]): row for row in sound(named)}
        for item in self.locked(has_reference([row.given["reference"] for row in by_key.values()])):
            if row := by_key.get(folded(item.reference)):
                row.present, row.given["reference"] = item, item.reference

    def states(self, rows: Sequence[Any]) -> dict[int, Any]:
        return {item.pk: item.version for item in rows}

    def right(self, verb: str, row: Row) -> str:
        kind = row.present.kind if row.present else row.given.get("kind", self.kind)
        return f"catalog.{verb}_{kind}"

    def refuse_beyond_rights(self, rows: Sequence[Row], verb: str) -> None:
        for row in sound(rows):
            kind = row.given.get("kind", self.kind)
            if row.is_new and not kind:
                row.refuse("kind", REQUIRED, "required")
            elif row.is_new and self.kind and kind != self.kind:
                row.refuse("kind", f"This address holds items of the kind {self.kind}; use /v1/items/.", RULE)
        super().refuse_beyond_rights(rows, verb)

    def new(self, row: Row) -> Item:
        return Item(kind=self.kind)

    def complete(self, row: Row) -> None:
        """A published item without a time of publication is published now, or at the time that it had."""
        super().complete(row)
        item, before = row.future, row.present
        if item.status == Status.PUBLISHED and item.published_at is None:
            item.published_at = (before and before.published_at) or timezone.now()
        was = (before.status, before.published_at) if before else (Status.DRAFT, None)
        if (item.status, item.published_at) != was and not self.by.has_perm(f"catalog.publish_{item.kind}"):
            blamed = next((name for name in PUBLICATION if name in row.given), PUBLICATION[0])
            row.refuse(blamed, publication_sentence(item.kind), FORBIDDEN)

    def lay_over(self, rows: Sequence[Row], *, replace: bool) -> None:
        super().lay_over(rows, replace=replace)
        if replace:
            for row in sound(rows):
                row.given.setdefault("appearances", [])

    def judge(self, rows: Sequence[Row]) -> None:
        super().judge(rows)
        self.appearances.judge([row for row in rows if "appearances" in row.given])

    def make_slugs(self, rows: Sequence[Row]) -> None:
        lacking = {row.place: row.future for row in rows if not row.future.slug}
        if not lacking:
            return
        found = as_rows(
            "SELECT place, catalog_slug(name, reference), catalog_unused_slug(name, reference), left(md5(reference), 10)"
            " FROM unnest(/*1*/::int[], /*2*/::text[], /*3*/::text[]) AS t (place, name, reference) ORDER BY place",
            list(lacking),
            [item.name for item in lacking.values()],
            [item.reference for item in lacking.values()],
        )
        used = {row.future.slug for row in rows if row.future.slug}
        for place, plain, unused, mark in found:
            lacking[place].slug = unused if unused not in used else f"{plain}-{mark}"
            used.add(lacking[place].slug)

    def refuse_taken(self, rows: Sequence[Row]) -> None:
        refuse_repeats(rows, "reference", lambda row: folded(row.future.reference))
        refuse_repeats(rows, "slug", lambda row: row.future.slug)
        others = self._others(rows)
        references = {folded(reference): pk for pk, reference, _ in others}
        slugs = {slug: pk for pk, _, slug in others}
        for row in rows:
            if references.get(folded(row.future.reference), row.future.pk) != row.future.pk:
                row.refuse("reference", "Another item has this reference.", TAKEN)
            if slugs.get(row.future.slug, row.future.pk) != row.future.pk:
                row.refuse("slug", taken_message(Item, "slug"), TAKEN)

    def _others(self, rows: Sequence[Row]) -> list[tuple[int, str, str]]:
        """Return (key, reference, slug) of the items that have one of the references or slugs. One query."""
        references = [row.future.reference for row in rows if _moves(row, "reference")]
        slugs = [row.future.slug for row in rows if _moves(row, "slug")]
        if not references and not slugs:
            return []
        either = has_reference(references) if references else Q(pk=None)
        found = Item.objects.filter(either).union(Item.objects.filter(slug__in=slugs))
        return list(found.values_list("pk", "reference", "slug"))

    def changes(self, row: Row) -> bool:
        return super().changes(row) or self.appearances.differ(row)

    told = ("id", "reference", "slug", "version")

    def store(self, rows: Sequence[Row]) -> None:
        super().store(rows)
        self.appearances.store([row for row in rows if "appearances" in row.given])


def has_reference(references: list[str]) -> Q:
    return Q(In(Folded("reference"), [Folded(Value(reference)) for reference in references]))


def _moves(row: Row, name: str) -> bool:
    return row.present is None or getattr(row.present, name) != getattr(row.future, name)
