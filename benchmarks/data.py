"""The synthetic catalogue: so many vehicles, the same ones in every run; a smaller one is the beginning of a larger."""

import os
import subprocess
import sys

import psycopg

from benchmarks.database import ROOT

PRODUCTIONS = 2_000
STEP = 50_000  # items that are written by one transaction

# Every value is a hash of the row's number, so the rows do not depend on a random generator's state.
# Words are skewed (min of two draws), because real vocabularies are: the first of a list is common,
# the last is rare.
DRAWS = """
CREATE FUNCTION pg_temp.draw(row_number int, salt int, size int) RETURNS int LANGUAGE sql IMMUTABLE
    RETURN abs(hashint8extended(row_number, salt) % size)::int;
CREATE FUNCTION pg_temp.skewed(row_number int, salt int, size int) RETURNS int LANGUAGE sql IMMUTABLE
    RETURN least(pg_temp.draw(row_number, salt, size), pg_temp.draw(row_number, salt + 1000, size));
"""
FILMS = f"""
INSERT INTO catalog_production
    (id, title, slug, kind, years, genres, franchise, external_ids, created_at, updated_at)
SELECT n, 'Production ' || n, 'production-' || n, CASE WHEN n %% 4 = 0 THEN 'series' ELSE 'film' END,
    ARRAY[1940 + pg_temp.draw(n, 1, 85)], '{{}}', '', '{{}}', '2026-01-01Z', '2026-01-01Z'
FROM generate_series(1, {PRODUCTIONS}) n;

SELECT setval(pg_get_serial_sequence('catalog_production', 'id'), {PRODUCTIONS});
""".replace("%%", "%")
ROWS = """
INSERT INTO catalog_item
    (id, kind, reference, slug, name, make, model, description, production_years, vehicle_types, categories, genres,
     condition, authenticity, chassis_number, specs, provenance, price, currency, availability, status, published_at,
     location, created_at, updated_at, version)
SELECT n, 'vehicle', 'BENCH-' || n, 'bench-' || n,
    'Make' || pg_temp.skewed(n, 2, 120) || ' Model' || pg_temp.draw(n, 3, 900),
    'Make' || pg_temp.skewed(n, 2, 120), 'Model' || pg_temp.draw(n, 3, 900),
    repeat('A collectible vehicle with a history on the screen. ', 1 + pg_temp.draw(n, 4, 8)),
    ARRAY(SELECT DISTINCT 1930 + pg_temp.draw(n, 5, 90) + k FROM generate_series(0, pg_temp.draw(n, 6, 4)) k),
    ARRAY(SELECT DISTINCT 'Type' || pg_temp.skewed(n, 10 + k, 40) FROM generate_series(0, pg_temp.draw(n, 7, 2)) k),
    '{{}}',
    ARRAY(SELECT DISTINCT 'Genre' || pg_temp.skewed(n, 20 + k, 24) FROM generate_series(0, pg_temp.draw(n, 8, 3)) k),
    (ARRAY['concours', 'excellent', 'good', 'fair'])[1 + pg_temp.draw(n, 9, 4)],
    (ARRAY['screen_used', 'replica', 'stunt', 'same_model'])[1 + pg_temp.draw(n, 11, 4)],
    '', '{{}}', '',
    CASE WHEN pg_temp.draw(n, 12, 10) > 0 THEN 5000 + pg_temp.draw(n, 13, 3000) * pg_temp.draw(n, 14, 1000) END,
    (ARRAY['USD', 'EUR', 'GBP'])[1 + pg_temp.draw(n, 15, 3)], 'available',
    CASE WHEN pg_temp.draw(n, 16, 10) > 0 THEN 'published' ELSE 'draft' END,
    timestamptz '2026-01-01Z' - make_interval(mins => pg_temp.draw(n, 17, 1000000)),
    'Somewhere', '2026-01-01Z', '2026-01-01Z', 1
FROM generate_series({first}, {last}) n;

INSERT INTO catalog_appearance (item_id, production_id, role, notes)
SELECT DISTINCT n, 1 + pg_temp.draw(n, 30 + k, {productions}), 'hero', ''
FROM generate_series({first}, {last}) n, generate_series(0, 1) k;

INSERT INTO catalog_mediaasset
    (key, item_id, position, kind, content_type, size, etag, sha256, width, height, alt_text, caption,
     focal_x, focal_y, state, created_at, updated_at, original_name, processing, refusal, frames, has_alpha,
     thumbhash, colour, exif, renditions, rendered_as)
SELECT 'vehicles/bench-' || n || '/' || k || '.jpg', n, k, 'image', 'image/jpeg', 100000, 'etag', '', 1600, 1067,
    'Picture ' || k, '', 0.5, 0.5, 'present', '2026-01-01Z', '2026-01-01Z', '', 'ready', '', 1, false,
    '', '', '{{}}', '[]', ''
FROM generate_series({first}, {last}) n, generate_series(1, 2) k;

SELECT setval(pg_get_serial_sequence('catalog_item', 'id'), {last});
""".replace("%%", "%")


# Bitmaps and words of the items, which the worker makes otherwise.
MADE_OF_ITEMS = "import django; django.setup(); from catalog import upkeep; upkeep.make_anew()"


def load(address: str, items: int) -> None:
    """Fill an empty, migrated database; a filled one is left as it is."""
    with psycopg.connect(address, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM catalog_facetslot LIMIT 1").fetchone():
            return
        connection.execute("TRUNCATE catalog_item, catalog_production CASCADE")  # of a load that was ended
        connection.execute(DRAWS)
        connection.execute(FILMS)
        for first in range(1, items + 1, STEP):
            last = min(first + STEP - 1, items)
            print(f"loading items {first:,} to {last:,} of {items:,} ...", flush=True)
            connection.execute(ROWS.format(first=first, last=last, productions=PRODUCTIONS))
        environment = os.environ | {
            "DATABASE_URL": f"{address}{'&' if '?' in address else '?'}options=-c%20statement_timeout%3D0",
            "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        }
        subprocess.run([sys.executable, "-c", MADE_OF_ITEMS], cwd=ROOT, env=environment, check=True)
        connection.execute("VACUUM ANALYZE")
