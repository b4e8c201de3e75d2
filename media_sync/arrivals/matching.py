"""Which item a file belongs to: by references and slugs in the names of its folders, or in its own.

The names are cut into what could be a reference or a slug; the database finds all of them at once.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from django.db import connection
from django.utils.text import slugify

from catalog.models.fields import canonical_text
from media_sync.keys import LAST_NUMBER
from media_sync.models import MatchedBy

LONGEST_WORD = 255  # characters of a slug; references are shorter
MOST_WORDS = 40  # of one name that are looked at
LONGEST_RUN = 20  # words that stand together in a reference or slug; a whole name may have more
MOST_CANDIDATES = 1000  # of one path: of the file's name first, then of the folders next to it
SHORTEST_PART = 3  # a part of a name says nothing with fewer letters
WORD = re.compile(r"[^\W_]+")
EXTENSION = re.compile(r"\.[^.\s]{1,5}$")
NUMBER = re.compile(r"[0-9]+", re.ASCII)
# A position, not a year or a date.
SHORT_FIRST = re.compile(r"[\W_]*([0-9]{1,3})(?=[\W_]|$)", re.ASCII)
NUMBER_FIRST, NUMBER_LAST = re.compile(r"[\W_]*([0-9]+)", re.ASCII), re.compile(r"([0-9]+)[\W_]*$", re.ASCII)

AMBIGUOUS = "The name fits more than one item: {items}."
NOTHING = "No folder and no part of the name is the reference or slug of an item."
NO_ITEM = "There is no item with the reference or slug {name}."

# Each candidate with the items that it means. UPPER as in the unique index of references, so that it serves.
FIND = """
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(%(reference)s::text[], %(slug)s::text[]) AS w (reference, slug)
)
SELECT DISTINCT 'reference' AS by, w.reference AS word, i.id, i.kind, i.reference
FROM wanted w JOIN catalog_item i ON UPPER(i.reference COLLATE "pg_c_utf8") = UPPER(w.reference COLLATE "pg_c_utf8")
UNION ALL
SELECT DISTINCT 'slug', w.slug, i.id, i.kind, i.reference
FROM wanted w JOIN catalog_item i ON i.slug = w.slug WHERE w.slug <> ''
UNION ALL
SELECT DISTINCT 'old_slug', w.slug, i.id, i.kind, i.reference
FROM wanted w JOIN catalog_oldslug o ON o.slug = w.slug JOIN catalog_item i ON i.id = o.item_id WHERE w.slug <> ''
"""


@dataclass(frozen=True, slots=True)
class Match:
    """What is known of a file by its name alone. Without an item, `message` says why."""

    item_id: int | None
    reference: str  # the item's
    matched_by: MatchedBy
    position: int | None
    message: str = ""
    kind: str = ""  # the item's


@dataclass(frozen=True, slots=True)
class Candidate:
    """A part of a path that could name an item."""

    reference: str
    slug: str
    is_of_file: bool  # else a folder's
    start: int  # in the name without its extension
    end: int


@dataclass(frozen=True, slots=True)
class Found:
    by: MatchedBy
    item_id: int
    kind: str
    reference: str


Index = dict[tuple[bool, str], list[Found]]  # by (is it a slug, the word)


def match_paths(paths: Sequence[str]) -> list[Match]:
    """Return the match of each path, in one statement: the longest name wins; a tie is none.

    A slug or reference that an item has now goes before one that another had, if they are as long.
    """
    candidates = [list(islice(_candidates(path), MOST_CANDIDATES)) for path in paths]
    index = _look_up({(each.reference, each.slug) for those in candidates for each in those})
    return [_match(path, those, index) for path, those in zip(paths, candidates, strict=True)]


def match_names(names: Sequence[str]) -> list[Match]:
    """The same for whole references or slugs, as a column holds them. Positions are not theirs to say."""
    wanted = [
        Candidate(canonical_text(name), name.strip(), is_of_file=False, start=0, end=0) for name in names
    ]
    index = _look_up({(each.reference, each.slug) for each in wanted})
    return [_match_name(name, each, index) for name, each in zip(names, wanted, strict=True)]


def _match_name(name: str, candidate: Candidate, index: Index) -> Match:
    found = _meant(candidate, index)
    items = {each.item_id for each in found}
    if len(items) == 1:
        return Match(found[0].item_id, found[0].reference, MatchedBy.COLUMN, None, kind=found[0].kind)
    message = _ambiguous(found) if found else NO_ITEM.format(name=name.strip()[:100])
    return Match(None, "", MatchedBy.NOTHING, None, message)


def _match(path: str, candidates: list[Candidate], index: Index) -> Match:
    best: list[tuple[Candidate, Found]] = []
    rank = (0, False)
    for candidate in candidates:
        for found in _meant(candidate, index):
            is_current = found.by != MatchedBy.OLD_SLUG
            length = len(candidate.reference if found.by == MatchedBy.REFERENCE else candidate.slug)
            if (length, is_current) > rank:
                rank, best = (length, is_current), []
            if (length, is_current) == rank:
                best.append((candidate, found))
    stem = _stem(path)
    if not best:
        return Match(None, "", MatchedBy.NOTHING, _position(stem), NOTHING)
    if len({found.item_id for _, found in best}) > 1:
        message = _ambiguous([found for _, found in best])
        return Match(None, "", MatchedBy.NOTHING, _position(stem), message)
    named = next((candidate for candidate, _ in best if candidate.is_of_file), None)
    rest = f"{stem[: named.start]} {stem[named.end :]}" if named else stem
    found = best[0][1]
    return Match(found.item_id, found.reference, found.by, _position(rest), kind=found.kind)


def _meant(candidate: Candidate, index: Index) -> list[Found]:
    """Return what a candidate means; a former slug only if it is nobody's now."""
    found = index.get((False, candidate.reference), []) + index.get((True, candidate.slug), [])
    return [each for each in found if each.by != MatchedBy.OLD_SLUG] or found


def _ambiguous(found: list[Found]) -> str:
    names = sorted({each.reference for each in found})
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004  (named)
    return AMBIGUOUS.format(items=", ".join(names[:3]) + more)[:300]


def _look_up(words: set[tuple[str, str]]) -> Index:
    index: Index = {}
    given = sorted(words)
    with connection.cursor() as cursor:
        cursor.execute(FIND, {"reference": [each[0] for each in given], "slug": [each[1] for each in given]})
        for by, word, item_id, kind, reference in cursor.fetchall():
            found = Found(MatchedBy(by), item_id, kind, reference)
            index.setdefault((by != "reference", word), []).append(found)
    return index


def _stem(path: str) -> str:
    name = path.rpartition("/")[2]
    return canonical_text(EXTENSION.sub("", name) or name)


def _candidates(path: str) -> Iterator[Candidate]:
    folders = [canonical_text(folder) for folder in path.split("/")[:-1]]
    yield from _parts(_stem(path), is_of_file=True, is_alone=not any(folders))
    for folder in reversed(folders):
        if folder:
            yield from _parts(folder, is_of_file=False)


def _parts(name: str, *, is_of_file: bool, is_alone: bool = True) -> Iterator[Candidate]:
    """Yield the whole name and every run of its words, with what stands between them.

    Digits alone are no part of a name: they are dates and counters. A whole name they are, but for a file in a
    folder, where they are its position.
    """
    words = [(match.start(), match.end()) for match in WORD.finditer(name)][:MOST_WORDS]
    spans = {(first, last) for at, (first, _) in enumerate(words) for _, last in words[at : at + LONGEST_RUN]}
    spans.add((0, len(name)))
    for start, end in sorted(spans):
        text = name[start:end]
        if not text or len(text) > LONGEST_WORD:
            continue
        is_whole = (start, end) == (0, len(name))
        is_number = bool(NUMBER.fullmatch(text))
        if (is_whole and (is_alone or not is_number)) or (not is_number and len(text) >= SHORTEST_PART):
            yield Candidate(text, slugify(text), is_of_file, start, end)


def _position(stem: str) -> int | None:
    """Return the short number with which the name begins, else the one with which it ends, else any that begins it."""
    found = SHORT_FIRST.match(stem) or NUMBER_LAST.search(stem) or NUMBER_FIRST.match(stem)
    return min(int(found[1][:20]), LAST_NUMBER) if found else None
