"""The two statements that write, and what must be true before and after them.

Written in sets: model methods, forms and Django's signals see nothing of it. The rules have been judged
before; history, `version`, `updated_at` and the search text are kept by the database itself.
"""

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import Column, Reading
from catalog.imports.errors import Overtaken
from catalog.imports.judgement import appearances, productions, references, terms, vocabularies
from catalog.imports.judgement.merging import Plan
from catalog.models import Appearance, Item, ItemSearch, Memorabilia, Production, Tool, Vehicle

LARGE_RUN = 1000  # rows from which it is worth seeing to what they leave behind
DATABASE_KEEPS = {"id", "version"}
WRITE_WORDS = (Item, Vehicle, Memorabilia, Tool, Appearance, Production)


def leave_out_rejected(cursor: CursorWrapper) -> None:
    sql.run(
        cursor,
        "DELETE FROM import_merged AS m USING (SELECT DISTINCT line FROM import_fault) AS bad WHERE bad.line = m.line",
    )
    sql.run(cursor, "ANALYZE import_merged (line, key, id)")


def word_columns(plan: Plan) -> tuple[Column, ...]:
    return tuple(column for column in plan.mapping.columns if column.reading is Reading.WORDS)


def apply(cursor: CursorWrapper, plan: Plan) -> None:
    """Write what `import_merged` holds: update rows that differ, insert those that are new.

    Raises Overtaken where somebody wrote one of the rows since it was judged.
    """
    if columns := word_columns(plan):
        vocabularies.create_terms(cursor, columns)
    if plan.target.name == "appearance":
        productions.create_productions(cursor, plan.target)
    if refers(plan):
        references.settle_references(cursor, plan.target)
    if plan.written:
        _update(cursor, plan)
    if plan.target.name == "appearance" and "notes" in plan.written:
        references.note_listed(cursor)
    _insert(cursor, plan)
    if plan.mapping.has("appearances"):
        productions.create_productions(cursor, plan.target)
        appearances.apply_appearances(cursor)


def refers(plan: Plan) -> bool:
    """Return whether the rows have an `item_id`, to be filled in when the items have landed."""
    return not plan.target.kind and plan.mapping.has("reference")


def _update(cursor: CursorWrapper, plan: Plan) -> None:
    names = [sql.name(name) for name in plan.written]
    sets = ", ".join(f"{name} = m.{name}" for name in names)
    before = ", ".join(f"i.{name}" for name in names)
    after = ", ".join(f"m.{name}" for name in names)
    touched = ", updated_at = now()" if sets_updated_at(plan.target.model) else ""
    # Else an edit that is committed while this waits for it would go back to what the row was when it was judged.
    # The worker, though, writes to media all the time, and nothing that an import brings.
    unwritten = "TRUE" if plan.target.name == "image" else "i.xmin::text = m.present_xmin"
    differs = f"ROW({before}) IS DISTINCT FROM ROW({after})"
    updated = sql.run(
        cursor,
        f"""UPDATE {plan.target.table} AS i SET {sets}{touched} FROM import_merged AS m
             WHERE m.id = i.id AND {unwritten} AND {differs}""",
    )
    # Rows of which only the appearances change are not among them; to compare all again is worth it only then.
    if updated < int(sql.value(cursor, "SELECT count(id) FROM import_merged") or 0) and sql.value(
        cursor,
        f"""SELECT EXISTS (SELECT FROM import_merged AS m LEFT JOIN {plan.target.table} AS i ON i.id = m.id
                            WHERE m.id IS NOT NULL AND (i.id IS NULL OR {differs}))""",
    ):
        raise Overtaken


def sets_updated_at(model: type[models.Model]) -> bool:
    """Return whether Django, not a trigger, keeps the table's updated_at."""
    return any(getattr(field, "auto_now", False) for field in model._meta.concrete_fields)


def _insert(cursor: CursorWrapper, plan: Plan) -> None:
    if not sql.value(cursor, "SELECT EXISTS (SELECT FROM import_merged WHERE id IS NULL)"):
        return
    merged = {column.name for column in plan.merged}
    values = {"slug": "m.key", "item": "m.item_id", "production": "m.production_id"}
    join = ""
    if plan.target.kind or plan.target.name == "term":
        make = terms.make_slugs if plan.target.name == "term" else _make_slugs
        make(cursor, with_given="slug" in merged)
        values["slug"] = "made.slug"
        join = " JOIN import_slug AS made USING (line)"
    names, expressions = [], []
    for field in plan.target.model._meta.concrete_fields:
        if field.name not in DATABASE_KEEPS and not field.generated:
            names.append(sql.name(field.attname))
            expressions.append(values.get(field.name) or _new_value(field, merged))
    unlisted = ""
    if plan.target.name == "appearance":  # a cell of an earlier sheet may have listed it
        unlisted = f" AND NOT EXISTS (SELECT FROM {plan.target.table} AS i WHERE {plan.matches('m')})"
    sql.run(
        cursor,
        f"""INSERT INTO {plan.target.table} ({', '.join(names)})
            SELECT {', '.join(expressions)} FROM import_merged AS m{join}
             WHERE m.id IS NULL{unlisted} ORDER BY line""",
    )


def _new_value(field: "models.Field[object, object]", merged: set[str]) -> str:
    if field.name in merged:
        return f"m.{sql.name(field.name)}"
    return "now()" if field.name in {"created_at", "updated_at"} else sql.default(field)


def _make_slugs(cursor: CursorWrapper, *, with_given: bool) -> None:
    """Make `import_slug(line, slug)`: the slug of name and reference, with a hash behind it where it is taken.

    Taken means: another item has or had it, an earlier new row gets it, or a row of this file names it.
    """
    given = "slug" if with_given else "NULL::text"
    sql.create_table(
        cursor,
        "import_slug",
        f"""WITH fresh AS MATERIALIZED (
                SELECT line, reference, {given} AS given,
                       CASE WHEN {given} IS NULL THEN catalog_slug(name, reference) END AS wanted
                  FROM import_merged WHERE id IS NULL),
            repeated AS (SELECT wanted, min(line) AS line FROM fresh GROUP BY wanted HAVING count(*) > 1)
            SELECT fresh.line, CASE
                   WHEN given IS NOT NULL THEN given
                   WHEN fresh.line > repeated.line
                        OR EXISTS (SELECT FROM catalog_item AS i WHERE i.slug = wanted)
                        OR EXISTS (SELECT FROM catalog_oldslug AS old WHERE old.slug = wanted)
                        OR EXISTS (SELECT FROM import_merged AS m WHERE {'m.slug = wanted' if with_given else 'FALSE'})
                   THEN wanted || '-' || left(md5(reference), 10)
                   ELSE wanted END AS slug
              FROM fresh LEFT JOIN repeated USING (wanted)""",
    )
    sql.run(cursor, "ANALYZE import_slug")


def settle(model: type[models.Model], written: int) -> None:
    """Vacuum and analyze the table, and the words that its triggers write, so that the next search is as fast as before.

    That cleans the leftovers of GIN indexes, too, and lets lists be counted from an index alone again: of 10,000
    rows that were changed, each has else to be looked up, which takes ten times as long. Within a transaction nothing
    is done: it is not over yet.
    """
    if written < LARGE_RUN or connection.in_atomic_block:
        return
    words = (ItemSearch,) if model in WRITE_WORDS else ()
    with connection.cursor() as cursor:
        for each in (model, *words):
            # One core, and no lock that reading or writing waits for. Whoever holds that of VACUUM is at it already.
            sql.run(cursor, f"VACUUM (ANALYZE, PARALLEL 0, TRUNCATE OFF, SKIP_LOCKED) {each._meta.db_table}")
