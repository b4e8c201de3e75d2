"""Items that a full stock list does not name: found when it is judged, taken back to draft when it lands."""

from collections.abc import Sequence

from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import Target
from catalog.imports.errors import ImportRefused
from catalog.imports.judgement.merging import Plan
from catalog.models import Status


def find_missing(cursor: CursorWrapper, plan: Plan, others: Sequence[tuple[str, Target]] = ()) -> int:
    """Make `import_withdrawn(id, present_xmin)` of the published items that no row of the file names; return their number.

    Rows that were rejected or left out name their items too, and so do those of `others`, sheets of the same run.
    The options may narrow it to references that begin with a prefix. Raises ImportRefused beyond the options' cap.
    """
    if not plan.target.kind:
        sql.create_table(
            cursor, "import_withdrawn", "SELECT 0::bigint AS id, '' AS present_xmin LIMIT 0", kept=True
        )
        return 0
    if plan.target.kind not in plan.reach.publish_kinds:
        raise ImportRefused(
            f"A full stock list withdraws items, which needs the right catalog.publish_{plan.target.kind}."
        )
    scope = _scope(plan)
    named = " UNION ALL ".join(
        f"SELECT {sql.folded(sql.canonical_cell('r_reference'))} AS key FROM {schema}import_trimmed"
        for schema in ("", *(f"{schema}." for schema, target in others if target.kind))
    )
    sql.create_table(
        cursor,
        "import_withdrawn",
        f"""SELECT i.id, i.xmin::text AS present_xmin FROM catalog_item AS i
             WHERE {scope} AND NOT EXISTS (SELECT FROM ({named}) AS named WHERE named.key = {sql.folded('i.reference')})""",
        kept=True,
    )
    missing = int(sql.value(cursor, "SELECT count(*) FROM import_withdrawn"))
    published = int(sql.value(cursor, f"SELECT count(*) FROM catalog_item AS i WHERE {scope}"))
    _check_cap(plan, missing, published)
    return missing


def _scope(plan: Plan) -> str:
    """Return the SQL of which items `i` the list is about."""
    scope = f"i.kind = '{plan.target.kind}' AND i.status = '{Status.PUBLISHED}'"
    if prefix := plan.options.full_list_prefix.strip():
        scope += f" AND starts_with({sql.folded('i.reference')}, {sql.folded(sql.quoted(prefix))})"
    return scope


def _check_cap(plan: Plan, missing: int, published: int) -> None:
    if missing * 100 <= published * plan.options.max_withdrawn:
        return
    raise ImportRefused(
        f"{missing:,} of {published:,} published items are not in this list, and it would withdraw them;"
        f" at most {plan.options.max_withdrawn:g} percent may be withdrawn at once."
    )


def withdraw(cursor: CursorWrapper, plan: Plan) -> int:
    """Take those items back to draft that were not touched since they were found; return their number.

    They keep their time of publication for the next time, as by the admin's action. History comes from triggers.
    """
    return sql.run(
        cursor,
        f"""UPDATE catalog_item AS i SET status = '{Status.DRAFT}' FROM import_withdrawn AS w
             WHERE i.id = w.id AND i.xmin::text = w.present_xmin AND i.status = '{Status.PUBLISHED}'""",
    )
