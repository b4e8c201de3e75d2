"""Films and series as they are written over the API."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from catalog.api.writing import bodies
from catalog.api.writing.asking import as_rows
from catalog.api.writing.rows import TAKEN, Row, sound
from catalog.api.writing.writer import Writer, refuse_repeats
from catalog.imports.columns import TARGETS
from catalog.imports.judgement.productions import production_slug
from catalog.imports.judgement.rules import taken_message
from catalog.models import Production


class ProductionWriter(Writer):
    """Writes films and series. One in which items appear is not deleted."""

    target = TARGETS["production"]
    body, row_body, key_body = bodies.ProductionBody, bodies.ProductionRowBody, bodies.ProductionKeyBody
    kept = frozenset({"slug"})

    def visible(self) -> "QuerySet[Any]":
        return Production.objects.visible_to(self.by)

    def find(self, rows: Sequence[Row]) -> None:
        named = [row for row in sound(rows) if row.given.get("slug")]
        refuse_repeats(named, "slug", lambda row: row.given["slug"])
        by_slug = {row.given["slug"]: row for row in sound(named)}
        for production in self.locked(Q(slug__in=by_slug)):
            by_slug[production.slug].present = production

    def right(self, verb: str, row: Row) -> str:
        return f"catalog.{verb}_production"

    def make_slugs(self, rows: Sequence[Row]) -> None:
        lacking = {row.place: row.future for row in rows if not row.future.slug}
        if not lacking:
            return
        made = as_rows(
            f"SELECT place, {production_slug('title', 'nullif(year, 0)')}"
            " FROM unnest(/*1*/::int[], /*2*/::text[], /*3*/::int[]) AS t (place, title, year)",
            list(lacking),
            [production.title for production in lacking.values()],
            [(production.years or [0])[0] for production in lacking.values()],
        )
        for place, slug in made:
            lacking[place].slug = slug

    def refuse_taken(self, rows: Sequence[Row]) -> None:
        refuse_repeats(rows, "slug", lambda row: row.future.slug)
        slugs = [row.future.slug for row in rows]
        owners = dict(Production.objects.filter(slug__in=slugs).values_list("slug", "pk"))
        for row in rows:
            if owners.get(row.future.slug, row.future.pk) != row.future.pk:
                row.refuse("slug", taken_message(Production, "slug"), TAKEN)

    def users_of(self, rows: Sequence[Row]) -> dict[int, str]:
        return Production.objects.filter(pk__in=[row.present.pk for row in rows]).why_in_use(self.by)
