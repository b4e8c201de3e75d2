"""The rows under the form that matches columns: words that are replaced, and columns that are made of several.

Both are formsets, so that rows can be added without scripts: a button sends the form, and it comes back longer.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from catalog.admin.imports.matching import BETWEEN, MOST_PARTS, Join
from catalog.imports.columns import Column, Reading, Target
from catalog.models import Term
from marketplace.admin import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

LONGEST = 500
MOST_ROWS = 100  # of one list
MOST_WORDS = 300  # that are suggested for one input
MORE_ROWS = 5  # that the button adds
PARTS = tuple(f"part{number}" for number in range(1, MOST_PARTS + 1))
BETWEEN_WORDS = {"blank": "a blank", "comma": "a comma", "hyphen": "a hyphen: from-to", "nothing": "nothing"}


def choice(label: str, choices: list[Any], initial: str = "") -> forms.ChoiceField:
    """Return a list to choose from, which need not be filled; its label is for those who cannot see the table."""
    widget = UnfoldAdminSelectWidget({"aria-label": label})
    return forms.ChoiceField(label=label, choices=choices, initial=initial, required=False, widget=widget)


def text(label: str, initial: str = "", **attributes: str) -> forms.CharField:
    """Return an input that need not be filled, as `choice`."""
    widget = UnfoldAdminTextInputWidget({"aria-label": label, **attributes})
    return forms.CharField(label=label, initial=initial, required=False, max_length=LONGEST, widget=widget)


class Row(forms.Form):
    """A line of a list; `titles` are the file's columns."""

    def __init__(self, *args: Any, titles: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        number = str(self.prefix).rpartition("-")[2]
        self.name = f"Row {int(number) + 1}" if number.isdecimal() else "Row"
        self.titles = [("", "choose"), *((title, title) for title in titles)]


class WordRow(Row):
    """In one column of the file a word stands for one of ours. `lists` are the words' lists, by titles; "" is for all."""

    def __init__(self, *args: Any, lists: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"] = choice(f"{self.name}: column of the file", self.titles)
        self.fields["word"] = text(f"{self.name}: stands in the file")
        self.fields["ours"] = text(f"{self.name}: our word")
        known = lists.get(str(self["title"].value()), lists[""])
        self.fields["ours"].widget.attrs["list"] = known

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if bool(values.get("title")) != bool(values.get("word")) or (
            values.get("ours") and not values["word"]
        ):
            raise ValidationError("Say which column of the file, and which word of it.")
        return values


class JoinRow(Row):
    """One column of ours is made of several of the file's."""

    def __init__(self, *args: Any, columns: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ours = [("", "choose"), *((name, name) for name in columns)]
        self.fields["column"] = choice(f"{self.name}: our column", ours)
        for number, part in enumerate(PARTS, start=1):
            self.fields[part] = choice(f"{self.name}: part {number}", self.titles)
        self.fields["between"] = choice(
            f"{self.name}: between the parts", list(BETWEEN_WORDS.items()), initial="blank"
        )

    @property
    def parts(self) -> list[Any]:
        """The fields of the parts."""
        return [self[part] for part in PARTS]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if bool(values.get("column")) != any(values.get(part) for part in PARTS):
            raise ValidationError("Say which column of ours, and of which columns of the file it is made.")
        return values

    @property
    def join(self) -> Join | None:
        """What the row says; None where it is empty."""
        values = self.cleaned_data
        if not values.get("column"):
            return None
        parts = [values[part] for part in PARTS if values[part]]
        return Join(values["column"], parts, BETWEEN[values["between"] or "blank"])


def initial_of(join: Join) -> dict[str, str]:
    """Return what the row of this join begins with."""
    between = next(key for key, mark in BETWEEN.items() if mark == join.between)
    return {"column": join.column, "between": between, **dict(zip(PARTS, join.parts, strict=False))}


def rows_of(
    row: type[Row], data: Any, prefix: str, initial: list[dict[str, str]], empty: int, **given: Any
) -> Any:
    """Return the list of such rows, with some empty ones at its end. What is in a row counts, changed or not."""
    made = forms.formset_factory(row, extra=empty, max_num=MOST_ROWS, absolute_max=MOST_ROWS)
    return made(data, prefix=prefix, initial=initial, form_kwargs=given | {"empty_permitted": False})


def grown(data: QueryDict, prefix: str) -> QueryDict:
    """Return the form that was sent with more empty rows in the list of this prefix."""
    longer, name = data.copy(), f"{prefix}-{forms.formsets.TOTAL_FORM_COUNT}"
    count = longer.get(name, "")
    if count.isascii() and count.isdecimal() and len(count) <= len(str(MOST_ROWS)):
        longer[name] = str(min(int(count) + MORE_ROWS, MOST_ROWS))
    return longer


def labels_of(name: str, target: Target) -> dict[str, str]:
    """Return how people call the values of a column of fixed words, by the values; none for any other column."""
    column = target.by_name.get(name)
    if column is None or column.reading is not Reading.CHOICE:
        return {}
    field: Any = target.model._meta.get_field(column.stored)
    return {str(value): str(label) for value, label in field.flatchoices}


def words_for(column: Column, target: Target) -> list[str]:
    """Return the words of ours that a cell of this column can hold, as suggestions; none for free texts."""
    if column.vocabulary:
        names = Term.objects.filter(vocabulary=column.vocabulary).order_by("name")
        return list(names.values_list("name", flat=True)[:MOST_WORDS])
    if column.reading is Reading.CHOICE:
        return list(labels_of(column.name, target).values())
    return ["on request"] if column.reading is Reading.PRICE else []
