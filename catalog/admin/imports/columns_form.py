"""The form that matches the columns of one sheet with ours; it works without scripts."""

from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from django import forms
from django.forms import BoundField

from catalog.admin.imports import matching
from catalog.admin.imports.columns_rows import (
    JoinRow,
    WordRow,
    choice,
    initial_of,
    labels_of,
    rows_of,
    text,
    words_for,
)
from catalog.imports.columns import TARGETS, Reading, column_name
from catalog.imports.mapping.binding import ERROR_HEADER, check, titles
from catalog.imports.mapping.checks import sources
from catalog.imports.mapping.suggestions import suggest
from catalog.models import ImportSheet
from marketplace.admin import UnfoldAdminExpandableTextareaWidget

MOST_TITLES = 150  # with six inputs each; the forms of a workbook's sheets are sent together
MOST_SHOWN = 90  # words that are replaced; a list has ten rows more
EMPTY_WORDS, EMPTY_JOINS = 2, 1  # rows at the end of a list
SHOWN_SAMPLES = 3
WRITTEN = [
    ("", "as we write it"),
    ("Numbers", [("decimal:,", "1.250.000,00"), ("decimal:.", "1,250,000.00 or € 1,250,000")]),
    (
        "Dates",
        [("date:dmy", "day.month.year"), ("date:mdy", "month/day/year"), ("date:ymd", "year-month-day")],
    ),
    (
        "Several values",
        [
            ("separator:,", "with commas between"),
            ("separator:/", "with slashes between"),
            ("separator:;", "with semicolons between"),
        ],
    ),
]
MORE = {
    "prefix": "Put before it",
    "label": "Its label, for entries",
    "unit": "Its unit, for entries",
    "factor": "Times, for entries",
}
SAID = ("to", "written", *MORE)


@dataclass(frozen=True)
class TitleRow:
    """One column of the file, as the page shows it."""

    title: str
    samples: list[str]
    reason: str
    to: BoundField
    written: BoundField
    more: list[tuple[str, BoundField]]

    @property
    def is_open(self) -> bool:
        """Whether the inputs that few need are shown at once."""
        return any(field.value() or field.errors for _, field in self.more)


class RulesField(forms.JSONField):
    """JSON; no rules are an empty input."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


class SheetColumns(forms.Form):
    """What each title of the sheet means. `mapping` is what it results in, once the form is valid."""

    def __init__(self, sheet: ImportSheet, data: Any = None) -> None:
        super().__init__(data, prefix=f"s{sheet.position}")
        self.sheet, self.target = sheet, TARGETS[sheet.target]
        self.titles = titles(sheet.header)
        self.mapping: dict[str, Any] = {}
        self.reasons: dict[str, str] = {}
        known = matching.matches_of(self._present(), self.titles, self.target)
        self.matches = {title: known.titles[column_name(title)] for title in self.titles}
        self.shown = self._chosen()
        for place, title in self.shown.items():
            self._add(place, title, self.matches[title])
        for column in self.target.columns:
            self.fields[f"fixed-{column.name}"] = text(column.name, known.constants.get(column.name, ""))
        self.words, self.joins = self._words(data), self._joins(data, known.joins)
        self.fields["rules"] = RulesField(
            label="Rules",
            required=False,
            initial=known.rules or None,
            widget=UnfoldAdminExpandableTextareaWidget,
            help_text="For what cannot be said above, in JSON; docs/importing.md tells how.",
        )

    def _present(self) -> dict[str, Any]:
        """Return the mapping that the form begins with: the sheet's, else what is suggested."""
        if self.sheet.mapping:
            return dict(self.sheet.mapping)
        suggestion = suggest(self.sheet.header, self.sheet.sample, self.target)
        # A title that goes somewhere by itself has that reason, not the one of what it is joined into.
        for proposal in sorted(suggestion.proposals, key=lambda proposal: "join" in proposal.rule):
            said = proposal.reason if proposal.is_confident else f"Please check: {proposal.reason}"
            for title in sources(proposal.rule):
                self.reasons.setdefault(title, said)
        return suggestion.mapping

    def _chosen(self) -> dict[int, str]:
        """Return the titles that the form shows, by their places: of too many those that go somewhere before others."""
        places = [place for place, title in enumerate(self.titles) if column_name(title) != ERROR_HEADER]
        first = sorted(places, key=lambda place: not self.matches[self.titles[place]].to)
        return {place: self.titles[place] for place in sorted(first[:MOST_TITLES])}

    def _add(self, place: int, title: str, match: matching.Match) -> None:
        """Add the fields of one title; `aria-label`s name them, since the table's heads are far above."""
        self.fields[f"{place}-to"] = choice(f"{title}: goes to", self._destinations(), match.to)
        self.fields[f"{place}-written"] = choice(f"{title}: is written", WRITTEN, match.written)
        self.fields[f"{place}-label"] = text(f"{title}: label", match.label)
        self.fields[f"{place}-unit"] = text(f"{title}: unit", match.unit)
        self.fields[f"{place}-factor"] = text(f"{title}: times", match.factor)
        self.fields[f"{place}-prefix"] = text(f"{title}: put before", match.prefix)

    def _words(self, data: Any) -> Any:
        """Return the list of replaced words. Of many, those of some titles are not shown, and stay as they are."""
        self.unshown, initial = set[str](), list[dict[str, str]]()
        for title, match in self.matches.items():
            if title not in self.shown.values() or len(initial) + len(match.values) > MOST_SHOWN:
                self.unshown.add(title)
            else:
                spoken = labels_of(match.to, self.target)
                initial += [
                    {"title": title, "word": old, "ours": spoken.get(new, new)}
                    for old, new in match.values.items()
                ]
        return rows_of(
            WordRow,
            data,
            f"{self.prefix}-words",
            initial,
            EMPTY_WORDS,
            titles=self.shown.values(),
            lists=self._lists(),
        )

    def _lists(self) -> dict[str, str]:
        """Return the ids of the lists of words that are suggested, by titles; "" for any other title."""
        filled = {title: matching.columns_of(match, self.target)[:1] for title, match in self.matches.items()}
        named = {title: names[0] for title, names in filled.items() if names}
        return {"": f"{self.prefix}-ours"} | {
            title: f"{self.prefix}-ours-{name}" for title, name in named.items()
        }

    def _joins(self, data: Any, known: list[matching.Join]) -> Any:
        # By names: a mapping may spell a title as the file does not.
        spelled = {column_name(title): title for title in self.titles}
        parts = [replace(join, parts=[spelled.get(column_name(p), p) for p in join.parts]) for join in known]
        titles = dict.fromkeys([*self.shown.values(), *(part for join in parts for part in join.parts)])
        return rows_of(
            JoinRow,
            data,
            f"{self.prefix}-joins",
            [initial_of(join) for join in parts],
            EMPTY_JOINS,
            titles=titles,
            columns=self.target.by_name,
        )

    @property
    def suggested(self) -> list[tuple[str, list[str]]]:
        """The lists of words of ours that the inputs name, each with its id."""
        used = {row.fields["ours"].widget.attrs["list"] for row in self.words}
        every = {column.name: words_for(column, self.target) for column in self.target.columns}
        lists = {f"{self.prefix}-ours-{name}": words for name, words in every.items()}
        lists[f"{self.prefix}-ours"] = list(dict.fromkeys(chain.from_iterable(every.values())))
        return [(name, words) for name, words in lists.items() if name in used]

    def _destinations(self) -> list[Any]:
        columns = [(column.name, column.name) for column in self.target.columns]
        several: list[tuple[str, str]] = []
        if {"price", "currency"} <= self.target.by_name.keys():
            several.append((matching.MONEY, "price and currency"))
        if matching.car_parts(self.target):
            several.append((matching.CAR, "years, make and model"))
        labels = [
            (f"{matching.LABEL}{column.name}", f"an entry in {column.name}")
            for column in self.target.columns
            if column.reading is Reading.OBJECT
        ]
        return [
            ("", "left out"),
            ("Column", columns),
            ("Several columns", [*several, *labels]),
            ("Otherwise", [(matching.RULE, "only as said below")]),
        ]

    @property
    def rows(self) -> list[TitleRow]:
        """The file's columns with their samples and fields."""
        return [
            TitleRow(
                title,
                _samples(self.sheet.sample, place),
                self.reasons.get(title, ""),
                self[f"{place}-to"],
                self[f"{place}-written"],
                [(words, self[f"{place}-{part}"]) for part, words in MORE.items()],
            )
            for place, title in self.shown.items()
        ]

    @property
    def fixed(self) -> list[BoundField]:
        """The fields for what every row has alike."""
        return [self[f"fixed-{column.name}"] for column in self.target.columns]

    @property
    def has_fixed(self) -> bool:
        return any(field.value() or field.errors for field in self.fixed)

    @property
    def heading(self) -> str:
        return f"Columns of {self.sheet.name}" if self.sheet.name else "Columns"

    @property
    def hidden_titles(self) -> int:
        shown = {*self.shown.values()}
        return sum(title not in shown and not match.to for title, match in self.matches.items())

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not (self.words.is_valid() and self.joins.is_valid()):
            self.add_error(None, "Some of the rows below the columns need another look.")
        if self.errors:
            return values
        matches = self.matches | {
            title: matching.Match(**{part: values[f"{place}-{part}"] for part in SAID})
            for place, title in self.shown.items()
        }
        constants = {c.name: said for c in self.target.columns if (said := values[f"fixed-{c.name}"])}
        joins = [join for row in self.joins if (join := row.join)]
        self._replace_words(matches)
        found = matching.Matches(matches, constants, joins, self._rules(values))
        self._refuse_what_is_unclear(found)
        self._refuse_wrong_factors(found)
        if not self.errors:
            self.mapping = matching.mapping_of(found, self.target)
            for sentence in check(self.mapping, self.sheet.header, self.target):
                self.add_error(self._place_of(sentence, matches), sentence)
        return values

    def _replace_words(self, matches: dict[str, matching.Match]) -> None:
        """Take the words that are replaced into the matches of their titles."""
        for title in self.unshown & matches.keys():
            matches[title].values = self.matches[title].values
        for row in self.words:
            title, word = row.cleaned_data.get("title"), row.cleaned_data.get("word")
            if not title or not word:
                continue
            match = matches[title]
            if match.to != matching.MONEY and match.to not in self.target.by_name:
                self.add_error(
                    None, f"The words of '{title}' can be replaced once it goes to one column of ours."
                )
            if word.casefold() in {known.casefold() for known in match.values}:
                self.add_error(None, f"'{word}' in '{title}' is replaced twice; choose one.")
            match.values[word] = row.cleaned_data["ours"]

    def _rules(self, values: dict[str, Any]) -> dict[str, Any]:
        rules = values["rules"] or {}
        if not isinstance(rules, dict):
            self.add_error("rules", 'The rules are an object, such as {"name": {"join": ["Make", "Model"]}}.')
            return {}
        return rules

    def _refuse_what_is_unclear(self, found: matching.Matches) -> None:
        taken = self._joined(found.joins)
        for place, (title, match) in enumerate(found.titles.items()):
            for name in matching.columns_of(match, self.target):
                if name in taken:
                    field = f"{place}-to" if place in self.shown else None
                    self.add_error(field, f"{name} is filled from '{taken[name]}' already; choose one.")
                taken.setdefault(name, title)
        fixed = found.constants.keys() & taken.keys()
        if any(match.to == matching.MONEY for match in found.titles.values()):
            fixed -= {"currency"}  # the one for every row is for amounts without any
        for name in sorted(fixed):
            sentence = f"{name} is filled from '{taken[name]}' already; empty one of them."
            self.add_error(f"fixed-{name}", sentence)

    def _joined(self, joins: list[matching.Join]) -> dict[str, str]:
        """Return what the columns that are made of several are made of."""
        taken: dict[str, str] = {}
        for join in joins:
            if join.column in taken:
                self.add_error(None, f"{join.column} is made of several columns twice; choose one.")
            taken[join.column] = ", ".join(join.parts)
        return taken

    def _refuse_wrong_factors(self, found: matching.Matches) -> None:
        for place, title in self.shown.items():
            if (factor := found.titles[title].factor) and not _is_number(factor):
                self.add_error(f"{place}-factor", "Give a number, such as 0.7355.")

    def _place_of(self, sentence: str, matches: dict[str, matching.Match]) -> str | None:
        """Return the field that a sentence about a column belongs to: the title that fills it."""
        name = sentence.partition(":")[0]
        for place, match in enumerate(matches.values()):
            is_label = match.to == f"{matching.LABEL}{name}"
            if place in self.shown and (is_label or name in matching.columns_of(match, self.target)):
                return f"{place}-to"
        return f"fixed-{name}" if f"fixed-{name}" in self.fields else None


def _is_number(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False


def _samples(rows: list[list[str]], place: int) -> list[str]:
    """Return the first different values of a column."""
    found = dict.fromkeys(row[place].strip() for row in rows if place < len(row) and row[place].strip())
    return list(found)[:SHOWN_SAMPLES]
