"""Nobody overwrites anybody: a form that somebody else's change has made out of date is not saved, but asked about.

A page carries the number of the newest history event that it knows of. When it is sent, the row is locked, so that
of two who save at once one is first; what the other then sees is what the fields were, are now, and would become.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from django import forms
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.timezone import localtime

SEEN, ROWS_SEEN, KEEP, KEEP_ROWS = "seen_event", "seen_rows", "keep-", "keep_rows"
THEIRS = "theirs"
LONGEST = 18  # digits of a number that PostgreSQL can compare
REFUSAL = "Somebody else has changed this since you opened it. Nothing is saved yet: look at the differences, and save again."
ROWS = """
SELECT coalesce(md5(string_agg(md5(ROW({columns})::text), '' ORDER BY id)), '')
  FROM {table} WHERE {key} = %s"""


@dataclass(frozen=True)
class Difference:
    """A field that somebody else has changed: what it was, is now, and would become by this form."""

    name: str
    label: str
    before: str
    theirs: str
    mine: str
    is_mine: bool  # whether this person has changed it, too


@dataclass
class Clash:
    """What somebody else has changed since the page was opened."""

    by: str
    at: str
    fields: list[Difference] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)  # the kinds of rows, by name


class Watches:
    """A page whose form is checked against changes since it was opened; its model has history."""

    change_form_before_template = "admin/catalog/watching.html"

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        # The number is read before the row, so that the row shown is at least as new.
        newest = _newest(self.model, object_id) if str(object_id).isdecimal() else 0  # type: ignore[attr-defined]
        found = super().get_object(request, object_id, from_field)  # type: ignore[misc]
        if found is not None:
            vars(request).setdefault("seen_events", {})[found.pk] = newest
        return found

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Let the form of an existing row look, at the end of its checks, whether it is still up to date."""
        made = super().get_form(request, obj, **kwargs)  # type: ignore[misc]
        if obj is None or request.method != "POST":
            return made
        page = self

        class WatchedForm(made):  # type: ignore[misc, valid-type]
            def clean(self) -> Any:
                cleaned = super().clean()
                cleaned = self.cleaned_data if cleaned is None else cleaned
                page.ask_if_outdated(request, self, cleaned)
                return cleaned

        return WatchedForm

    def ask_if_outdated(self, request: HttpRequest, form: Any, cleaned: dict[str, Any]) -> None:
        """Lock the row; refuse the form if somebody has changed it since, else take over what was chosen as theirs."""
        seen = request.POST.get(SEEN, "")
        if not (seen.isdecimal() and len(seen) <= LONGEST):
            return  # not sent by the page: a program that knows what it does
        model = form.instance._meta.concrete_model
        now = model._base_manager.select_for_update(no_key=True).filter(pk=form.instance.pk).first()
        if now is None:
            form.add_error(None, "Somebody has deleted this since you opened it.")
            return
        newest = _newest(model, now.pk)
        differences = list(_differences(form, cleaned, now, int(seen))) if newest > int(seen) else []
        rows = self._changed_rows(request, now)
        vars(request)["seen_events"] = {now.pk: newest}
        if differences or rows:
            by, at = _who(model, now.pk) if differences else ("", "")
            vars(request)["clash"] = Clash(by, at, differences, rows)
            form.add_error(None, REFUSAL)
            return
        for name in form.fields:
            if request.POST.get(f"{KEEP}{name}") == THEIRS and hasattr(now, name):
                cleaned[name] = getattr(now, name)
        form.keeps_their_rows = request.POST.get(KEEP_ROWS) == THEIRS

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        if not getattr(form, "keeps_their_rows", False):
            super().save_formset(request, form, formset, change)  # type: ignore[misc]
            return
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        item = context.get("original")
        known = vars(request).get("seen_events", {})
        if item is not None and item.pk in known and cast(Any, self).has_change_permission(request, item):
            context |= {
                "seen_event": known[item.pk],
                "seen_rows": " ".join(mark for _, mark in self._marks(request, item)),
                "clash": vars(request).get("clash"),
            }
        answer: HttpResponse = super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]
        return answer

    def _marks(self, request: HttpRequest, row: Any) -> Iterator[tuple[str, str]]:
        """Yield, for each kind of rows on the page, its name and a mark that differs after any change of them."""
        for inline in cast(Any, self).get_inline_instances(request, row):
            key = forms.models._get_foreign_key(row._meta.concrete_model, inline.model)
            names = [name for name in inline.get_fields(request, row) if _is_column(inline.model, name)]
            columns = ", ".join(f'"{inline.model._meta.get_field(name).column}"' for name in ["id", *names])
            text = ROWS.format(columns=columns, table=inline.model._meta.db_table, key=key.column)
            with connection.cursor() as cursor:
                cursor.execute(text, [row.pk])
                yield str(inline.verbose_name_plural), cursor.fetchone()[0] or "-"

    def _changed_rows(self, request: HttpRequest, row: Any) -> list[str]:
        seen = request.POST.get(ROWS_SEEN, "").split()
        marks = list(self._marks(request, row)) if seen else []
        if len(seen) != len(marks):
            return []
        return [name for (name, mark), before in zip(marks, seen, strict=True) if mark != before]


def _is_column(model: type[Model], name: str) -> bool:
    return any(each.name == name for each in model._meta.concrete_fields)


def _events(model: Any) -> Any:
    concrete = model._meta.concrete_model
    return apps.get_model(f"{concrete._meta.app_label}.{concrete.__name__}Event").objects


def _newest(model: Any, key: Any) -> int:
    found = _events(model).filter(pgh_obj_id=key).order_by("-pgh_id").values_list("pgh_id", flat=True).first()
    return int(found or 0)


def _who(model: Any, key: Any) -> tuple[str, str]:
    """Return who made the newest change, and when."""
    event = _events(model).filter(pgh_obj_id=key).select_related("pgh_context").order_by("-pgh_id").first()
    context = event.pgh_context.metadata if event and event.pgh_context else {}
    person = get_user_model().objects.filter(pk=context.get("user") or 0).first()
    by = str(person) if person else "an import, a command or another program"
    return by, date_format(localtime(event.pgh_created_at), "Y-m-d H:i") if event else ""


def _differences(form: Any, cleaned: dict[str, Any], now: Any, seen: int) -> Iterator[Difference]:
    """Yield the fields of the form that are not as they were at the event that the page knew of."""
    before = _events(now).filter(pgh_obj_id=now.pk, pgh_id=seen).first()
    for name, bound in form.fields.items():
        if not _is_column(type(now), name):
            continue
        column = now._meta.get_field(name).attname
        was, theirs = getattr(before, column, None), getattr(now, column)
        mine = cleaned.get(name)
        mine = mine.pk if isinstance(mine, Model) else mine
        if before is not None and was == theirs:
            continue
        yield Difference(
            name,
            str(bound.label or name).capitalize(),
            _text(was),
            _text(theirs),
            _text(mine),
            name in cleaned and mine not in (was, theirs),
        )


def _text(value: Any) -> str:
    """Write a value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, dict):
        return "; ".join(f"{key}: {each}" for key, each in value.items()) or "-"
    return "-" if value is None or value == "" else str(value)
