"""Form fields for the columns that Django has no good one for: words, years, specs."""

import json
import re
from typing import Any

from django import forms
from django.db.models import Value
from django.urls import reverse_lazy

from catalog.imports.judgement.lookups import MOST_BRACKETS, MOST_DIGITS
from catalog.models import FIRST_YEAR, LAST_YEAR, Term, Vocabulary
from catalog.models.fields import Folded, canonical_text
from marketplace.admin import (
    UnfoldAdminExpandableTextareaWidget,
    UnfoldAdminTextInputWidget,
    WordsField,
    WordsWidget,
)

TOO_DEEP = "This is nested too deeply."
LONG_NUMBER = f"A number has at most {MOST_DIGITS} digits."
SPAN = re.compile(r"([0-9]{4})(?:-([0-9]{4}))?")
DASH = re.compile(r"\s*[-\u2010-\u2015]\s*")
BETWEEN = re.compile(r"[,;|\s]+")


def words_widget(vocabulary: Vocabulary) -> WordsWidget:
    """Return the widget that finds terms of this vocabulary by typing."""
    return WordsWidget(reverse_lazy("admin:catalog_term_words", args=[vocabulary.value]))


class TermsField(WordsField):
    """Terms of one vocabulary by name. Aliases and other letter case become the canonical name.

    `kept` holds words that the row has already; they stay allowed when their term is gone, so that
    a person can mend a price without mending the vocabulary first.
    """

    def __init__(self, vocabulary: Vocabulary, **options: Any) -> None:
        super().__init__(**{"required": False, "widget": words_widget(vocabulary), **options})
        self.vocabulary = vocabulary
        self.kept: frozenset[str] = frozenset()

    def clean(self, value: Any) -> list[str]:
        words = list(dict.fromkeys(filter(None, map(canonical_text, super().clean(value)))))
        names = self._names(words)
        unknown = [f'"{word}"' for word in words if word not in names]
        if unknown:
            raise forms.ValidationError(
                f"{', '.join(unknown)}: not in the vocabulary of {self.vocabulary.label.lower()}s. "
                "Choose from the list, or add the term first.",
                code="unknown",
            )
        return list(dict.fromkeys(names[word] for word in words))

    def _names(self, words: list[str]) -> dict[str, str]:
        """Return the canonical name of each word that has one. This causes at most two SQL queries."""
        terms = Term.objects.of(self.vocabulary)
        folded: list[Any] = [Folded(Value(word)) for word in words]
        named = terms.annotate(folded=Folded("name")).filter(folded__in=folded)
        spellings = {name.upper(): name for name in named.values_list("name", flat=True)}
        if any(word.upper() not in spellings for word in words):
            aliased = terms.exclude(aliases=[]).order_by("name").values_list("name", "aliases")
            spellings = {alias.upper(): name for name, aliases in aliased for alias in aliases} | spellings
        names = {word: spellings.get(word.upper()) for word in words}
        return {word: name or word for word, name in names.items() if name or word in self.kept}


class ParsedField(forms.CharField):
    """A text that stands for a value of another type; changed only when the value is."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.clean(data) != initial)
        except forms.ValidationError:
            return True


class YearsField(ParsedField):
    """Years as text: `1964, 1965, 1970-1972`."""

    widget = UnfoldAdminTextInputWidget

    def __init__(self, **options: Any) -> None:
        defaults = {"required": False, "help_text": "Such as 1964, 1965 or 1970-1972.", "max_length": 1000}
        super().__init__(**{**defaults, **options})

    def prepare_value(self, value: Any) -> Any:
        return years_text(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        text = DASH.sub("-", super().clean(value))
        return sorted({year for part in BETWEEN.split(text) if part for year in self._span(part)})

    def _span(self, part: str) -> range:
        match = SPAN.fullmatch(part)
        if match is None:
            raise forms.ValidationError(
                f'"{part}" is not a year; write years such as 1964, 1970-1972.', code="year"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if not FIRST_YEAR <= first <= last <= LAST_YEAR:
            raise forms.ValidationError(
                f'"{part}" does not lie between {FIRST_YEAR} and {LAST_YEAR}, the earlier year first.',
                code="year",
            )
        return range(first, last + 1)


def years_text(years: list[int]) -> str:
    """Write years for people: runs of three and more as a span, as in `1964, 1970-1972`."""
    spans: list[list[int]] = []
    for year in sorted(set(years)):
        if spans and spans[-1][-1] == year - 1:
            spans[-1].append(year)
        else:
            spans.append([year])
    return ", ".join(
        f"{span[0]}-{span[-1]}" if span[-1] - span[0] > 1 else ", ".join(map(str, span)) for span in spans
    )


class SpecsField(ParsedField):
    """Labels and values, one `Label: value` a line; a JSON object where values are more than text."""

    widget = UnfoldAdminExpandableTextareaWidget

    def __init__(self, **options: Any) -> None:
        help_text = 'One "Label: value" a line, or a JSON object.'
        super().__init__(**{"required": False, "help_text": help_text, **options})

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else specs_text(value or {})

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return _specs_of_json(text) if text.startswith("{") else _specs_of_lines(text)


def _specs_of_json(text: str) -> Any:
    try:
        specs = json.loads(text)
    except json.JSONDecodeError as error:
        raise forms.ValidationError(
            f"This is not a JSON object: see line {error.lineno}, column {error.colno}.", code="json"
        ) from error
    except RecursionError as error:
        raise forms.ValidationError(TOO_DEEP, code="json") from error
    except ValueError as error:  # of numbers that are longer than Python reads
        raise forms.ValidationError(LONG_NUMBER, code="json") from error
    if text.count("{") + text.count("[") > MOST_BRACKETS:
        raise forms.ValidationError(TOO_DEEP, code="json")
    if re.search(rf"[0-9]{{{MOST_DIGITS + 1}}}", text):
        raise forms.ValidationError(LONG_NUMBER, code="json")
    if not _storable(specs):
        raise forms.ValidationError("Infinity, NaN and null characters cannot be kept.", code="json")
    return specs


def _storable(specs: Any) -> bool:
    """Tell whether PostgreSQL takes the JSON: no NaN or infinity, no NUL, no half of a surrogate pair."""
    try:
        return b"\\u0000" not in json.dumps(specs, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        return False


def _specs_of_lines(text: str) -> dict[str, str]:
    specs: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        label, _, value = (part.strip() for part in line.partition(":"))
        if not (label and value):
            raise forms.ValidationError(f'"{line}" must read "Label: value".', code="label")
        if label in specs:
            raise forms.ValidationError(f'"{label}" stands twice.', code="label")
        specs[label] = value
    return specs


def specs_text(specs: Any) -> str:
    """Write specs as lines where reading them back gives the same, else as JSON."""
    if isinstance(specs, dict):
        text = "\n".join(f"{label}: {value}" for label, value in specs.items())
        try:
            if not text.startswith("{") and _specs_of_lines(text) == specs:
                return text
        except forms.ValidationError:
            pass  # an empty value, or a colon in a label: only JSON can say it
    return json.dumps(specs, indent=2, ensure_ascii=False)


class LinesField(ParsedField):
    """A list of texts, one a line."""

    widget = UnfoldAdminExpandableTextareaWidget

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, **options})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        lines = map(canonical_text, super().clean(value).splitlines())
        return list(dict.fromkeys(filter(None, lines)))
