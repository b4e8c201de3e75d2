"""The limit: a bare WSGI app that sends what the API sends, each answer from one hand-written SQL statement.

It validates nothing, knows no users and only the parameters that the benchmark uses.
"""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import psycopg

ORIGIN = f"http://127.0.0.1:{os.environ['PORT']}"
LOCAL = threading.local()

# row_to_json writes no blanks between names and values, as the API's renderer does.
TIME = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS {0}"""
COLUMNS = f"""i.id, i.kind, i.reference, i.slug, i.name, i.make, i.model, i.production_years, i.vehicle_types,
    i.categories, i.genres, i.condition, i.authenticity, i.price::text AS price, i.currency, i.availability, i.status,
    {TIME.format("published_at")}, i.location, {TIME.format("created_at")}, {TIME.format("updated_at")}, i.version"""
LINKS = f"""'{ORIGIN}/v1/vehicles/' || i.slug || '/' AS url,
    (SELECT row_to_json(cover) FROM (
        SELECT '{ORIGIN}/v1/media/' || m.id || '/file/' AS url, m.id, m.alt_text, m.width, m.height
        FROM catalog_mediaasset m WHERE m.item_id = i.id AND m.state = 'present' AND m.kind = 'image'
        ORDER BY m.position, m.key, m.id LIMIT 1) cover) AS image"""
LIST = f"""
WITH matching AS NOT MATERIALIZED (
    SELECT i.* FROM catalog_item i
    WHERE kind = 'vehicle' AND status = 'published' AND published_at <= statement_timestamp() {{filters}}
), page AS (
    SELECT id FROM matching ORDER BY published_at DESC, id DESC LIMIT 20
), counted AS (
    SELECT count(*) AS total FROM (SELECT FROM matching LIMIT 10001) capped
)
SELECT '{{{{"count":' || least(total, 10000) || CASE WHEN total > 10000 THEN ',"count_relation":"gte"' ELSE '' END
    || ',"next":' || CASE WHEN total > 20 THEN '"' || %(next)s || '"' ELSE 'null' END || ',"previous":null,"results":['
    || coalesce((SELECT string_agg(row_to_json(shown)::text, ',') FROM (
        SELECT {COLUMNS}, {LINKS} FROM page JOIN catalog_item i USING (id)
        ORDER BY i.published_at DESC, i.id DESC) shown), '') || ']}}}}'
FROM counted
"""
DETAIL = f"""
SELECT row_to_json(shown)::text FROM (
    SELECT {COLUMNS}, i.description, i.provenance, i.chassis_number, {LINKS}, i.specs,
        coalesce((SELECT json_agg_compact FROM (
            SELECT ('[' || string_agg(row_to_json(a)::text, ',') || ']')::json AS json_agg_compact FROM (
                SELECT (SELECT row_to_json(p) FROM (SELECT p.slug, p.title, p.kind, p.years) p) AS production, a.role, a.notes
                FROM catalog_appearance a JOIN catalog_production p ON p.id = a.production_id
                WHERE a.item_id = i.id ORDER BY p.title, p.id, a.id) a) whole), '[]'::json) AS appearances,
        coalesce((SELECT ('[' || string_agg(row_to_json(m)::text, ',') || ']')::json FROM (
            SELECT m.id, m.content_type, m.width, m.height, m.alt_text, m.caption, m.position,
                '{ORIGIN}/v1/media/' || m.id || '/file/' AS url
            FROM catalog_mediaasset m WHERE m.item_id = i.id AND m.state = 'present' AND m.kind = 'image'
            ORDER BY m.position, m.key, m.id) m), '[]'::json) AS images
    FROM catalog_item i
    WHERE slug = %(slug)s AND kind = 'vehicle' AND status = 'published' AND published_at <= statement_timestamp()
) shown
"""


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    statement, values = build(environ["PATH_INFO"], environ["QUERY_STRING"])
    body = connection().execute(statement, values).fetchall()[0][0].encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def build(path: str, query: str) -> tuple[str, dict[str, Any]]:
    if slug := path.removeprefix("/v1/vehicles/").removesuffix("/"):
        return DETAIL, {"slug": slug}
    given = {name: values[0].split(",") for name, values in parse_qs(query).items()}
    filters = "".join(f" AND {name} && %({name})s::text[]" for name in sorted(given))
    following = "&".join(sorted([*(part for part in query.split("&") if part), "page=2"]))
    return LIST.format(filters=filters), given | {"next": f"{ORIGIN}/v1/vehicles/?{following}"}


def connection() -> psycopg.Connection[Any]:
    """Return this thread's connection."""
    if not hasattr(LOCAL, "connection"):
        LOCAL.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    kept: psycopg.Connection[Any] = LOCAL.connection
    return kept
