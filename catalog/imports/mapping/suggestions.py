"""How a foreign table could be mapped: by the titles in many languages, by the cells, by a layout much like it.

Nothing of this counts before a person confirmed it; every proposal says why it is made and how sure it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from catalog.imports.columns import Column, Reading, Target, column_name
from catalog.imports.mapping import aliases, content, phrases
from catalog.imports.mapping.binding import ERROR_HEADER, bind, titles
from catalog.imports.mapping.checks import IGNORED, check_rules, sources
from catalog.imports.mapping.content import Cells, Knowledge, cells_of
from catalog.imports.mapping.currencies import SIGNS, code_of
from catalog.imports.mapping.layouts import closest

CONFIDENT = 0.8  # from here on a screen may fill the proposal in
LEAST = 0.45  # below it nothing is proposed
MOST_TITLES = 300  # that are looked at closely; of those beyond only well-known titles are found
SHORTEST = 4  # letters of a title that is looked for within others
LEAST_LETTERS = 6  # of a title that others may be spelled much like
SHOWN, SOME_VALUES = 40, 3  # characters, replacements in a reason
CLOSE = 0.86  # difflib's ratio of titles that are spelled alike
UNIT = re.compile(
    r"(?<![\w/])(km/h|mph|km|mi|miles|ps|hp|bhp|kw|cv|ch|pk|km|ccm|cm3|cc|nm|kg|lbs|mm|cm)(?![\w/])",
    re.IGNORECASE,
)
NUMBER = re.compile(r"[+-]?\d[\d.,'\u2019 ]*", re.ASCII)
# What only items of one kind have; see the constraints of Item.
OTHERS_ONLY = {"vehicle": {"categories"}, "memorabilia": {"vehicle_types", "chassis_number"}, "tool": {"vehicle_types", "chassis_number"}}  # fmt: skip
Rule = dict[str, Any]


@dataclass(frozen=True)
class Proposal:
    """One rule for one column of ours; confidence lies between 0 and 1, the reason is a sentence or two."""

    column: str
    rule: Rule
    confidence: float
    reason: str

    @property
    def is_confident(self) -> bool:
        return self.confidence >= CONFIDENT


@dataclass(frozen=True)
class Suggestion:
    """Proposals in the order of the table's columns, and the titles that none of them uses."""

    proposals: tuple[Proposal, ...]
    left: tuple[str, ...]

    @property
    def mapping(self) -> dict[str, Any]:
        """The proposals as a mapping; the titles that are left stay for the person to decide on."""
        return {proposal.column: proposal.rule for proposal in self.proposals}


def suggest(
    header: list[str], sample: list[list[str]], target: Target, base: dict[str, Any] | None = None
) -> Suggestion:
    """Propose a mapping for a header and the first rows below it. This causes a few SQL queries.

    `base` is a mapping that a person made for a layout much like this one, by default the closest one that is
    remembered; what of it fits comes first.
    """
    table = _Table(header, sample, target)
    table.take_over(closest(target, header) if base is None else base)
    table.look_at_own_names()
    table.match_titles()
    table.match_cells()
    table.split_cars()
    table.find_currency()
    table.name_items()
    table.collect_labels()
    return table.suggestion()


class _Table:
    """The file's columns while they are being matched; each title goes to one column of ours, but for splits."""

    def __init__(self, header: list[str], sample: list[list[str]], target: Target) -> None:
        self.target = target
        self.columns = [
            column for column in target.columns if column.name not in OTHERS_ONLY.get(target.kind, set())
        ]
        named = titles(header)
        self.cells = {
            title: cells_of(title, [row[place] if place < len(row) else "" for row in sample])
            for place, title in enumerate(named)
        }
        self.bound = {column.name for column in bind(header, target, {}).columns}
        self.found: dict[str, Proposal] = {}
        settled = {*self.bound, ERROR_HEADER, ""}
        self.used = {
            title
            for title, cell in zip(named, header, strict=True)
            if {column_name(title), column_name(cell)} & settled
        }
        self.own = {column_name(title): title for title in named if column_name(title) in self.bound}
        self.knows = Knowledge()

    def free(self) -> list[Cells]:
        """Return the columns of the file that nothing uses yet; not those without a title."""
        return [cells for title, cells in self.cells.items() if title not in self.used]

    def is_open(self, name: str) -> bool:
        return name in {column.name for column in self.columns} and name not in self.bound | self.found.keys()

    def propose(self, name: str, rule: Rule, confidence: float, reason: str) -> None:
        self.found[name] = Proposal(name, rule, round(confidence, 2), reason)
        self.used |= set(sources(rule))

    def suggestion(self) -> Suggestion:
        order = [column.name for column in self.target.columns]
        found = sorted(self.found.values(), key=lambda proposal: order.index(proposal.column))
        return Suggestion(tuple(found), tuple(cells.title for cells in self.free()))

    def take_over(self, base: dict[str, Any]) -> None:
        """Take the rules of a layout much like this one, as far as the file has their columns."""
        if check_rules(base, self.target):
            return
        have = {column_name(title): title for title in self.cells}
        for name, rule in base.items():
            if name != IGNORED and all(column_name(title) in have for title in sources(rule)):
                self.propose(name, rule, 0.9, "It was mapped so for a file much like this one.")
                self.used |= {have[column_name(title)] for title in sources(rule)}

    def look_at_own_names(self) -> None:
        """Propose a conversion for columns that have our names and cells that imports cannot read."""
        for column in self.columns:
            title = self.own.get(column.name)
            rule = content.conversion(column, self.target, self.cells[title]) if title else {}
            if title and rule and column.name not in self.found:
                self.propose(
                    column.name, {"header": title} | rule, 0.9, _told("It has the name of the column.", rule)
                )

    def match_titles(self) -> None:
        """Give each column the free title that means it most likely."""
        candidates = [
            (-confidence, place, number, column, cells, reason)
            for number, cells in enumerate(self.free())
            for place, column, confidence, reason in self._by_title(cells, number)
            if confidence >= LEAST
        ]
        for negative, _, _, column, cells, reason in sorted(candidates, key=lambda found: found[:3]):
            self._match(column, cells, -negative, reason)

    def match_cells(self) -> None:
        """Give each column that is still open a free title whose cells look like it."""
        candidates = []
        for number, cells in enumerate(self.free()[:MOST_TITLES]):
            if aliases.plain(cells.title) in aliases.LABELLED:
                continue
            for place, column in enumerate(self.columns):
                if self.is_open(column.name):
                    confidence, reason = content.likeness(column, cells, self.knows)
                    candidates.append((-confidence, place, number, column, cells, reason))
        for negative, _, _, column, cells, reason in sorted(candidates, key=lambda found: found[:3]):
            if -negative >= LEAST:
                self._match(column, cells, -negative, reason)
        self._find_key()

    def _match(self, column: Column, cells: Cells, confidence: float, reason: str) -> None:
        if self.is_open(column.name) and cells.title not in self.used:
            rule = content.conversion(column, self.target, cells)
            unread = content.unread_choices(column, self.target, cells, rule)
            note = f" Nothing is known to stand for {unread}; such rows are rejected." if unread else ""
            if column.reading is Reading.TIME and content.is_either_order(cells):
                confidence, note = min(confidence, 0.7), " Day and month may be the other way round."
            self.propose(column.name, {"header": cells.title} | rule, confidence, _told(reason, rule) + note)

    def _by_title(self, cells: Cells, number: int) -> Iterator[tuple[int, Column, float, str]]:
        """Yield the columns that the title may mean, with their places, the confidence and the reason."""
        title = aliases.plain(cells.title)
        exact = [name for name in aliases.MEANT.get(title, ()) if name in self.target.by_name]
        closely = not exact and title not in aliases.LABELLED and number < MOST_TITLES
        for place, column in enumerate(self.columns):
            confidence, reason = 0.0, f"'{cells.title}' is a usual name for it."
            if column.name in exact:
                confidence = _sure(title, column.name, exact)
            elif closely:
                confidence, reason = _nearly(title, column)
            if confidence:
                fit = content.suitability(column, self.target, cells, self.knows)
                yield place, column, *_weighed(confidence, reason, fit, cells)

    def _find_key(self) -> None:
        """Propose for the key, where it is needed, the first column of short texts that are all different."""
        name = self.target.key
        if name != "reference" or not self.is_open(name):
            return
        for cells in self.free():
            if len(cells.distinct) == cells.rows > 1 and cells.share(content.is_key) == 1:
                self.propose(name, {"header": cells.title}, 0.5, "Its cells are filled and all different.")
                return

    def split_cars(self) -> None:
        """Propose to take year, make and model out of a column that names cars in one text."""
        if not (self.is_open("make") and self.is_open("model")):
            return
        named = self.found.get("name")
        title = named.rule.get("header") if named else self.own.get("name")
        for cells in [*([self.cells[title]] if title else []), *self.free()]:
            by_title = aliases.plain(cells.title) in aliases.CAR_TITLES
            if by_title or content.is_car(cells, self.knows):
                self._split(cells, 0.85 if by_title else 0.6)
                return

    def _split(self, cells: Cells, confidence: float) -> None:
        reason = (
            f"'{cells.title}' names make and model in one text; a make that is not known is its first word."
        )
        for part in ("make", "model"):
            self.propose(part, {"header": cells.title, "part": part}, confidence, reason)
        if self.is_open("production_years") and content.has_years(cells):
            rule = {"header": cells.title, "part": "year"}
            self.propose("production_years", rule, confidence, f"'{cells.title}' begins with the year.")
        if self.is_open("name"):
            self.propose("name", {"header": cells.title}, confidence, "It tells what the thing is.")

    def find_currency(self) -> None:
        """Propose the currency that stands beside the amounts, or in the title of the price."""
        price = self.found.get("price")
        title = price.rule.get("header") if price else self.own.get("price")
        if not title or not self.is_open("currency"):
            return
        cells = self.cells[title]
        if cells.share(content.currency_beside) > 0:
            otherwise = _currency_in(title)
            rule = {"header": title, "part": "currency"} | ({"otherwise": otherwise} if otherwise else {})
            self.propose("currency", rule, 0.85, f"'{title}' has the currency beside the amount.")
        elif code := _currency_in(title):
            self.propose("currency", {"constant": code}, 0.85, f"The title '{title}' names the currency.")

    def name_items(self) -> None:
        """Propose a name made of year, make and model; a new item needs one."""
        if not self.target.kind or not self.is_open("name"):
            return
        year, make, model = (self._title_of(name) for name in ("production_years", "make", "model"))
        if make and model:
            joined = [title for title in (year, make, model) if title]
            self.propose(
                "name", {"join": joined}, 0.8, f"A new item needs a name; it is made of {', '.join(joined)}."
            )

    def _title_of(self, name: str) -> str:
        """Return the title of the column whose cells are this as they stand, or nothing."""
        if name in self.found:
            rule = self.found[name].rule
            return str(rule["header"]) if rule.keys() == {"header"} else ""
        return self.own.get(name, "")

    def collect_labels(self) -> None:
        """Propose labels under specs for measures and features of a vehicle, and under external_ids for those."""
        for name, known in aliases.LABELS.items():
            labels: dict[str, Any] = {}
            for cells in self.free() if self.is_open(name) else []:
                label = known.get(aliases.plain(cells.title))
                if label and any(text.casefold() not in phrases.NOTHING for text in cells.texts):
                    labels[label if label not in labels else cells.title] = _measure(cells)
            if labels:
                self.propose(name, {"labels": labels}, 0.8, f"Kept under {name}: {', '.join(labels)}.")


def _sure(title: str, name: str, meant: list[str]) -> float:
    """Return how surely a well-known title means this one of the columns that it may mean."""
    if title in aliases.SECOND:
        return 0.82
    return 0.95 if len(meant) == 1 else 0.9 - 0.1 * (name != meant[0])


def _nearly(title: str, column: Column) -> tuple[float, str]:
    """Return how surely a title is meant that is spelled a little otherwise, or has more words."""
    known = [alias for alias in aliases.ALIASES.get(column.name, ()) if len(alias) >= SHORTEST]
    loose = column.reading in {Reading.TEXT, Reading.WORD, Reading.WORDS} and column.name != "reference"
    within = [alias for alias in known if f" {alias} " in f" {title} " and (" " in alias or not loose)]
    if within:
        alias = max(within, key=len)
        return 0.6 + 0.2 * len(alias) / len(title), f"The title contains '{alias}'."
    long = [alias for alias in known if len(alias) >= LEAST_LETTERS]
    close = get_close_matches(title[:60], long, n=1, cutoff=CLOSE)
    return (0.7, f"The title is spelled much like '{close[0]}'.") if close else (0.0, "")


def _weighed(confidence: float, reason: str, fit: float | None, cells: Cells) -> tuple[float, str]:
    """Lower the confidence where the cells do not suit the column, or where there are none."""
    if not cells.texts:
        return confidence * 0.8, f"{reason} The first rows have no cell in it."
    if fit is None or fit >= content.MOST:
        return confidence, reason
    if fit >= content.SOME:
        return confidence * 0.8, f"{reason} Not all of its cells suit."
    return confidence * 0.4, f"{reason} Few of its cells suit."


def _told(reason: str, rule: Rule) -> str:
    """Return the reason with a sentence for each conversion that the rule has."""
    notes = []
    if "decimal" in rule:
        notes.append(f"Its amounts are read with a decimal {'comma' if rule['decimal'] == ',' else 'point'}.")
    if "date" in rule:
        notes.append(
            f"Its dates are read in the order {', '.join(DATE_PARTS[letter] for letter in rule['date'])}."
        )
    if "part" in rule:
        notes.append("The years are taken out of its texts.")
    if "separator" in rule:
        notes.append(f"'{rule['separator']}' stands between its words.")
    if "values" in rule:
        notes.append(_replaced(rule["values"]))
    return " ".join([reason, *notes])


def _replaced(values: dict[str, str]) -> str:
    shown = [
        f"'{old[:SHOWN]}' becomes '{new}'" if new else f"'{old[:SHOWN]}' is left empty"
        for old, new in list(values.items())[:SOME_VALUES]
    ]
    more = f" and {len(values) - SOME_VALUES:,} more" if len(values) > SOME_VALUES else ""
    return f"{', '.join(shown)}{more}."


DATE_PARTS = {"d": "day", "m": "month", "y": "year"}


def _currency_in(title: str) -> str:
    """Return the currency that a title such as 'Preis (EUR)' names, or nothing."""
    words = re.findall(r"[^\W\d_]+|[€$£¥]", title)
    named = [word for word in words if word.casefold() in SIGNS or (word.isupper() and code_of(word))]
    return (code_of(named[0]) or "") if named else ""


def _measure(cells: Cells) -> str | Rule:
    """Return the title alone, or with the unit that it names where the cells are bare numbers."""
    unit = UNIT.search(cells.title)
    if not unit or cells.share(NUMBER.fullmatch) < content.MOST:
        return cells.title
    rule = {"header": cells.title, "unit": unit[1]}
    german = cells.share(re.compile(r"\d{1,3}(\.\d{3})+(,\d+)?|\d+,\d{1,2}", re.ASCII).fullmatch) > 0
    return rule | {"decimal": ","} if german else rule
