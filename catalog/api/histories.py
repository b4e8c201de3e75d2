"""An item's history as `include=history` tells it, to those who may see its drafts."""

from collections.abc import Collection

from django.db.models import Case, Func, JSONField, When

MOST_CHANGES = 50
# Columns that every change changes, or that the database makes of others.
UNTOLD = ("version", "updated_at")
CHANGES = f"""
    (SELECT coalesce(json_agg(json_build_object(
        'at', replace(to_char(told.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z'),
        'change', told.change, 'version', told.version, 'by', told.by, 'fields', told.fields) ORDER BY told.id DESC), '[]')
     FROM (SELECT event.pgh_id AS id, event.pgh_created_at AS at, event.pgh_label AS change, event.version,
                  coalesce(account.username, '') AS by,
                  ARRAY(SELECT own.key FROM jsonb_each(event.row) AS own
                        WHERE event.before IS NOT NULL AND own.value IS DISTINCT FROM event.before -> own.key
                          AND left(own.key, 4) <> 'pgh_' AND own.key NOT IN {UNTOLD} ORDER BY own.key) AS fields
           FROM (SELECT made.*, to_jsonb(made) AS row, lag(to_jsonb(made)) OVER (ORDER BY made.pgh_id) AS before
                 FROM catalog_itemevent AS made WHERE made.pgh_obj_id = %(expressions)s) AS event
           LEFT JOIN pghistory_context AS context ON context.id = event.pgh_context_id
           LEFT JOIN accounts_user AS account ON account.id::text = context.metadata ->> 'user'
           ORDER BY event.pgh_id DESC LIMIT {MOST_CHANGES}) AS told)
"""


def history(kinds: Collection[str]) -> Case:
    """Return the newest changes of an item first; null for one of other kinds than these."""
    return Case(When(kind__in=sorted(kinds), then=Func("pk", template=CHANGES, output_field=JSONField())))
