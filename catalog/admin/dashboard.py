"""The admin's first page: what waits for a person, how much there is, and of what, each as far as he may see it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, QuerySet, Sum, Window
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timezone import localtime, now
from procrastinate.contrib.django.models import ProcrastinateJob

from catalog import readiness
from catalog.finding.tallies import Tallies, tallies
from catalog.imports.life import runs
from catalog.models import (
    WAITING,
    ImportState,
    Item,
    Kind,
    MediaAsset,
    MediaState,
    Production,
    Status,
    is_scheduled,
    kinds_seen,
    may_view,
)
from marketplace.admin import CappedPaginator, Panel

MOST_COUNTED = 10_000  # of what no bitmap counts
MOST_NAMED = 3
RECENT = timedelta(days=7)
MOST_BARS = 12
IMPORTS = ("view", "add", "preview", "confirm", "undo")
COLUMNS = ("kind", "status", "decades", "genres", "currency")


@dataclass(frozen=True)
class Task:
    """Something that waits, with its number; `rows` are some of it by name."""

    title: str
    count_text: str
    hint: str
    address: str
    icon: str
    rows: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Bar:
    """A value of a chart: its share is of the longest bar, in percent."""

    label: str
    count_text: str
    share: int
    address: str


@dataclass(frozen=True)
class Chart:
    title: str
    bars: list[Bar]
    note: str = ""


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Give the first page its parts."""
    kinds = kinds_seen(request.user)
    counted = tallies(COLUMNS, kinds=kinds) if kinds else Tallies({}, [])
    shown = {
        "tasks": [task for task in _tasks(request, counted) if task],
        "totals": list(_totals(request, counted)),
        "charts": list(_charts(kinds, counted)) if kinds else [],
        "is_rough": counted.is_rough,
    }
    has_pages = bool(kinds or shown["tasks"] or shown["totals"])
    part = Panel("admin/catalog/dashboard.html", {})
    return {**context, "dashboard": shown, "start_parts": [part] if has_pages else []}


def _list(name: str, app: str = "catalog", **parameters: Any) -> str:
    query = f"?{urlencode(parameters)}" if parameters else ""
    return f"{reverse(f'admin:{app}_{name}_changelist')}{query}"


def _capped(rows: "QuerySet[Any]") -> tuple[int, str]:
    number = rows.order_by()[: MOST_COUNTED + 1].count()
    return number, f"{number:,}" if number <= MOST_COUNTED else f"more than {MOST_COUNTED:,}"


def _about(rows: "QuerySet[Any]") -> str:
    """Return the number as the list of these rows tells it: of very many, an estimate."""
    return CappedPaginator(rows.order_by("pk"), 1).count_text


def _tasks(request: HttpRequest, counted: Tallies) -> Iterator[Task | None]:
    """Yield what waits for a person; what has nothing waiting is left out."""
    user, kinds = request.user, kinds_seen(request.user)
    if kinds:
        yield _unfinished(kinds)
        yield _drafts(counted)
        yield _scheduled(kinds)
    if any(user.has_perm(f"catalog.{verb}_importrun") for verb in IMPORTS):
        yield from _imports(user)
    if may_view(user, "mediaasset"):
        yield from _media(user)
    if user.has_perm("procrastinate.view_procrastinatejob"):
        yield _jobs()


def _unfinished(kinds: frozenset[str]) -> Task | None:
    drafts = Item.objects.filter(~readiness.is_ready(), status=Status.DRAFT, kind__in=kinds)
    number, text = _capped(drafts)
    hint = "They lack something that a published item needs; each page says what."
    address = _list("item", status__exact=Status.DRAFT.value, readiness="unready")
    return Task("Unfinished drafts", text, hint, address, "edit_note") if number else None


def _drafts(counted: Tallies) -> Task | None:
    number = counted.counts["status"].get(Status.DRAFT, 0)
    hint = "Not published yet, unfinished ones among them: publish them, or archive them."
    address = _list("item", status__exact=Status.DRAFT.value)
    return Task("Drafts", _rough(number, counted), hint, address, "draft") if number else None


def _scheduled(kinds: frozenset[str]) -> Task | None:
    items = Item.objects.filter(is_scheduled(RECENT.days), kind__in=kinds).annotate(all=Window(Count("pk")))
    soonest: list[Any] = list(
        items.only("name", "kind", "published_at").order_by("published_at", "id")[:MOST_NAMED]
    )
    if not soonest:
        return None
    text = f"{soonest[0].all:,}"
    rows = [
        (
            f"{localtime(item.published_at):%a %H:%M} {item.name}",
            reverse("admin:catalog_item_change", args=[item.pk]),
        )
        for item in soonest
    ]
    hint = "They become public by themselves within seven days."
    return Task(
        "Scheduled for this week", text, hint, _list("item", publication="week"), "event_upcoming", rows
    )


def _imports(user: Any) -> Iterator[Task | None]:
    seen = runs.visible_to(user)
    recent = seen.filter(state=ImportState.DONE, rejected__gt=0, started_at__gt=now() - RECENT)
    if named := list(
        recent.annotate(all=Window(Sum("rejected"))).order_by("-started_at", "-id")[:MOST_NAMED]
    ):
        rows = [(f"{run.file_name}: {run.rejected:,} refused", _page_of(run.pk)) for run in named]
        address = _list("importrun", state__exact=ImportState.DONE.value)
        hint = "Rows of this week's imports that did not land: mend them, and import them again."
        yield Task("Refused rows", f"{named[0].all:,}", hint, address, "rule", rows)
    own = seen.filter(state__in=WAITING, started_by=user.pk)
    if waiting := list(own.order_by("-started_at", "-id")[: MOST_NAMED + 1]):
        rows = [(run.file_name, _page_of(run.pk)) for run in waiting[:MOST_NAMED]]
        more = "" if len(waiting) <= MOST_NAMED else "more than "
        text = f"{more}{len(rows)}"
        yield Task(
            "Imports that wait for you",
            text,
            "Look at them, and let them land.",
            _list("importrun"),
            "upload_file",
            rows,
        )


def _page_of(run: int) -> str:
    return reverse("admin:catalog_importrun_change", args=[run])


def _media(user: Any) -> Iterator[Task | None]:
    assets = MediaAsset.objects.visible_to(user)
    number, text = _capped(MediaAsset.objects.filter(item=None, state=MediaState.PRESENT))
    if number:
        hint = "Files in the bucket that belong to no item."
        address = _list("mediaasset", assigned="no", state__exact=MediaState.PRESENT.value)
        yield Task("Unassigned media", text, hint, address, "link_off")
    number, text = _capped(assets.filter(state=MediaState.MISSING))
    if number:
        hint = "The catalogue knows them, the bucket does not have them."
        address = _list("mediaasset", state__exact=MediaState.MISSING.value)
        yield Task("Missing media", text, hint, address, "broken_image")


def _jobs() -> Task | None:
    number, text = _capped(ProcrastinateJob.objects.filter(status="failed"))
    address = _list("procrastinatejob", app="procrastinate", status__exact="failed")
    hint = "Background work that ended with an error."
    return Task("Failed jobs", text, hint, address, "error") if number else None


def _rough(number: int, counted: Tallies) -> str:
    return f"{'about ' if counted.is_rough else ''}{number:,}"


def _totals(request: HttpRequest, counted: Tallies) -> Iterator[tuple[str, str, str]]:
    """Yield name, number and address."""
    names = {Kind.VEHICLE: "Vehicles", Kind.MEMORABILIA: "Memorabilia", Kind.TOOL: "Tools"}
    for kind, name in names.items():
        if may_view(request.user, kind.value):
            number = counted.counts.get("kind", {}).get(kind, 0)
            yield name, _rough(number, counted), _list(kind.value)
    if may_view(request.user, "production"):
        yield "Films and series", _about(Production.objects.all()), _list("production")
    if may_view(request.user, "mediaasset"):
        yield "Media", _about(MediaAsset.objects.visible_to(request.user)), _list("mediaasset")


def _charts(kinds: frozenset[str], counted: Tallies) -> Iterator[Chart]:
    counts = counted.counts
    statuses = [
        (str(status.label), counts["status"].get(status, 0), {"status__exact": status.value})
        for status in Status
    ]
    yield Chart("Items by status", _bars(statuses, counted))
    decades = sorted(counts["decades"].items())[-MOST_BARS:]
    yield Chart(
        "Items by decade",
        _bars([(f"{year}s", number, _years(int(year))) for year, number in decades], counted),
        "By years of production; an item of several decades counts in each.",
    )
    genres = _commonest(counts["genres"])[:MOST_BARS]
    yield Chart(
        "Items by genre",
        _bars([(genre, number, {"genres": genre}) for genre, number in genres], counted),
        "The commonest; an item of several genres counts in each.",
    )
    if currencies := _commonest(counts["currency"]):
        yield _prices(currencies[0][0], kinds, counted)


def _commonest(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(
        ((value, number) for value, number in counts.items() if number), key=lambda each: (-each[1], each[0])
    )


def _years(first: int) -> dict[str, Any]:
    return {"production_years_from": first, "production_years_to": first + 9}


def _prices(currency: str, kinds: frozenset[str], before: Tallies) -> Chart:
    """Show the commonest currency alone: amounts in several are no distribution."""
    counted = tallies(["price"], kinds=kinds, currency=currency, after=before)
    found = sorted((int(low), number) for low, number in counted.counts["price"].items() if number)
    bars = [(_price_label(low), number, _price_range(low, currency)) for low, number in found[-MOST_BARS:]]
    return Chart(
        f"Prices in {currency}", _bars(bars, counted), "Items with a price in the commonest currency."
    )


def _end_of(low: int) -> int:
    """Brackets begin at 0, 1, 2, 5, 10, 20, 50 ... and end before the next one."""
    return 1 if not low else low * 5 // 2 if str(low).startswith("2") else low * 2


def _price_label(low: int) -> str:
    return f"{low:,} to {_end_of(low):,}"


def _price_range(low: int, currency: str) -> dict[str, Any]:
    return {"price_from": low, "price_to": f"{_end_of(low) - 1}.99", "currency": currency}


def _bars(values: list[tuple[str, int, dict[str, Any]]], counted: Tallies) -> list[Bar]:
    longest = max((number for _, number, _ in values), default=0) or 1
    return [
        Bar(label, _rough(number, counted), ceil(100 * number / longest), _list("item", **parameters))
        for label, number, parameters in values
    ]
