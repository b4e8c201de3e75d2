"""What it takes to write rows of a table, whichever table: found and locked, laid over, judged, stored."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from functools import cache
from typing import Any, ClassVar

from django.db import connection, models
from django.db.models import Q, QuerySet
from rest_framework.exceptions import ValidationError

from accounts.models import User
from catalog.api.bodies import Body
from catalog.api.etags import written
from catalog.api.writing.judging import as_json, judge
from catalog.api.writing.rows import (
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    REPEATED,
    RULE,
    Row,
    columns_of,
    faults_in,
    sound,
)
from catalog.api.writing.words import name_words
from catalog.imports import sql
from catalog.imports.columns import Target
from catalog.models.fields import folded

REQUIRED = "This field is required."
NOTHING_NAMED = "There is nothing here with {}."


class Writer(ABC):
    """Writes rows of one table for one account. Everything happens in the transaction that its caller has opened.

    The steps stand in the order in which they are called. Each looks at all rows together, and leaves out those
    with which something is wrong; so its statements do not grow in number with the rows.
    """

    target: ClassVar[Target]
    body: ClassVar[type[Body]]
    row_body: ClassVar[type[Body]]  # of one of many: also tells which row
    key_body: ClassVar[type[Body]]  # tells which row, and no more
    kept: ClassVar[frozenset[str]] = frozenset()  # what a replacement leaves alone where it is not given
    fixed: ClassVar[frozenset[str]] = frozenset()  # what never changes
    state_name: ClassVar[str] = "etag"  # by which one of many rows names the state that was read
    is_strict = False  # whether each of many rows has to
    tag: Any = None  # the expression of the entity tag, where many are written

    def __init__(self, by: User) -> None:
        self.by = by

    # Reading

    def read(self, rows: Sequence[Row], shape: type[Body], *, partial: bool = False) -> None:
        """Read each row's body; what cannot be read is told in the row."""
        reader = shape(partial=partial)
        for row in rows:
            try:
                row.given = dict(reader.run_validation(row.body))
            except ValidationError as error:
                row.faults += faults_in(error.detail)

    # Finding

    @abstractmethod
    def visible(self) -> "QuerySet[Any]":
        """Return the rows that the account may see at this address."""

    @abstractmethod
    def find(self, rows: Sequence[Row]) -> None:
        """Set `present` of the rows that there are by what their bodies say, and lock them."""

    def locked(self, condition: Q) -> list[Any]:
        """Return the visible rows that meet the condition, locked in the order of their keys."""
        return list(
            self.visible().filter(condition).order_by("pk").select_for_update(of=("self",), no_key=True)
        )

    def refuse_incomplete(self, rows: Sequence[Row]) -> None:
        """Tell new rows what they lack."""
        self._refuse_lacking(rows, _required(self.body))

    def refuse_nameless(self, rows: Sequence[Row]) -> None:
        """Tell the rows whose bodies do not say which row they are about."""
        self._refuse_lacking(rows, self.key_names)

    def _refuse_lacking(self, rows: Sequence[Row], names: Sequence[str]) -> None:
        for row in sound(rows):
            for name in names:
                if name not in row.given:
                    row.refuse(name, REQUIRED, "required")

    @property
    def key_names(self) -> tuple[str, ...]:
        """The fields that together tell which row is meant."""
        return _required(self.key_body)

    def states(self, rows: Sequence[Any]) -> dict[int, Any]:
        """Return the state of each of these rows, which are locked, by its key. One query."""
        keys = [row.pk for row in rows]
        rows_now = self.target.model._base_manager.filter(pk__in=keys)
        found = rows_now.values_list("pk", self.tag) if keys else ()
        return {key: written(tag) for key, tag in found}

    def refuse_missing(self, rows: Sequence[Row]) -> None:
        """Tell the rows whose bodies name what the account does not see here, by the names that they have."""
        for row in sound(rows):
            if row.present is None:
                named = " and ".join(f"the {name} {row.given[name]}" for name in self.key_names)
                row.refuse((), NOTHING_NAMED.format(named), NOT_FOUND)

    # Judging

    @abstractmethod
    def right(self, verb: str, row: Row) -> str:
        """Return the permission that it takes to add, change or delete the row."""

    def refuse_beyond_rights(self, rows: Sequence[Row], verb: str) -> None:
        for row in sound(rows):
            if not self.by.has_perm(name := self.right(verb, row)):
                row.refuse((), f"It takes the right {name}.", FORBIDDEN)

    def lay_over(self, rows: Sequence[Row], *, replace: bool) -> None:
        """Make `future` of each row: a new row or the present one, with what was given laid over it."""
        for row in sound(rows):
            row.future = self.new(row) if row.present is None else copy(row.present)
            if replace and row.present is not None:
                for column in self.columns:
                    if column.name not in self.kept | self.fixed:
                        setattr(row.future, column.attname, column.get_default())
            for column in self.columns:
                if column.name in row.given and not (row.present and column.name in self.fixed):
                    setattr(row.future, column.attname, row.given[column.name])
            self.complete(row)

    def new(self, row: Row) -> Any:
        return self.target.model()

    def complete(self, row: Row) -> None:
        """Fill in what follows from what was given; refuse what the row's present state does not admit."""
        for name in self.fixed & row.given.keys():
            if row.present is not None and row.given[name] != getattr(row.present, name):
                row.refuse(name, f"The {name} never changes; here it is {getattr(row.present, name)}.", RULE)

    def judge(self, rows: Sequence[Row]) -> None:
        """Tell the rows everything that is wrong with what they will be, all at once."""
        name_words(self.target.columns, rows)
        self.make_slugs(rows)
        judge(self.target.model, rows)
        self.refuse_taken(rows)

    @abstractmethod
    def make_slugs(self, rows: Sequence[Row]) -> None:
        """Give rows without a slug one."""

    @abstractmethod
    def refuse_taken(self, rows: Sequence[Row]) -> None:
        """Tell rows whose natural key or slug another row has."""

    # Storing

    def changes(self, row: Row) -> bool:
        """Return whether anything of the row will be another than it is."""
        return self._moves(row)

    def _moves(self, row: Row) -> bool:
        names = [column.attname for column in self.columns]
        return any(getattr(row.present, name) != getattr(row.future, name) for name in names)

    def store(self, rows: Sequence[Row]) -> None:
        """Write what the rows will be: one statement for those that are new, one for those that change."""
        # In the order of their keys: two who add the same rows wait for one another, not each for the other.
        fresh = sorted((row for row in rows if row.present is None), key=self._key)
        changed = [row for row in rows if row.present is not None and self._moves(row)]
        if fresh:
            self.target.model._base_manager.bulk_create([row.future for row in fresh])
        if changed:
            self._update(changed)

    def _key(self, row: Row) -> list[str]:
        return [folded(getattr(row.future, name)) for name in self.key_names]

    def _update(self, rows: Sequence[Row]) -> None:
        columns = [
            column
            for column in self.columns
            if any(
                getattr(row.present, column.attname) != getattr(row.future, column.attname) for row in rows
            )
        ]
        sets = [f"{sql.name(column.attname)} = r.{sql.name(column.attname)}" for column in columns]
        if self.sets_updated_at:
            sets.append("updated_at = now()")
        table = sql.name(self.target.model._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} AS i SET {', '.join(sets)}"
                f" FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) AS r WHERE i.id = r.id",
                [as_json(rows, columns)],
            )

    @property
    def columns(self) -> "list[models.Field[Any, Any]]":
        """The columns that bodies write."""
        names = {column.stored for column in self.target.columns}
        return [column for column in columns_of(self.target.model) if column.name in names]

    @property
    def sets_updated_at(self) -> bool:
        """Whether Django, not a trigger, keeps the table's updated_at."""
        return any(getattr(column, "auto_now", False) for column in self.target.model._meta.concrete_fields)

    def users_of(self, rows: Sequence[Row]) -> dict[int, str]:
        """Return, by the key of each row that others hold on to, what keeps it from being deleted."""
        return {}

    def refuse_in_use(self, rows: Sequence[Row]) -> None:
        """Tell the rows that others hold on to."""
        held = self.users_of(sound(rows))
        for row in sound(rows):
            if sentence := held.get(row.present.pk):
                row.refuse((), sentence, CONFLICT)

    def delete(self, rows: Sequence[Row]) -> None:
        """Delete the rows that are present."""
        self.target.model._base_manager.filter(pk__in=[row.present.pk for row in rows]).delete()

    # Telling

    told: ClassVar[tuple[str, ...]] = ("id", "slug")  # of one of many rows

    def brief(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return what is told of each of many rows, by its key. One query."""
        found = self.target.model._base_manager.filter(pk__in=keys).values(*self.told)
        return {row["id"]: row for row in found} if keys else {}


@cache
def _required(body: type[Body]) -> tuple[str, ...]:
    return tuple(name for name, each in body().fields.items() if each.required)


def refuse_repeats(rows: Sequence[Row], name: str, key_of: Any) -> None:
    """Tell each row whose key a row before it has."""
    first: dict[Any, int] = {}
    for row in rows:
        key = key_of(row)
        if first.setdefault(key, row.place) != row.place and key:
            row.refuse(name, f"Row {first[key]} of this request (from 0) has the same {name}.", REPEATED)
