"""The limit: a bare WSGI app that sends what the API sends, each answer from one hand-written SQL statement.

It validates nothing, keeps nothing, knows no users and only the parameters that the benchmark uses. Facets and exact
counts are counted row by row; by relevance it ranks all that the words find.
"""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import psycopg

ORIGIN = f"http://127.0.0.1:{os.environ['PORT']}"
LOCAL = threading.local()

TIME = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS {0}"""
PICTURE = f"""'{{}}'::json AS srcset, '{{}}'::json AS crops, m.thumbhash, m.colour,
    json_build_object('x', m.focal_x, 'y', m.focal_y) AS focal_point, m.frames > 1 AS animated,
    m.id, '{ORIGIN}/v1/media/' || m.id || '/file/' AS url, m.alt_text, m.width, m.height"""
PICTURES = """catalog_mediaasset m WHERE m.item_id = i.id AND m.state = 'present' AND m.processing <> 'refused'
        AND m.kind = 'image' ORDER BY m.position, m.key, m.id"""
COLUMNS = f"""i.id, i.kind, i.reference, i.slug, '{ORIGIN}/v1/vehicles/' || i.slug || '/' AS url, i.name, i.make,
    i.model, i.production_years, i.vehicle_types, i.categories, i.genres, i.condition, i.authenticity,
    i.price::text AS price, i.currency, i.availability, i.status, {TIME.format("published_at")}, i.location,
    {TIME.format("created_at")}, {TIME.format("updated_at")}, i.version,
    (SELECT row_to_json(cover) FROM (SELECT {PICTURE} FROM {PICTURES} LIMIT 1) cover) AS image"""
PUBLIC = "i.kind = 'vehicle' AND i.status = 'published' AND i.published_at <= statement_timestamp()"
LIST = f"""
WITH page AS (
    SELECT i.id, row_number() OVER (ORDER BY {{order}}) AS place FROM catalog_item i {{joined}}
    WHERE {PUBLIC}{{filters}} ORDER BY {{order}} LIMIT %(size)s + 1
)
SELECT '{{{{"count":' || {{count}} || ',"next":'
    || CASE WHEN (SELECT count(*) FROM page) > %(size)s THEN '"' || %(next)s || '"' ELSE 'null' END
    || ',"previous":null{{facets}},"results":[' || coalesce((SELECT string_agg(row_to_json(shown)::text, ',') FROM (
        SELECT {{columns}} FROM page JOIN catalog_item i USING (id) WHERE place <= %(size)s ORDER BY place) shown), '')
    || ']}}}}'
"""
DETAIL = f"""
SELECT row_to_json(shown)::text FROM (
    SELECT {COLUMNS}, i.description, i.provenance, i.chassis_number, i.specs,
        (SELECT coalesce(json_agg(a), '[]') FROM (
            SELECT (SELECT row_to_json(p) FROM (SELECT p.slug, p.title, p.kind, p.years) p) AS production, a.role, a.notes
            FROM catalog_appearance a JOIN catalog_production p ON p.id = a.production_id
            WHERE a.item_id = i.id ORDER BY p.title, p.id, a.id) a) AS appearances,
        (SELECT coalesce(json_agg(m), '[]') FROM (
            SELECT {PICTURE}, '[]'::json AS renditions, m.content_type, m.caption, m.position FROM {PICTURES}) m) AS images
    FROM catalog_item i WHERE i.slug = %(slug)s AND {PUBLIC}
) shown
"""
TOTAL = f"(SELECT count(*) FROM catalog_item i WHERE {PUBLIC}{{filters}})"
CAPPED = f"""(SELECT least(count(*), 10000) || CASE WHEN count(*) > 10000 THEN ',"count_relation":"gte"' ELSE '' END
    FROM (SELECT FROM catalog_item i WHERE {PUBLIC}{{filters}} LIMIT 10001) capped)"""
COUNTS = {"exact": TOTAL, "capped": CAPPED, "none": "'null'"}
FACET = f"""(SELECT coalesce(json_agg(json_build_object('value', value, 'count', n) ORDER BY n DESC, value COLLATE "C"), '[]')
    FROM (SELECT value, count(*) AS n FROM catalog_item i, {{values}} AS one(value) WHERE {PUBLIC}{{filters}}
        GROUP BY value ORDER BY n DESC, value COLLATE "C" LIMIT 100) counted)"""
VALUES = {
    "genres": "unnest(i.genres)",
    "vehicle_types": "unnest(i.vehicle_types)",
    "make": "LATERAL (SELECT i.make)",
}
FILTERS = {
    "genres": " AND i.genres && string_to_array(%(genres)s, ',')",
    "vehicle_types__all": " AND i.vehicle_types @> string_to_array(%(vehicle_types__all)s, ',')",
    "make": " AND i.make = %(make)s",
    "production_years__min": " AND i.production_years && ARRAY(SELECT generate_series(%(production_years__min)s::int,"
    " %(production_years__max)s::int))",
    "price__min": " AND i.price >= %(price__min)s::numeric",
    "price__max": " AND i.price <= %(price__max)s::numeric",
    "q": " AND found.words @@ catalog_query(%(q)s)",
}
ORDERS = {
    "-published_at": "i.published_at DESC, i.id DESC",
    "-price": "i.price DESC NULLS LAST, i.id DESC",
    "relevance": "ts_rank(found.words, catalog_query(%(q)s)) DESC, i.id DESC",
}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = answer(environ["PATH_INFO"], environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def answer(path: str, query: str) -> bytes:
    statement, values = build(path, query)
    body: str = connection().execute(statement, values).fetchall()[0][0]
    return body.encode()


def build(path: str, query: str) -> tuple[str, dict[str, Any]]:
    if slug := path.removeprefix("/v1/vehicles/").removesuffix("/"):
        return DETAIL, {"slug": slug}
    given = dict(parse_qsl(query))
    following = urlencode([*parse_qsl(query), ("page", "2")])
    values = given | {"size": int(given.get("page_size", 20)), "next": f"{ORIGIN}/v1/vehicles/?{following}"}
    statement = LIST.format(
        order=ORDERS[given.get("ordering", "-published_at")],
        joined="JOIN catalog_itemsearch found ON found.item_id = i.id" if "q" in given else "",
        filters=filters(given),
        count=COUNTS[given.get("count", "capped")].format(filters=filters(given)),
        facets=facets(given),
        columns="i.id" if "fields" in given else COLUMNS,
    )
    return statement, values


def filters(given: Iterable[str], *, but: str = "") -> str:
    """Return the conditions that are given, but those on one column."""
    return "".join(FILTERS[name] for name in given if name in FILTERS and name.partition("__")[0] != but)


def facets(given: dict[str, str]) -> str:
    """Return what stands between `previous` and `results`: each facet counted under the other columns' filters."""
    if "facets" not in given:
        return ""
    each = (
        f"\"{name}\":' || {FACET.format(values=VALUES[name], filters=filters(given, but=name))} || '"
        for name in given["facets"].split(",")
    )
    return ',"facets":{' + ",".join(each) + "}"


def connection() -> psycopg.Connection[Any]:
    """Return this thread's connection."""
    if not hasattr(LOCAL, "connection"):
        # What a statement costs depends on the values: never a plan that does not look at them.
        LOCAL.connection = psycopg.connect(
            os.environ["DATABASE_URL"], autocommit=True, options="-c plan_cache_mode=force_custom_plan"
        )
    kept: psycopg.Connection[Any] = LOCAL.connection
    return kept
