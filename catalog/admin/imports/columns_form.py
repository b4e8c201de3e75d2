"""The form that matches the columns of one sheet with ours; it works without scripts."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField

from catalog.admin.imports import matching
from catalog.imports.columns import TARGETS, Reading, column_name
from catalog.imports.mapping.binding import ERROR_HEADER, check, titles
from catalog.imports.mapping.checks import sources
from catalog.imports.mapping.suggestions import suggest
from catalog.models import ImportSheet
from marketplace.admin import (
    UnfoldAdminExpandableTextareaWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

MOST_TITLES = 150  # with six inputs each, a form stays below the 1,000 that Django takes
SHOWN_SAMPLES = 3
LONGEST = 500
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
PARTS = ("to", "written", *MORE)


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
            self.fields[f"fixed-{column.name}"] = _text(column.name, known.constants.get(column.name, ""))
        self.fields["rules"] = forms.JSONField(
            label="Rules",
            required=False,
            initial=known.rules or None,
            widget=UnfoldAdminExpandableTextareaWidget,
            help_text="For what the choices above cannot say, as JSON: several columns joined, words replaced.",
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
        self.fields[f"{place}-to"] = _choice(f"{title}: goes to", self._destinations(), match.to)
        self.fields[f"{place}-written"] = _choice(f"{title}: is written", WRITTEN, match.written)
        self.fields[f"{place}-label"] = _text(f"{title}: label", match.label)
        self.fields[f"{place}-unit"] = _text(f"{title}: unit", match.unit)
        self.fields[f"{place}-factor"] = _text(f"{title}: times", match.factor)
        self.fields[f"{place}-prefix"] = _text(f"{title}: put before", match.prefix)

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
            ("Otherwise", [(matching.RULE, "see the rules below")]),
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
        if self.errors:
            return values
        matches = self.matches | {
            title: matching.Match(**{part: values[f"{place}-{part}"] for part in PARTS})
            for place, title in self.shown.items()
        }
        constants = {c.name: text for c in self.target.columns if (text := values[f"fixed-{c.name}"])}
        rules = self._rules(values)
        self._refuse_what_is_unclear(matches)
        if not self.errors:
            self.mapping = matching.mapping_of(matches, constants, rules, self.target)
            for sentence in check(self.mapping, self.sheet.header, self.target):
                self.add_error(self._place_of(sentence, matches), sentence)
        return values

    def _rules(self, values: dict[str, Any]) -> dict[str, Any]:
        rules = values["rules"] or {}
        if not isinstance(rules, dict):
            self.add_error("rules", 'The rules are an object, such as {"name": {"join": ["Make", "Model"]}}.')
            return {}
        return rules

    def _refuse_what_is_unclear(self, matches: dict[str, matching.Match]) -> None:
        taken: dict[str, str] = {}
        for place, (title, match) in enumerate(matches.items()):
            for name in matching.columns_of(match, self.target):
                if name in taken:
                    field = f"{place}-to" if place in self.shown else None
                    self.add_error(field, f"{name} is filled from '{taken[name]}' already; choose one.")
                taken.setdefault(name, title)
            if place in self.shown and match.factor and not _is_number(match.factor):
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


def _choice(label: str, choices: list[Any], initial: str) -> forms.ChoiceField:
    widget = UnfoldAdminSelectWidget({"aria-label": label})
    return forms.ChoiceField(label=label, choices=choices, initial=initial, required=False, widget=widget)


def _text(label: str, initial: str) -> forms.CharField:
    widget = UnfoldAdminTextInputWidget({"aria-label": label})
    return forms.CharField(label=label, initial=initial, required=False, max_length=LONGEST, widget=widget)
