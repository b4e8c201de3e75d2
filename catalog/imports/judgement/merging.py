"""Each row as it will be: the catalogue's row with the file's values laid over it, judged by the model's rules.

`import_merged` holds the rows that are new or differ: line, key, id (NULL: new), the columns under
their own names, and `bad`. Rows that would change nothing are not in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import Column, Reading, Target
from catalog.imports.judgement import appearances, productions
from catalog.imports.judgement.casting import Fault, Present, add_faults, model_field, nullable
from catalog.imports.judgement.rules import Rule, taken_message
from catalog.imports.mapping.binding import Mapping
from catalog.imports.options import ImportOptions
from catalog.imports.reach import EVERYTHING, Reach
from catalog.models import Kind, Status, Vocabulary

NO_FILE = "No file of the bucket that the catalogue knows has this key; upload it and sync first."
NEW_PRODUCTION = (
    "A film or series here is not in the catalogue, and adding it needs the right catalog.add_production."
)
# What is said where the reach does not cover the target.
RIGHTS = {
    "production": "Productions need the rights catalog.add_production and catalog.change_production.",
    "term": "Terms need the rights catalog.add_term and catalog.change_term.",
    "appearance": "Appearances need the rights catalog.add_appearance and catalog.change_appearance.",
    "image": "Images need the right catalog.change_mediaasset.",
}


@dataclass(frozen=True)
class Plan:
    """What an import's statements need to know."""

    target: Target
    mapping: Mapping
    rules: list[Rule]
    reach: Reach = EVERYTHING  # rows that would do more are refused
    options: ImportOptions = field(default_factory=ImportOptions)
    plain: frozenset[str] = frozenset()  # columns whose cells need no reading (staging.py)

    def matches(self, row: str) -> str:
        """Return the SQL of whether the target's row `i` is the one that a row of the file means.

        `row` is an alias of `import_typed` or `import_merged`.
        """
        if self.target.kind:
            return f"{sql.folded('i.reference')} = {row}.key"
        if self.target.name == "term":
            return f"i.vocabulary || ':' || {sql.folded('i.name')} = {row}.key"
        if self.target.name == "appearance":
            return f"(i.item_id, i.production_id, i.role) = ({row}.item_id, {row}.production_id, {row}.role)"
        return f"i.{sql.name(self.target.key)} = {row}.key"

    @property
    def judged_rules(self) -> list[Rule]:
        """The model's rules over columns that an import can bring; the others hold already."""
        return [rule for rule in self.rules if set(rule.columns) <= self.target.by_name.keys()]

    @property
    def written(self) -> list[str]:
        """The table's columns that the file gives, or that the import derives from what it gives."""
        fields = {
            column.name: model_field(self.target, column)
            for column in self.mapping.columns
            if column.name not in self.target.identity and not (self.target.kind and column.name == "kind")
        }
        names = [field.attname for field in fields.values() if field]
        if "status" in names and "published_at" not in names:
            names.append("published_at")
        return names

    @property
    def merged(self) -> list[Column]:
        """The columns that are merged: those given, and those that a rule looks at.

        Of terms, which other sheets read, all; of appearances, which may be taken away and added again, the notes too.
        """
        if self.target.name == "term":
            return list(self.target.columns)
        ruled = {name for rule in self.judged_rules for name in rule.columns}
        given = {column.name for column in self.mapping.columns} | set(self.written)
        given |= {"notes"} if self.target.name == "appearance" else set()
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
                    ON {productions.title_key('p.title')} = {productions.title_key('t.v_title')}
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
    # The slug that title and year make may be that of another film; rows that mean one of this title have its slug by now.
    another = f"format({sql.quoted(productions.ANOTHER)}, p.slug, p.title, left(t.v_title, 80))"
    sql.run(
        cursor,
        f"""INSERT INTO import_fault SELECT t.line, 'title', {another}
              FROM import_typed AS t JOIN catalog_production AS p ON p.slug = t.key
             WHERE {no_slug} AND {productions.title_key('p.title')} <> {productions.title_key('t.v_title')}""",
    )


def refuse_repeats(cursor: CursorWrapper, plan: Plan) -> None:
    """Refuse every row whose key, or given slug, an earlier line of the file has."""
    key = {"term": "name in this vocabulary", "appearance": "item, production and role"}
    columns = {"key": (plan.target.key, key.get(plan.target.name, plan.target.key))}
    if plan.mapping.has("slug") and plan.target.kind:
        columns["v_slug"] = ("slug", "slug")
    for column, (name, called) in columns.items():
        sql.run(
            cursor,
            f"""INSERT INTO import_fault
                SELECT t.line, '{name}', format('Line %s has the same {called}.', first.line)
                  FROM import_typed AS t JOIN (
                       SELECT {column} AS same, min(line) AS line FROM import_typed
                        WHERE {column} <> '' GROUP BY 1 HAVING count(*) > 1) AS first
                    ON t.{column} = first.same AND t.line <> first.line""",
        )


def leave_out(cursor: CursorWrapper, lines: Sequence[int]) -> None:
    """Make `import_left_out(line)` of the rows that the person left out, whatever else is wrong with them."""
    sql.run(cursor, "DROP TABLE IF EXISTS import_left_out")
    sql.run(cursor, "CREATE UNLOGGED TABLE import_left_out (line int)")
    if lines:
        values = ", ".join(f"({int(line)})" for line in lines)
        sql.run(cursor, f"INSERT INTO import_left_out SELECT DISTINCT * FROM (VALUES {values}) AS given")
        _forget_left_out(cursor)


def leave_out_by_policy(cursor: CursorWrapper, plan: Plan) -> None:
    """Add to `import_left_out` the rows that the policy on what exists keeps out."""
    if plan.options.existing == "both":
        return
    known = "NOT NULL" if plan.options.existing == "add" else "NULL"
    sql.run(
        cursor,
        f"""INSERT INTO import_left_out SELECT t.line FROM import_typed AS t
              LEFT JOIN {plan.target.table} AS i ON {plan.matches('t')} WHERE t.key <> '' AND i.id IS {known}""",
    )
    _forget_left_out(cursor)


def _forget_left_out(cursor: CursorWrapper) -> None:
    sql.run(cursor, "ANALYZE import_left_out")
    for table in ("import_typed", "import_fault"):
        sql.run(cursor, f"DELETE FROM {table} AS t USING import_left_out AS o WHERE o.line = t.line")


def merge(cursor: CursorWrapper, plan: Plan, earlier: Sequence[tuple[str, Target]] = ()) -> None:
    """Make `import_merged`, and add the faults of its rows to `import_fault`."""
    odd = [name for (name,) in sql.rows(cursor, "SELECT DISTINCT name FROM import_odd_list ORDER BY 1")]
    faults = _faults(plan, earlier) + [_odd_fault(plan, name) for name in odd]
    bad = " OR ".join(f"({condition})" for _, condition, _ in faults) or "FALSE"
    sql.create_table(
        cursor,
        "import_merged",
        f"""SELECT *, ({bad}) IS TRUE AS bad FROM ({_merged(plan, odd)}) AS rows""",
        kept=True,
    )
    if faults:
        add_faults(cursor, "import_merged", faults)


def _merged(plan: Plan, odd: list[str]) -> str:
    target = plan.target
    columns = ", ".join(
        f"{_laid_over(plan, column)} AS {sql.name(column.name)}"
        for column in plan.merged
        if column.name != "key"  # which is there already
    )
    extra, join, stays = "", "", ""
    if target.kind:
        stays = "NOT t.stays AND "
        extra += f", {_other_kind(plan)} AS other_kind, i.kind AS present_kind"
        extra += ", i.status AS present_status, i.published_at AS present_published_at"
    if plan.mapping.has("appearances"):
        extra += f", {_differs(plan, target.by_name['appearances'])} AS other_appearances"
    if plan.mapping.has("slug") and target.kind:
        join = " LEFT JOIN catalog_item AS other ON other.slug = t.v_slug AND other.id IS DISTINCT FROM i.id"
        extra += ", other.id IS NOT NULL AS slug_taken"
    for name in odd:
        extra += f", t.v_{name} IS DISTINCT FROM i.{name} AS other_{name}"
    extra += _referred(plan)
    present_id = "CASE WHEN NOT t.taken_away THEN i.id END" if target.name == "appearance" else "i.id"
    return f"""SELECT t.line, t.key, {present_id} AS id, i.xmin::text AS present_xmin{extra}, {columns}
                 FROM import_typed AS t LEFT JOIN {target.table} AS i ON {plan.matches('t')}{join}
                WHERE {stays}({present_id} IS NULL OR {_row_differs(plan)}) OFFSET 0"""


def present_items(plan: Plan) -> Present | None:
    """Return how lines are compared with the items that there are; None where what they mean is found out later."""
    return Present(plan.target.table, plan.matches("t"), _row_differs(plan)) if plan.target.kind else None


def _row_differs(plan: Plan) -> str:
    """Return the SQL of whether the file's row `t` would change the row `i`, or may not."""
    given = [column for column in plan.mapping.columns if column.name not in plan.target.identity]
    differs = [_differs(plan, column) for column in given]
    if plan.target.kind:
        differs.append(_other_kind(plan))
    return " OR ".join(differs or ["FALSE"])


def _other_kind(plan: Plan) -> str:
    kind = sql.quoted(plan.target.kind)
    return f"i.kind <> {f'coalesce(t.v_kind, {kind})' if plan.mapping.has('kind') else kind}"


def _referred(plan: Plan) -> str:
    """Return the columns of what the row refers to; an image whose row says nothing of it keeps its item."""
    if plan.target.name == "appearance":
        # Without the key it is found as a new one is: when the earlier sheets have landed.
        production = "CASE WHEN NOT t.taken_away THEN t.production_id END AS production_id"
        return f", t.item_key, t.item_id, t.production_slug, {production}"
    if plan.target.name == "image" and plan.mapping.has("reference"):
        return ", t.item_key, CASE WHEN t.given_reference THEN t.item_id ELSE i.item_id END AS item_id"
    return ""


def _odd_fault(plan: Plan, name: str) -> Fault:
    """Return the fault of a list in brackets that would put words into the row that are no terms."""
    called = Vocabulary(plan.target.by_name[name].vocabulary).label.lower()
    sentence = sql.quoted(f"A list in brackets is taken word for word, and '%s' is no {called}.")
    odd = f"FROM import_odd_list AS o WHERE o.name = '{name}' AND o.value = {sql.name(name)}::text"
    message = f"(SELECT format({sentence}, left(min(o.word), 60)) {odd})"
    return name, f"other_{name} AND EXISTS (SELECT {odd})", message


def present(target: Target, column: Column) -> str:
    """Return the SQL of what the target's row `i` has in the column now."""
    if column.reading is Reading.APPEARANCES:
        return appearances.PRESENT
    if column.reading is Reading.REFERENCE:
        return "(SELECT item.reference FROM catalog_item AS item WHERE item.id = i.item_id)"
    if target.name == "appearance" and column.name in PRODUCTION_PARTS:
        part = PRODUCTION_PARTS[column.name]
        return f"(SELECT {part} FROM catalog_production AS production WHERE production.id = i.production_id)"
    return f"i.{sql.name(column.name)}"


PRODUCTION_PARTS = {
    "title": "production.title",
    "year": "production.years[1]",
    "production": "production.slug",
}


def _differs(plan: Plan, column: Column) -> str:
    value, now = f"t.v_{column.name}", present(plan.target, column)
    given = f"t.given_{column.name}" if nullable(plan.target, column) else f"{value} IS NOT NULL"
    if column.name == "kind" and plan.target.kind:
        return "FALSE"  # a kind never changes; see other_kind
    if column.name == "published_at" and plan.mapping.has("status"):
        # Cleared while published, it keeps the time it has: see _laid_over.
        given += f" AND NOT ({value} IS NULL AND coalesce(t.v_status, i.status) = '{Status.PUBLISHED}')"
    elif column.name == "published_at":
        given += f" AND NOT ({value} IS NULL AND i.status = '{Status.PUBLISHED}')"
    return f"({given} AND {value} IS DISTINCT FROM {now})"


def _laid_over(plan: Plan, column: Column) -> str:
    """Return the SQL of the column as it will be; `t` is the file's row, `i` the catalogue's."""
    laid, now = _value_or_present(plan, column), present(plan.target, column)
    if column.name == "published_at" and plan.target.kind:
        status = _laid_over(plan, plan.target.by_name["status"])
        laid = f"coalesce({laid}, CASE WHEN {status} = '{Status.PUBLISHED}' THEN coalesce({now}, now()) END)"
    return laid


def _value_or_present(plan: Plan, column: Column) -> str:
    target, value, now = plan.target, f"t.v_{column.name}", present(plan.target, column)
    if not plan.mapping.has(column.name):
        field = model_field(target, column)
        return now if field and field.null else f"coalesce({now}, {_default(plan, column)})"
    if nullable(target, column):
        return f"CASE WHEN t.given_{column.name} THEN {value} ELSE {now} END"
    if column.reading is Reading.APPEARANCES:
        return f"coalesce({value}, {now})"
    if target.name == "appearance" and column.name in target.identity:
        return "t.role" if column.name == "role" else value  # of what exists, these are the same
    if column.name in target.identity or (column.name == "kind" and target.kind):
        return f"coalesce({now}, {value}, {_default(plan, column)})"
    return f"coalesce({value}, {now}, {_default(plan, column)})"


def _default(plan: Plan, column: Column) -> str:
    if column.name == "kind" and plan.target.kind:
        return sql.quoted(plan.target.kind)
    if plan.target.identity == (column.name,):
        return "t.key"
    if column.name == "slug":
        return "NULL::text"
    field = model_field(plan.target, column)
    return sql.default(field) if field else "NULL"


def _faults(plan: Plan, earlier: Sequence[tuple[str, Target]]) -> list[Fault]:
    """Return the model's rules, and what no constraint of one row can say, as conditions on `import_merged`."""
    faults = [_rule_fault(plan, rule) for rule in plan.judged_rules]
    if plan.target.kind:
        kinds = " ".join(f"WHEN '{kind.value}' THEN '{kind.label.lower()}'" for kind in Kind)
        sentence = "This reference belongs to an item of the kind %s, and an import does not change the kind."
        message = f"format({sql.quoted(sentence)}, CASE present_kind {kinds} END)"
        faults.append((plan.target.key, "other_kind", message))
        message = "concat('This import may not bring in items of the kind ', kind, '.')"
        faults.append(("kind", f"kind NOT IN ({_listed(plan.reach.kinds)})", message))
    if plan.target.name == "image":
        faults.append(("key", "id IS NULL", sql.quoted(NO_FILE)))
    faults += _faults_of_reach(plan, earlier)
    if plan.mapping.has("slug") and plan.target.kind:
        faults.append(("slug", "slug_taken", sql.quoted(taken_message(plan.target.model, "slug"))))
    return faults


def _faults_of_reach(plan: Plan, earlier: Sequence[tuple[str, Target]]) -> list[Fault]:
    """Return what needs a right of its own beside those to add and to change: publication, appearances, films."""
    faults = []
    if plan.target.name in RIGHTS and not plan.reach.covers(plan.target.name):
        faults.append((plan.target.key, "TRUE", sql.quoted(RIGHTS[plan.target.name])))
    if plan.target.name == "appearance" and not plan.reach.new_productions:
        known = f"SELECT FROM ({productions.known_productions(earlier)}) AS known WHERE known.slug = production_slug"
        column = "title" if plan.mapping.has("title") else "production"
        faults.append((column, f"NOT EXISTS ({known})", sql.quoted(NEW_PRODUCTION)))
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
        unknown = f"EXISTS ({productions.unknown_productions('appearances', earlier)})"
        faults.append(("appearances", unknown, sql.quoted(NEW_PRODUCTION)))
    return faults


def _listed(kinds: tuple[str, ...]) -> str:
    return ", ".join(map(sql.quoted, ("", *kinds)))


def _rule_fault(plan: Plan, rule: Rule) -> Fault:
    """Blame the last column of the rule that the file gives: of `kind or vehicle_types = []` the types."""
    given = [name for name in rule.columns if plan.mapping.has(name)]
    column = (given or list(rule.columns) or [plan.target.key])[-1]
    # A slug that is still to be made is NULL here, and NULL breaks no rule.
    return column, f"({rule.condition}) IS FALSE", sql.quoted(rule.message)
