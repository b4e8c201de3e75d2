"""An item's appearances in films and series: the list that is given takes the place of the present one."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.contrib.postgres.search import TrigramSimilarity
from django.db.models import Value
from django.db.models.functions import Upper

from accounts.models import User
from catalog.api.writing.rows import FORBIDDEN, REPEATED, UNKNOWN, Row, sound
from catalog.imports.judgement.productions import NO_SUCH_SLUG, SUGGESTIONS
from catalog.models import Appearance, Production, ProductionQuerySet, Role

Key = tuple[int, str]  # production, role
TWICE = "This item is already listed in that production in that role."


class Appearances:
    """Judges and stores the appearances of many items together."""

    def __init__(self, by: User) -> None:
        self.by = by
        self.present: dict[int, dict[Key, Appearance]] = defaultdict(dict)
        self.future: dict[int, dict[Key, str]] = {}  # by the place of the row: notes

    def judge(self, rows: Sequence[Row]) -> None:
        """Find the productions that are named, and compare with what is listed now. Two statements."""
        slugs = {each["production"] for row in rows for each in row.given["appearances"]}
        known = self._productions(slugs)
        unknown = self._told(sorted(slugs - known.keys()))
        items = [row.present.pk for row in rows if row.present]
        for each in Appearance.objects.filter(item__in=items) if items else ():
            self.present[each.item_id][each.production_id, each.role] = each
        for row in rows:
            self._read(row, known, unknown)
        for row in sound(rows):
            self._refuse_beyond_rights(row)

    def _productions(self, slugs: Iterable[str]) -> dict[str, int]:
        seen = Production.objects.visible_to(self.by).filter(slug__in=slugs) if slugs else ()
        return {production.slug: production.pk for production in seen}

    def _told(self, slugs: Sequence[str]) -> dict[str, str]:
        """Return what is said of each slug that no production has; the first of them with the closest slug."""
        seen = Production.objects.visible_to(self.by)
        return {
            slug: NO_SUCH_SLUG % slug[:80] + (closest_production(slug, seen) if place < SUGGESTIONS else "")
            for place, slug in enumerate(slugs)
        }

    def _read(self, row: Row, known: dict[str, int], unknown: dict[str, str]) -> None:
        listed: dict[Key, str] = {}
        for place, each in enumerate(row.given["appearances"]):
            path = ("appearances", place)
            if (slug := each["production"]) in unknown:
                row.refuse((*path, "production"), unknown[slug], UNKNOWN)
                continue
            key = (known[slug], each.get("role", Role.HERO))
            if key in listed:
                row.refuse(path, TWICE, REPEATED)
            listed[key] = each.get("notes", "")
        self.future[row.place] = listed

    def _refuse_beyond_rights(self, row: Row) -> None:
        now, future = self._now(row), self.future[row.place]
        steps = {
            "add": future.keys() - now.keys(),
            "delete": now.keys() - future.keys(),
            "change": {key for key in now.keys() & future.keys() if now[key].notes != future[key]},
        }
        lacking = [
            f"catalog.{verb}_appearance"
            for verb, keys in steps.items()
            if keys and not self.by.has_perm(f"catalog.{verb}_appearance")
        ]
        if lacking:
            row.refuse("appearances", f"Appearances need the right {' and '.join(lacking)}.", FORBIDDEN)

    def _now(self, row: Row) -> dict[Key, Appearance]:
        return self.present[row.present.pk] if row.present else {}

    def differ(self, row: Row) -> bool:
        """Return whether the row's appearances will be others than they are."""
        now = {key: each.notes for key, each in self._now(row).items()}
        return self.future.get(row.place, now) != now

    def store(self, rows: Sequence[Row]) -> None:
        """Take away, add and note what differs: up to three statements for all rows."""
        gone: list[int] = []
        fresh: list[Appearance] = []
        noted: list[Appearance] = []
        for row in rows:
            now, future = self._now(row), self.future[row.place]
            gone += [each.pk for key, each in now.items() if key not in future]
            for (production, role), notes in future.items():
                present = now.get((production, role))
                if present is None:
                    fresh.append(_appearance(row.future.pk, production, role, notes))
                elif present.notes != notes:
                    present.notes = notes
                    noted.append(present)
        Appearance.objects.filter(pk__in=gone).delete()
        Appearance.objects.bulk_create(fresh)
        Appearance.objects.bulk_update(noted, ["notes"])


def _appearance(item: int, production: int, role: str, notes: str) -> Appearance:
    return Appearance(item_id=item, production_id=production, role=role, notes=notes)


def closest_production(slug: str, seen: ProductionQuerySet) -> str:
    """Return the end of a sentence that suggests the slug of the production whose title is most like the slug's words.

    Only of those that the caller sees: a title tells of a draft.
    """
    words = Upper(Value(slug.replace("-", " ")))
    alike = seen.alias(folded=Upper("title")).filter(folded__trigram_similar=words)
    nearest = alike.order_by(TrigramSimilarity(Upper("title"), cast(Any, words)).desc(), "id")
    closest = nearest.values_list("slug", flat=True).first()
    return f" Did you mean '{closest}'?" if closest else ""
