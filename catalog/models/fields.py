"""Fields and SQL expressions that the models share."""

import unicodedata
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models


def canonical_text(value: str) -> str:
    """Return the value trimmed and in Unicode form NFKC, so that look-alike spellings are one."""
    return unicodedata.normalize("NFKC", value).strip()


def folded(text: str) -> str:
    """Return the text without letter case, as `Folded` makes it: letter by letter, so that ß stays one letter."""
    return "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in text)


class CanonicalCharField(models.CharField[str, str]):
    """A CharField whose values are stored trimmed and in Unicode form NFKC."""

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return canonical_text(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(super().get_prep_value(value))


def text_array(verbose_name: str, **options: Any) -> "ArrayField[list[str], list[str]]":
    """Return a `text[]` column; text rather than varchar(n), so that raw SQL needs no casts."""
    return ArrayField(models.TextField(), verbose_name=verbose_name, default=list, blank=True, **options)


class Folded(models.Func):
    """The column in upper case by Unicode's rules, whatever the database's locale."""

    template = 'UPPER(%(expressions)s COLLATE "pg_c_utf8")'
    output_field = models.TextField()


class Holds(models.Func):
    """A boolean SQL template over columns, for CHECK constraints that lookups cannot say."""

    output_field = models.BooleanField()
    arg_joiner = ", "

    def __init__(self, template: str, *columns: str) -> None:
        super().__init__(*columns, template=template)


def no_nulls(*columns: str) -> models.Q:
    """Return the condition that no array of these columns holds NULL."""
    return models.Q(*(Holds("array_position(%(expressions)s, NULL) IS NULL", column) for column in columns))


def no_blanks(*columns: str) -> models.Q:
    """Return the condition that no text array of these columns holds NULL or an empty text."""
    return no_nulls(*columns) & models.Q(*(Holds("'' <> ALL(%(expressions)s)", column) for column in columns))
