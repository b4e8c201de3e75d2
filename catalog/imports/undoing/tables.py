"""What a run did to each table, as history tells: the work of an undo, and how it is written.

For each table that keeps history `find` makes a temporary table `undo_<table>`, one row for each row that the
run touched and that is not as it was before:

    id, step (remove | restore | bring back), why (NULL, or the sentence for which the row is left alone),
    present_xmin (the transaction that wrote the row last; NULL where it is gone),
    before, after (the events that hold its state before the run, and as the run left it)
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.apps import apps
from django.db import models
from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.errors import ImportRefused
from catalog.imports.judgement.applying import sets_updated_at
from catalog.models import Appearance, Item, MediaAsset, Production, Term

REMOVE, RESTORE, BRING_BACK = "remove", "restore", "bring back"
NO_HISTORY = "Its state before the import is not in the history any more."
DELETED_SINCE = "It was deleted since."
MOVED_ON = "The catalogue was changed while the import was being undone; nothing was undone, try again."
DATABASE_KEEPS = {"id", "created_at", "updated_at", "version"}


@dataclass(frozen=True)
class Tracked:
    """A table that keeps history. `title` is SQL that names a row `e` of its history to a person.

    `unique` are the expressions, over a row `{r}`, that no two rows may share. `facts` are columns that are no
    import's matter, so that an undo neither looks at them nor touches them.
    """

    model: type[models.Model]
    title: str
    unique: tuple[str, ...] = ()
    facts: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return str(self.model._meta.model_name)

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def work(self) -> str:
        return f"undo_{self.name}"

    @cached_property
    def event_model(self) -> type[models.Model]:
        return apps.get_model("catalog", f"{self.model.__name__}Event")

    @property
    def events(self) -> str:
        return self.event_model._meta.db_table

    @cached_property
    def kept(self) -> tuple[str, ...]:
        """All columns that history keeps."""
        fields = self.event_model._meta.concrete_fields
        return tuple(str(field.column) for field in fields if not field.name.startswith("pgh_"))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that an undo returns to what they were."""
        return tuple(name for name in self.kept if name not in DATABASE_KEEPS | self.facts)

    def row(self, alias: str) -> str:
        return f"ROW({', '.join(f'{alias}.{sql.name(name)}' for name in self.columns)})"


ITEMS = Tracked(
    Item,
    "format('%s (%s)', e.name, e.reference)",
    unique=("{r}.slug", sql.folded("{r}.reference")),
)
PRODUCTIONS = Tracked(Production, "concat_ws(' ', e.title, '(' || e.years[1] || ')')", unique=("{r}.slug",))
TERMS = Tracked(
    Term,
    "format('%s (%s)', e.name, replace(e.vocabulary, '_', ' '))",
    unique=(f"({{r}}.vocabulary, {sql.folded('{r}.name')})", "({r}.vocabulary, {r}.slug)"),
)
# What the bucket says of a file is the sync's matter.
MEDIA = Tracked(
    MediaAsset,
    "e.key",
    facts=frozenset(
        [
            "key",
            "kind",
            "content_type",
            "size",
            "etag",
            "sha256",
            "width",
            "height",
            "state",
            "state_since",
            "source_modified",
            "original_name",
            "processing",
            "refusal",
            "frames",
            "has_alpha",
            "dhash",
            "thumbhash",
            "colour",
            "exif",
            "renditions",
            "rendered_as",
        ]
    ),
)
APPEARANCES = Tracked(
    Appearance,
    """format('%s in %s',
              coalesce((SELECT i.reference FROM catalog_item AS i WHERE i.id = e.item_id), 'item ' || e.item_id),
              coalesce((SELECT p.title FROM catalog_production AS p WHERE p.id = e.production_id),
                       'production ' || e.production_id))""",
    unique=("({r}.item_id, {r}.production_id, {r}.role)",),
)
TRACKED = (ITEMS, PRODUCTIONS, TERMS, MEDIA, APPEARANCES)


def find(cursor: CursorWrapper, tracked: Tracked, context: str, *, force: bool) -> int:
    """Make `undo_<table>` of what the run of this context did; return how many rows it touched.

    Without `force` rows that are not as the run left them are left alone. Compared are the values, not the
    events: a row that was saved unchanged, or changed and changed back, is as the run left it.
    """
    _see(cursor, tracked, context)
    since = "NULL" if force else _since(tracked)
    sql.create_table(
        cursor,
        tracked.work,
        f"""SELECT seen.id, r.xmin AS present_xmin, seen.before, seen.last AS after,
                   CASE WHEN made THEN '{REMOVE}' WHEN r.id IS NULL THEN '{BRING_BACK}' ELSE '{RESTORE}' END AS step,
                   CASE WHEN NOT made AND b.pgh_id IS NULL THEN {sql.quoted(NO_HISTORY)} ELSE {since} END AS why
              FROM undo_seen AS seen JOIN {tracked.events} AS a ON a.pgh_id = seen.last
              LEFT JOIN {tracked.events} AS b ON b.pgh_id = seen.before
              LEFT JOIN {tracked.table} AS r ON r.id = seen.id
             WHERE CASE WHEN made THEN NOT taken AND r.id IS NOT NULL
                        WHEN taken OR r.id IS NULL THEN r.id IS NULL
                        ELSE b.pgh_id IS NULL OR {tracked.row('b')} IS DISTINCT FROM {tracked.row('r')} END""",
    )
    sql.run(cursor, f"ANALYZE {tracked.work}")
    return int(sql.value(cursor, "SELECT count(*) FROM undo_seen"))


def _see(cursor: CursorWrapper, tracked: Tracked, context: str) -> None:
    """Make `undo_seen` of the rows that the run touched: with its last event on them, and the one before its first.

    What the run deleted is kept by the event of its deletion itself.
    """
    sql.create_table(
        cursor,
        "undo_seen",
        f"""WITH run AS MATERIALIZED (
                SELECT pgh_obj_id AS id, min(pgh_id) AS first, max(pgh_id) AS last,
                       min(pgh_id) FILTER (WHERE pgh_label = 'insert') AS insertion,
                       max(pgh_id) FILTER (WHERE pgh_label = 'delete') AS deletion
                  FROM {tracked.events} WHERE pgh_context_id = {sql.quoted(context)} GROUP BY 1)
            SELECT id, last, insertion IS NOT DISTINCT FROM first AS made, deletion IS NOT DISTINCT FROM last AS taken,
                   CASE WHEN deletion = first THEN first WHEN insertion IS DISTINCT FROM first THEN
                        (SELECT max(e.pgh_id) FROM {tracked.events} AS e
                          WHERE e.pgh_obj_id = run.id AND e.pgh_id < run.first) END AS before
              FROM run""",
    )
    sql.run(cursor, "ANALYZE undo_seen")


def _since(tracked: Tracked) -> str:
    """Return the SQL of what was done to a row since the run, NULL where nothing was; `a` is how it was left."""
    names = ", ".join(
        f"CASE WHEN r.{sql.name(name)} IS DISTINCT FROM a.{sql.name(name)} THEN {sql.quoted(_spoken(name))} END"
        for name in tracked.columns
    )
    return f"""CASE WHEN r.id IS NULL AND NOT taken THEN {sql.quoted(DELETED_SINCE)}
                    WHEN r.id IS NOT NULL AND {tracked.row('r')} IS DISTINCT FROM {tracked.row('a')}
                    THEN concat('Changed since: ', concat_ws(', ', {names}), '.') END"""


def _spoken(column: str) -> str:
    return column.removesuffix("_id").replace("_", " ")


def leave_alone(cursor: CursorWrapper, tracked: Tracked, sentence: str, condition: str) -> None:
    """Take from the work the rows `u` for which the condition (SQL) holds; `b` and `a` are their states."""
    sql.run(
        cursor,
        f"""UPDATE {tracked.work} AS u SET why = {sql.quoted(sentence)}
              FROM {tracked.work} AS w JOIN {tracked.events} AS a ON a.pgh_id = w.after
              LEFT JOIN {tracked.events} AS b ON b.pgh_id = w.before
             WHERE u.id = w.id AND u.why IS NULL AND {condition}""",
    )


def leave_taken(cursor: CursorWrapper, tracked: Tracked) -> None:
    """Leave alone what would get a slug, reference or the like that another row has by now."""
    for expression in tracked.unique:
        wanted, present = expression.format(r="b"), expression.format(r="other")
        name = "slug" if "slug" in expression else "reference" if "reference" in expression else "name"
        leave_alone(
            cursor,
            tracked,
            (
                f"Another {tracked.model._meta.verbose_name} has its {name} by now."
                if tracked is not APPEARANCES
                else "Its item is listed in that production in that role by now."
            ),
            f"""u.step <> '{REMOVE}' AND EXISTS (
                SELECT FROM {tracked.table} AS other WHERE {present} = {wanted} AND other.id <> u.id
                   AND NOT EXISTS (SELECT FROM {tracked.work} AS gone
                                    WHERE gone.id = other.id AND gone.step = '{REMOVE}' AND gone.why IS NULL))""",
        )


def remove(cursor: CursorWrapper, tracked: Tracked) -> int:
    return _as_many(
        cursor,
        tracked,
        REMOVE,
        f"""DELETE FROM {tracked.table} AS r USING {tracked.work} AS u
             WHERE r.id = u.id AND r.xmin = u.present_xmin AND u.step = '{REMOVE}' AND u.why IS NULL""",
    )


def restore(cursor: CursorWrapper, tracked: Tracked) -> int:
    """Return changed rows to their values before the run. Writes no row that was touched since it was looked at."""
    sets = [f"{sql.name(name)} = b.{sql.name(name)}" for name in tracked.columns]
    if sets_updated_at(tracked.model):
        sets.append("updated_at = now()")
    return _as_many(
        cursor,
        tracked,
        RESTORE,
        f"""UPDATE {tracked.table} AS r SET {', '.join(sets)}
              FROM {tracked.work} AS u JOIN {tracked.events} AS b ON b.pgh_id = u.before
             WHERE r.id = u.id AND r.xmin = u.present_xmin AND u.step = '{RESTORE}' AND u.why IS NULL""",
    )


def bring_back(cursor: CursorWrapper, tracked: Tracked) -> int:
    """Insert deleted rows again, with the ids that they had; their versions go on from the last one."""
    values = {name: f"b.{sql.name(name)}" for name in tracked.kept}
    if "updated_at" in values:
        values["updated_at"] = "now()"
    if "version" in values:
        values["version"] = (
            f"(SELECT max(e.version) + 1 FROM {tracked.events} AS e WHERE e.pgh_obj_id = u.id)"
        )
    return _as_many(
        cursor,
        tracked,
        BRING_BACK,
        f"""INSERT INTO {tracked.table} ({', '.join(map(sql.name, values))})
            SELECT {', '.join(values.values())} FROM {tracked.work} AS u
              JOIN {tracked.events} AS b ON b.pgh_id = u.before
             WHERE u.step = '{BRING_BACK}' AND u.why IS NULL ORDER BY u.id""",
    )


def _as_many(cursor: CursorWrapper, tracked: Tracked, step: str, statement: str) -> int:
    """Run the statement; refuse where it touches fewer rows than the work has, because others wrote them meanwhile."""
    wanted = sql.value(
        cursor, f"SELECT count(*) FROM {tracked.work} WHERE step = {sql.quoted(step)} AND why IS NULL"
    )
    if not wanted:
        return 0
    if (done := sql.run(cursor, statement)) != wanted:
        raise ImportRefused(MOVED_ON)
    return done


def rows_left_alone(cursor: CursorWrapper, tracked: Tracked, limit: int) -> tuple[int, list[tuple[Any, ...]]]:
    """Return how many rows are left alone, and (id, title, why) of the first."""
    count = sql.value(cursor, f"SELECT count(*) FROM {tracked.work} WHERE why IS NOT NULL")
    if not count:
        return 0, []
    found = sql.rows(
        cursor,
        f"""SELECT u.id, {tracked.title}, u.why FROM {tracked.work} AS u
              JOIN {tracked.events} AS e ON e.pgh_id = u.after
             WHERE u.why IS NOT NULL ORDER BY u.id LIMIT {limit}""",
    )
    return int(count), found
