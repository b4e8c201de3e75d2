"""Items that nobody may see beside items that everybody sees, to look for the first in what is told of the second."""

from datetime import UTC, datetime
from typing import Any

from catalog import upkeep
from catalog.models import Appearance, Item, Kind, MediaAsset, OldSlug, Production, Term
from catalog.tests.factories import ProductionFactory

EACH = 1_000  # of the walks; other tests do with FEW
FEW = 60
CANARY = "canary"
# Staff of tools: everything that can be done with tools, files and exports, and nothing of the canaries' kinds.
TOOLS_ONLY = [
    *(f"{verb}_tool" for verb in ("view", "add", "change", "delete", "publish", "export")),
    *(f"{verb}_mediaasset" for verb in ("view", "add", "change", "delete")),
    *(f"{verb}_appearance" for verb in ("view", "add", "change", "delete")),
    "export_production", "export_term", "view_importrun", "view_importlayout",
]  # fmt: skip
UNSEEN: list[dict[str, Any]] = [
    {"status": "draft", "published_at": None},
    {"status": "archived", "published_at": datetime(2026, 1, 1, tzinfo=UTC)},
    {"status": "published", "published_at": datetime(9000, 1, 1, tzinfo=UTC)},
]


def item(number: int, word: str, kind: str, **fields: Any) -> Item:
    """Return an item with the word in all its texts. The public values among them would show a canary in the counts."""
    is_vehicle = kind == Kind.VEHICLE
    return Item(**{
        "kind": kind, "reference": f"{word}-{number}", "slug": f"{word}-{number}", "name": f"{word} {word}{number}",
        "make": f"{word} {number % 7}" if number % 2 else "Shared", "model": word, "description": f"{word} described",
        "production_years": [1888 if word == CANARY else 1950, 1960 + number % 9],
        "vehicle_types": [word, "Car"] if is_vehicle else [], "categories": [] if is_vehicle else [word, "Poster"],
        "genres": [word, "Action"], "condition": "good", "authenticity": "replica", "specs": {word: word},
        "chassis_number": word if is_vehicle else "", "provenance": word, "location": word, "currency": "EUR",
        "price": 777777 if word == CANARY and number % 2 else 50 + number % 100,
    } | fields)  # fmt: skip


def add(items: list[Item], word: str, *films: Production) -> None:
    """Add the items, each with a film in which it appeared and a picture."""
    Item.objects.bulk_create(items)
    Appearance.objects.bulk_create(
        [
            Appearance(item=each, production=films[at % len(films)], notes=word)
            for at, each in enumerate(items)
        ]
    )
    MediaAsset.objects.bulk_create(
        [
            MediaAsset(item=each, key=f"vehicles/{each.slug}/1.jpg", alt_text=word, caption=word, etag=word)
            for each in items[: EACH // 4]
        ]
    )


def add_shown(each: int) -> None:
    """Add the published items, and a film that others may join."""
    shared = ProductionFactory.create(slug="shared-1964", title="Shared")
    Term.objects.create(vocabulary="genre", name="Action", slug="action")
    state = {"status": "published", "published_at": datetime(2026, 1, 1, tzinfo=UTC)}
    items = [item(number, "shown", Kind.values[number % 3], **state) for number in range(each)]
    add(items, "shown", shared, ProductionFactory.create(slug="shown-1950", title="Shown"))
    upkeep.take_in_changes()


def add_canaries(each: int) -> None:
    """Add the unpublished items; finding has taken in the first half of them, and the second half not yet."""
    shared = Production.objects.get(slug="shared-1964")
    film = ProductionFactory.create(
        slug=f"{CANARY}-film", title=f"{CANARY} film", franchise=CANARY, genres=[CANARY]
    )
    kinds = (Kind.VEHICLE, Kind.MEMORABILIA)
    items = [item(number, CANARY, kinds[number % 2], **UNSEEN[number % 3]) for number in range(each)]
    add(items[: each // 2], CANARY, shared, film)
    upkeep.take_in_changes()
    add(items[each // 2 :], CANARY, shared, film)
    OldSlug.objects.create(slug=f"{CANARY}-before", item=items[0])
