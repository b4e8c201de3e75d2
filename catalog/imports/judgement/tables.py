"""One sheet of a run, whatever table it fills: judged, and later applied.

Both run inside the sheet's own schema (staging.py). Judging leaves `import_merged`, `import_fault`,
`import_left_out` and `import_production` there; applying may come in another transaction, hours later, and needs
no more than these.
"""

from collections.abc import Sequence

from django.db.backends.utils import CursorWrapper

from catalog.imports.columns import Target
from catalog.imports.judgement import applying, productions, references
from catalog.imports.judgement.casting import cast, look_up
from catalog.imports.judgement.merging import (
    Plan,
    find_existing_productions,
    leave_out,
    leave_out_by_policy,
    merge,
    present_items,
    refuse_repeats,
)
from catalog.imports.judgement.terms import judge_terms

Earlier = Sequence[tuple[str, Target]]  # the run's sheets before this one: each its schema and what it fills


def judge_sheet(
    cursor: CursorWrapper, plan: Plan, earlier: Earlier = (), left_out: Sequence[int] = ()
) -> None:
    """Make `import_merged`, the rows that will land, and `import_fault`, what is wrong with the others.

    `import_left_out(line)` names the rows that the person left out and those that the policy on what exists keeps
    out; they are in neither, and in the way of no other row.
    """
    create = plan.options.terms == "create" and plan.reach.new_terms
    look_up(cursor, plan.target, plan.mapping, plan.rules, create=create, reach=plan.reach, earlier=earlier)
    clears = plan.options.blank == "clear"
    cast(
        cursor,
        plan.target,
        plan.mapping,
        blank_clears=clears,
        plain=frozenset() if clears else plan.plain,
        present=present_items(plan),
    )
    leave_out(cursor, left_out)
    _resolve(cursor, plan, earlier)
    leave_out_by_policy(cursor, plan)
    refuse_repeats(cursor, plan)
    merge(cursor, plan, earlier)
    applying.leave_out_rejected(cursor)
    if plan.mapping.has("appearances"):
        productions.forget_unused(cursor)


def _resolve(cursor: CursorWrapper, plan: Plan, earlier: Earlier) -> None:
    """Find what the rows mean, as far as that takes more than their own cells."""
    if plan.target.kind:
        if any(target.kind for _, target in earlier):
            references.refuse_items_of_earlier_sheets(cursor, earlier)
    elif plan.target.name == "production":
        if plan.mapping.has("title"):
            find_existing_productions(cursor, plan)
    elif plan.target.name == "term":
        leave_out_by_policy(cursor, plan)  # at once: what stays out is in the way of no other row's name
        judge_terms(cursor, plan.mapping)
    else:
        references.resolve_references(cursor, plan.target, plan.mapping, plan.reach, earlier)


def apply(cursor: CursorWrapper, plan: Plan, earlier: Earlier = ()) -> None:
    """Write what `import_merged` holds, when the run's earlier sheets have landed.

    Rows that refer to what did not land leave `import_merged` for `import_fault`, so count afterwards.
    """
    applying.apply(cursor, plan)
