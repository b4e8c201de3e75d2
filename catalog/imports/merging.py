"""Each row as it will be: the catalogue's row with the file's values laid over it, judged by the model's rules.

`import_merged` holds the rows that are new or differ: line, key, id (NULL: new), the columns under
their own names, and `bad`. Rows that would change nothing are not in it.
"""

from dataclasses import dataclass

from django.db.backends.utils import CursorWrapper

from catalog.imports import appearances, sql
from catalog.imports.casting import Fault, add_faults, model_field, nullable
from catalog.imports.columns import Column, Reading, Target
from catalog.imports.reach import Reach
from catalog.imports.rules import Rule, taken_message
from catalog.imports.staging import Mapping
from catalog.models import Kind, Status


@dataclass(frozen=True)
class Plan:
    """What an import's statements need to know."""

    target: Target
    mapping: Mapping
    rules: list[Rule]
    reach: Reach  # rows that would do more are refused

    @property
    def present(self) -> str:
        """The SQL that a key is compared with, over the target's row `i`."""
        return sql.folded("i.reference") if self.target.key == "reference" else "i.slug"

    @property
    def written(self) -> list[str]:
        """The model's columns that the file gives, or that the import derives from what it gives."""
        names = [column.name for column in self.mapping.columns if model_field(self.target, column)]
        if "status" in names and "published_at" not in names:
            names.append("published_at")
        return [
            name for name in names if name != self.target.key and not (self.target.kind and name == "kind")
        ]

    @property
    def merged(self) -> list[Column]:
        """The columns that are merged: those given, and those that a rule looks at."""
        ruled = {name for rule in self.rules for name in rule.columns}
        given = {column.name for column in self.mapping.columns} | set(self.written)
        return [column for column in self.target.columns if column.name in given | ruled]


def find_existing_productions(cursor: CursorWrapper, plan: Plan) -> None:
    """Give rows without a slug the key of the production of the same title and year, whatever its slug.

    Of several the one counts whose slug is made of just this title and year; else the row is refused.
    """
    no_slug = "t.v_slug IS NULL" if plan.mapping.has("slug") else "TRUE"
    year = "t.v_years[1]" if plan.mapping.has("years") else "NULL::int"
    found = f"""SELECT t.line, CASE WHEN count(*) = 1 THEN min(p.slug)
                                 ELSE min(p.slug) FILTER (WHERE p.slug = t.key) END AS slug
                  FROM import_typed AS t JOIN catalog_production AS p
                    ON {appearances.title_key('p.title')} = {appearances.title_key('t.v_title')}
                 WHERE {no_slug} AND ({year} IS NULL OR {year} = ANY(p.years)) GROUP BY t.line"""
    sentence = "Several productions have this title; name the year, or the slug, of the one that is meant."
    sql.run(
        cursor,
        f"""INSERT INTO import_fault SELECT line, 'title', {sql.quoted(sentence)} FROM ({found}) AS found
             WHERE slug IS NULL""",
    )
    sql.run(
        cursor,
        f"""UPDATE import_typed AS t SET key = found.slug FROM ({found}) AS found
             WHERE found.line = t.line AND found.slug IS NOT NULL""",
    )


def refuse_repeats(cursor: CursorWrapper, plan: Plan) -> None:
    """Refuse every row whose key, or given slug, an earlier line of the file has."""
    columns = {"key": plan.target.key}
    if plan.mapping.has("slug") and plan.target.key != "slug":
        columns["v_slug"] = "slug"
    for column, name in columns.items():
        sql.run(
            cursor,
            f"""INSERT INTO import_fault
                SELECT t.line, '{name}', format('Line %s has the same {name}.', first.line)
                  FROM import_typed AS t JOIN (
                       SELECT {column} AS same, min(line) AS line FROM import_typed
                        WHERE {column} <> '' GROUP BY 1 HAVING count(*) > 1) AS first
                    ON t.{column} = first.same AND t.line <> first.line""",
        )


def merge(cursor: CursorWrapper, plan: Plan) -> None:
    """Make `import_merged`, and add the faults of its rows to `import_fault`."""
    faults = _faults(plan)
    bad = " OR ".join(f"({condition})" for _, condition, _ in faults)
    sql.run(cursor, "DROP TABLE IF EXISTS pg_temp.import_merged")
    sql.run(
        cursor,
        f"""CREATE TEMP TABLE import_merged ON COMMIT DROP AS
            SELECT *, ({bad}) IS TRUE AS bad FROM ({_merged(plan)}) AS rows""",
    )
    add_faults(cursor, "import_merged", faults)


def _merged(plan: Plan) -> str:
    target = plan.target
    columns = ", ".join(f"{_laid_over(plan, column)} AS {sql.name(column.name)}" for column in plan.merged)
    extra, join = "", ""
    differs = [_differs(plan, column) for column in plan.mapping.columns if column.name != target.key]
    if target.kind:
        wanted = f"coalesce(t.v_kind, '{target.kind}')" if plan.mapping.has("kind") else f"'{target.kind}'"
        differs.append(f"i.kind <> {wanted}")
        extra += f", i.kind <> {wanted} AS other_kind, i.kind AS present_kind"
        extra += ", i.status AS present_status, i.published_at AS present_published_at"
    if plan.mapping.has("appearances"):
        extra += f", {_differs(plan, target.by_name['appearances'])} AS other_appearances"
    if plan.mapping.has("slug") and target.key != "slug":
        join = " LEFT JOIN catalog_item AS other ON other.slug = t.v_slug AND other.id IS DISTINCT FROM i.id"
        extra += ", other.id IS NOT NULL AS slug_taken"
    return f"""SELECT t.line, t.key, i.id{extra}, {columns}
                 FROM import_typed AS t LEFT JOIN {target.table} AS i ON {plan.present} = t.key{join}
                WHERE i.id IS NULL OR {' OR '.join(differs or ['FALSE'])} OFFSET 0"""


def _present(column: Column) -> str:
    return appearances.PRESENT if column.reading is Reading.APPEARANCES else f"i.{sql.name(column.name)}"


def _differs(plan: Plan, column: Column) -> str:
    value, present = f"t.v_{column.name}", _present(column)
    given = f"t.given_{column.name}" if nullable(plan.target, column) else f"{value} IS NOT NULL"
    if column.name == "kind" and plan.target.kind:
        return "FALSE"  # a kind never changes; see other_kind
    if column.name == "published_at" and plan.mapping.has("status"):
        # Cleared while published, it keeps the time it has: see _laid_over.
        given += f" AND NOT ({value} IS NULL AND coalesce(t.v_status, i.status) = '{Status.PUBLISHED}')"
    elif column.name == "published_at":
        given += f" AND NOT ({value} IS NULL AND i.status = '{Status.PUBLISHED}')"
    return f"({given} AND {value} IS DISTINCT FROM {present})"


def _laid_over(plan: Plan, column: Column) -> str:
    """Return the SQL of the column as it will be; `t` is the file's row, `i` the catalogue's."""
    value, present = f"t.v_{column.name}", _present(column)
    field = model_field(plan.target, column)
    if not plan.mapping.has(column.name):
        laid = present if field and field.null else f"coalesce({present}, {_default(plan, column)})"
    elif nullable(plan.target, column):
        laid = f"CASE WHEN t.given_{column.name} THEN {value} ELSE {present} END"
    elif column.reading is Reading.APPEARANCES:
        laid = value
    elif column.name == plan.target.key:
        laid = f"coalesce({present}, {value}, t.key)"
    elif column.name == "slug":
        laid = f"coalesce({value}, {present})"
    elif column.name == "kind" and plan.target.kind:
        laid = f"coalesce({present}, {value}, {_default(plan, column)})"
    else:
        laid = f"coalesce({value}, {present}, {_default(plan, column)})"
    if column.name == "published_at" and plan.target.kind:
        status = _laid_over(plan, plan.target.by_name["status"])
        laid = (
            f"coalesce({laid}, CASE WHEN {status} = '{Status.PUBLISHED}' THEN coalesce({present}, now()) END)"
        )
    return laid


def _default(plan: Plan, column: Column) -> str:
    if column.name == "kind" and plan.target.kind:
        return sql.quoted(plan.target.kind)
    if column.name == plan.target.key:
        return "t.key"
    if column.name == "slug":
        return "NULL::text"
    field = model_field(plan.target, column)
    return sql.default(field) if field else "NULL"


def _faults(plan: Plan) -> list[Fault]:
    """Return the model's rules, and what no constraint of one row can say, as conditions on `import_merged`."""
    faults = [_rule_fault(plan, rule) for rule in plan.rules]
    if plan.target.kind:
        kinds = " ".join(f"WHEN '{kind.value}' THEN '{kind.label.lower()}'" for kind in Kind)
        sentence = "This reference belongs to an item of the kind %s, and an import does not change the kind."
        message = f"format({sql.quoted(sentence)}, CASE present_kind {kinds} END)"
        faults.append((plan.target.key, "other_kind", message))
        message = "concat('This import may not bring in items of the kind ', kind, '.')"
        faults.append(("kind", f"kind NOT IN ({_listed(plan.reach.kinds)})", message))
    faults += _faults_of_reach(plan)
    if plan.mapping.has("slug") and plan.target.key != "slug":
        faults.append(("slug", "slug_taken", sql.quoted(taken_message(plan.target.model, "slug"))))
    return faults


def _faults_of_reach(plan: Plan) -> list[Fault]:
    """Return what needs a right of its own beside those to add and to change: publication, appearances, films."""
    faults = []
    publication = [name for name in ("status", "published_at") if plan.mapping.has(name)]
    if plan.target.kind and publication:
        message = (
            "concat('Publishing and withdrawing need the right catalog.publish_', kind,"
            " '; without it the status and the time of publication stay as they are, and a new item is a draft.')"
        )
        changed = f"""CASE WHEN id IS NULL THEN status <> '{Status.DRAFT}' OR published_at IS NOT NULL
                           ELSE status <> present_status OR published_at IS DISTINCT FROM present_published_at END"""
        faults.append(
            (publication[0], f"kind NOT IN ({_listed(plan.reach.publish_kinds)}) AND {changed}", message)
        )
    if plan.mapping.has("appearances") and not plan.reach.appearances:
        sentence = "Appearances need the rights catalog.add_appearance and catalog.delete_appearance."
        faults.append(("appearances", "other_appearances", sql.quoted(sentence)))
    elif plan.mapping.has("appearances") and not plan.reach.new_productions:
        sentence = "A film or series here is not in the catalogue, and adding it needs the right catalog.add_production."
        unknown = f"EXISTS ({appearances.unknown_productions('appearances')})"
        faults.append(("appearances", unknown, sql.quoted(sentence)))
    return faults


def _listed(kinds: tuple[str, ...]) -> str:
    return ", ".join(map(sql.quoted, ("", *kinds)))


def _rule_fault(plan: Plan, rule: Rule) -> Fault:
    """Blame the last column of the rule that the file gives: of `kind or vehicle_types = []` the types."""
    given = [name for name in rule.columns if plan.mapping.has(name)]
    column = (given or list(rule.columns) or [plan.target.key])[-1]
    # A slug that is still to be made is NULL here, and NULL breaks no rule.
    return column, f"({rule.condition}) IS FALSE", sql.quoted(rule.message)
