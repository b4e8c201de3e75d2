"""Loads the demo catalogue the way an operator loads a real one: imported spreadsheets, uploaded pictures, a sync."""

import csv
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Concat, Now
from django.utils.text import slugify

from catalog.imports.engine import ImportOptions, import_file
from catalog.imports.results import ImportResult
from catalog.models import Item, Kind, MediaAsset, Term
from media_sync import storage
from media_sync.demo.pictures import picture
from media_sync.demo.silhouettes import silhouette_for
from media_sync.keys import FOLDERS
from media_sync.reconcile.inventory import listing
from media_sync.reconcile.report import SyncResult
from media_sync.reconcile.sync import sync_bucket

HERE = Path(__file__).parent
REFERENCES = "DEMO-"  # every demo item's reference begins with it
UPLOADS_AT_ONCE = 4
FOLDER_OF = {kind: folder for folder, kind in FOLDERS.items()}
PREFIXES = tuple(f"{folder}/{REFERENCES}" for folder in FOLDERS)
Progress = Callable[[int, int], None]  # pictures done, pictures to do


@dataclass(frozen=True)
class Picture:
    """One picture of a demo item. Its folder is the reference, not the slug: so the three PREFIXES hold the
    demo's objects and no others, and the sync after the upload looks at nobody else's pictures."""

    kind: Kind
    reference: str
    title: str
    subtitle: str
    words: tuple[str, ...]  # types or categories
    number: int

    @property
    def key(self) -> str:
        return f"{FOLDER_OF[self.kind]}/{self.reference}/{self.number}.jpg"

    def draw(self) -> bytes:
        return picture(
            reference=self.reference,
            title=self.title,
            subtitle=self.subtitle,
            shapes=silhouette_for(list(self.words), self.title),
            number=self.number,
        )


@dataclass(frozen=True)
class DemoResult:
    """What a load did, or on a dry run would do."""

    dry_run: bool
    terms: int
    productions: ImportResult
    items: ImportResult
    pictures: int  # all that the demo has
    uploaded: int
    syncs: tuple[SyncResult, ...]

    @property
    def exit_code(self) -> int:
        imports = (self.productions.exit_code, self.items.exit_code)
        return max(*imports, *(sync.exit_code for sync in self.syncs))

    def as_json(self) -> dict[str, Any]:
        return {
            "dry_run": self.dry_run,
            "terms": self.terms,
            "productions": self.productions.as_json(),
            "items": self.items.as_json(),
            "pictures": self.pictures,
            "uploaded": self.uploaded,
            "syncs": [sync.as_json() for sync in self.syncs],
        }

    def lines(self) -> Iterator[str]:
        yield f"terms.csv: {self.terms:,} new terms{' to add' if self.dry_run else ''}."
        yield from self.productions.lines()
        yield from self.items.lines()
        verb = "to upload" if self.dry_run else "uploaded"
        yield f"Pictures: {self.uploaded:,} {verb}, {self.pictures - self.uploaded:,} left as they are."
        for sync in self.syncs:
            yield from sync.lines()


def load_demo(*, dry_run: bool = False, progress: Progress = lambda done, of: None) -> DemoResult:
    """Load what is missing of the demo and put back what was changed; a second run writes nothing.

    Other items, productions and pictures stay as they are. Raises ImportRefused, BucketUnavailable and
    SyncRefused, each with one sentence; what had landed before stays, and the next run does the rest.
    """
    storage.check_bucket()  # before anything is written
    # Every word is a term of terms.csv, so a misspelt one is refused. A dry run adds no terms, hence none.
    options = ImportOptions(terms="create" if dry_run else "refuse")
    terms = add_terms(dry_run=dry_run)
    productions = import_file(
        path=HERE / "productions.csv", target="production", options=options, dry_run=dry_run
    )
    items = import_file(path=HERE / "items.csv", target=Kind.VEHICLE, options=options, dry_run=dry_run)
    wanted = list(pictures())
    missing = _missing(wanted)
    if not dry_run:
        missing = _of_items(missing)
        _upload(missing, progress)
    syncs = () if dry_run else tuple(sync_bucket(prefix=prefix) for prefix in PREFIXES)
    if not dry_run:
        _describe(wanted)
    return DemoResult(
        dry_run=dry_run,
        terms=terms,
        productions=productions,
        items=items,
        pictures=len(wanted),
        uploaded=len(missing),
        syncs=syncs,
    )


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of one of the demo's spreadsheets."""
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def add_terms(*, dry_run: bool) -> int:
    """Add the terms that are known under no spelling yet, and return how many; others stay as they are."""
    known = set()
    for vocabulary, name, slug, aliases in Term.objects.values_list("vocabulary", "name", "slug", "aliases"):
        known |= {(vocabulary, spelling.casefold()) for spelling in (name, slug, *aliases)}
    terms = [
        Term(
            vocabulary=row["vocabulary"],
            name=row["name"],
            slug=slugify(row["name"]),
            aliases=[alias for alias in row["aliases"].split("|") if alias],
        )
        for row in rows("terms.csv")
        if not {(row["vocabulary"], word) for word in (row["name"].casefold(), slugify(row["name"]))} & known
    ]
    if not dry_run:
        Term.objects.bulk_create(terms, ignore_conflicts=True)
    return len(terms)


def pictures() -> Iterator[Picture]:
    """Yield every picture of the demo: one to three of a vehicle, one of anything else."""
    for position, row in enumerate(rows("items.csv")):
        first = Picture(
            kind=Kind(row["kind"]),
            reference=row["reference"],
            title=row["name"],
            subtitle=row["appearances"].partition("|")[0].rpartition(":")[0],
            words=tuple(f"{row['vehicle_types']}|{row['categories']}".strip("|").split("|")),
            number=1,
        )
        count = 1 + position % 3 if first.kind == Kind.VEHICLE else 1
        yield from (replace(first, number=number) for number in range(1, count + 1))


def _missing(wanted: list[Picture]) -> list[Picture]:
    """Narrow to the pictures whose objects the bucket lacks."""
    present = {found.key for prefix in PREFIXES for page in listing(prefix) for found in page}
    return [one for one in wanted if one.key not in present]


def _of_items(wanted: list[Picture]) -> list[Picture]:
    """Narrow to the pictures of items that the catalogue has: a refused row leaves no stray object."""
    found = Item.objects.filter(reference__in={one.reference for one in wanted})
    present = set(found.values_list("kind", "reference"))
    return [one for one in wanted if (one.kind, one.reference) in present]


def _upload(missing: list[Picture], progress: Progress) -> None:
    with storage.calls_to_bucket(), ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        for done, _ in enumerate(pool.map(_put, missing), start=1):
            progress(done, len(missing))


def _describe(wanted: list[Picture]) -> None:
    """Give the demo's own pictures a text for those who cannot see them, where nobody has given one."""
    item = Item.objects.filter(pk=OuterRef("item"))
    MediaAsset.objects.filter(key__in=[one.key for one in wanted], alt_text="", item__isnull=False).update(
        alt_text=Subquery(item.values(text=Concat("name", Value(", placeholder picture")))), updated_at=Now()
    )


def _put(one: Picture) -> None:
    storage.client().put_object(
        Bucket=settings.S3_BUCKET, Key=one.key, Body=one.draw(), ContentType="image/jpeg"
    )
