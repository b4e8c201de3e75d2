"""JSON as PostgreSQL writes it: expressions that the projections are made of."""

from typing import Any

from django.db.models import DateTimeField, F, Func, JSONField, QuerySet, Subquery, TextField
from django.db.models.functions import Cast

Expressions = dict[str, Any]


class JsonObject(Func):
    """One object with these names, in this order (`JSONObject` makes jsonb, which reorders them)."""

    function = "json_build_object"
    output_field = JSONField()

    def __init__(self, fields: Expressions) -> None:
        super().__init__(*fields.values())
        self.names = tuple(fields)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        parts, params = [], []
        for name, source in zip(self.names, self.get_source_expressions(), strict=True):
            text, own = compiler.compile(source)
            parts.append(f"'{name}', {text}")
            params += own
        return f"json_build_object({', '.join(parts)})", params


class JsonList(Subquery):
    """The one column of a subquery's rows, as a list in their order."""

    template = "(SELECT coalesce(json_agg(one.found), '[]'::json) FROM (%(subquery)s) AS one(found))"
    output_field = JSONField()

    def __init__(self, rows: "QuerySet[Any, Any]", fields: Expressions) -> None:
        super().__init__(rows.values(found=JsonObject(fields)))


class Utc(Func):
    """A moment in ISO 8601, ending in Z; microseconds only where there are some."""

    template = "replace(to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), '.000000Z', 'Z')"
    output_field = TextField()


class Joined(Func):
    """Texts in a row."""

    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = TextField()


def columns(model: Any, *names: str) -> dict[str, Any]:
    """Return the model's columns as JSON tells them: moments in UTC, decimals as texts, the rest as it is."""
    return {name: _told(model._meta.get_field(name)) for name in names}


def _told(field: Any) -> Any:
    if isinstance(field, DateTimeField):
        return Utc(field.name)
    return Cast(field.name, TextField()) if field.get_internal_type() == "DecimalField" else F(field.name)
