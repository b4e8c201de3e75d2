"""Words of the vocabularies as they are written over the API."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import F, Q, QuerySet, Value
from django.db.models.lookups import In

from catalog import spellings, wording
from catalog.api.writing import bodies
from catalog.api.writing.asking import as_rows
from catalog.api.writing.rows import RULE, TAKEN, Row, sound
from catalog.api.writing.writer import Writer, refuse_repeats
from catalog.finding.tallies import why_in_use
from catalog.imports import sql
from catalog.imports.columns import TARGETS
from catalog.imports.judgement.vocabularies import LONGEST_SLUG
from catalog.models import Term
from catalog.models.fields import Folded, folded

Key = tuple[str, str]
MOST_RENAMED = 20  # in one request: each goes to all items and films that hold the old name
TOO_MANY = f"One request gives at most {MOST_RENAMED} words new names; send the others in another."


class TermWriter(Writer):
    """Writes words. A new name goes to all items and films that hold the old one (`wording.rename_term`)."""

    target = TARGETS["term"]
    body, row_body, key_body = bodies.TermBody, bodies.TermRowBody, bodies.TermKeyBody
    kept = frozenset({"slug"})
    fixed = frozenset({"vocabulary"})
    told = ("id", "vocabulary", "slug", "name")

    def visible(self) -> "QuerySet[Any]":
        return Term.objects.all()

    def find(self, rows: Sequence[Row]) -> None:
        named = [row for row in sound(rows) if all(row.given.get(name) for name in self.key_names)]
        refuse_repeats(named, "slug", _key)
        by_key = {_key(row): row for row in sound(named)}
        either = Q(pk=None)
        for vocabulary in {vocabulary for vocabulary, _ in by_key}:
            slugs = [slug for each, slug in by_key if each == vocabulary]
            either |= Q(vocabulary=vocabulary, slug__in=slugs)
        for term in self.locked(either):
            by_key[term.vocabulary, term.slug].present = term

    def right(self, verb: str, row: Row) -> str:
        return f"catalog.{verb}_term"

    def complete(self, row: Row) -> None:
        super().complete(row)
        if "aliases" in row.given:
            row.future.aliases = spellings.tidy(row.future.aliases)

    def judge(self, rows: Sequence[Row]) -> None:
        super().judge(rows)
        for row in [row for row in sound(rows) if _is_renamed(row)][MOST_RENAMED:]:
            row.refuse("name", TOO_MANY, RULE)
        good = [row for row in sound(rows) if {"name", "aliases"} & row.given.keys()]
        for row, clashes in zip(good, spellings.clashes([row.future for row in good]), strict=True):
            for clash in clashes:
                path = (clash.column,) if clash.place is None else (clash.column, clash.place)
                row.refuse(path, clash.sentence, TAKEN)

    def make_slugs(self, rows: Sequence[Row]) -> None:
        lacking = {row.place: row.future for row in rows if not row.future.slug}
        if not lacking:
            return
        made = as_rows(
            f"SELECT place, {sql.slug('name', LONGEST_SLUG)} FROM unnest(/*1*/::int[], /*2*/::text[]) AS t (place, name)",
            list(lacking),
            [term.name for term in lacking.values()],
        )
        for place, slug in made:
            lacking[place].slug = slug

    def refuse_taken(self, rows: Sequence[Row]) -> None:
        refuse_repeats(rows, "name", lambda row: (row.future.vocabulary, folded(row.future.name)))
        refuse_repeats(rows, "slug", lambda row: (row.future.vocabulary, row.future.slug))
        names = [Folded(Value(row.future.name)) for row in rows]
        slugs = [row.future.slug for row in rows]
        others = Term.objects.filter(Q(In(Folded(F("name")), names or [Value("")])) | Q(slug__in=slugs))
        for row in rows:
            for other in others:
                if other.pk == row.future.pk or other.vocabulary != row.future.vocabulary:
                    continue
                if folded(other.name) == folded(row.future.name):
                    row.refuse("name", _taken("name"), TAKEN)
                elif other.slug == row.future.slug:
                    row.refuse("slug", _taken("slug"), TAKEN)

    def users_of(self, rows: Sequence[Row]) -> dict[int, str]:
        return why_in_use([row.present for row in rows])

    def store(self, rows: Sequence[Row]) -> None:
        renamed = {row.place: row.future.name for row in rows if _is_renamed(row)}
        for row in rows:
            if row.place in renamed:
                row.future.name = row.present.name
        super().store(rows)
        for row in rows:
            if row.place in renamed:
                wording.rename_term(term=row.future, name=renamed[row.place], by=self.by)


def _is_renamed(row: Row) -> bool:
    return row.present is not None and row.present.name != row.future.name


def _key(row: Row) -> Key:
    return row.given["vocabulary"], row.given["slug"]


def _taken(name: str) -> str:
    """Return the sentence of the constraint that keeps the name or the slug unique."""
    return next(
        str(constraint.get_violation_error_message())
        for constraint in Term._meta.constraints
        if isinstance(constraint, models.UniqueConstraint) and constraint.name.endswith(f"_{name}_unique")
    )
