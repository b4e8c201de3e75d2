"""The database answers lists from their indexes: plans of the statements that the API runs over many items."""

import re
from urllib.parse import parse_qs, quote

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client

from catalog.api import filters
from catalog.api.finding import text
from catalog.api.shapes import lists
from catalog.tests.api import staff_client, view_of
from catalog.tests.factories import ProductionFactory

pytestmark = pytest.mark.timeout(900)  # the load, on a busy machine

ROWS, ROWS_ELSEWHERE = 100_000, 20_000
# One item in 1,000 is rare in a column; the sequence number drives all, so that runs are equal.
LOAD = """
INSERT INTO catalog_item (
    kind, reference, slug, name, make, model, description, production_years, vehicle_types, categories, genres,
    condition, authenticity, chassis_number, specs, provenance, price, currency, availability, status,
    published_at, location)
SELECT
    CASE n %% 4 WHEN 0 THEN 'memorabilia' ELSE 'vehicle' END,
    'R-' || n, 'item-' || n, 'Item ' || n, 'Make ' || n %% 97, 'Model ' || n %% 997,
    CASE n %% 1000 WHEN 1 THEN 'needle' ELSE 'hay' END,
    ARRAY[CASE n %% 1000 WHEN 1 THEN 1901 ELSE 1950 + n %% 50 END],
    CASE n %% 4 WHEN 0 THEN '{}' ELSE ARRAY[CASE n %% 1000 WHEN 1 THEN 'Rare' ELSE 'Car' END] END,
    CASE n %% 4 WHEN 0 THEN ARRAY[CASE n %% 1000 WHEN 4 THEN 'Rare' ELSE 'Poster' END] ELSE '{}' END,
    ARRAY['Action', CASE n %% 1000 WHEN 1 THEN 'Rare' ELSE 'Drama' END],
    CASE n %% 1000 WHEN 1 THEN 'project' ELSE 'good' END, CASE n %% 1000 WHEN 1 THEN 'stunt' ELSE 'replica' END,
    '', '{}', '', n, CASE n %% 1000 WHEN 1 THEN 'JPY' ELSE 'USD' END,
    CASE n %% 1000 WHEN 1 THEN 'reserved' ELSE 'available' END, CASE n %% 10 WHEN 0 THEN 'draft' ELSE 'published' END,
    timestamptz '2020-01-01' + n * interval '1 minute', ''
FROM generate_series(1, %s) AS n
"""


# Beside them so many films, terms and files; in each film one item appeared, to which one file belongs.
OTHERS = """
INSERT INTO catalog_production (title, slug, kind, years, genres, franchise, external_ids, created_at, updated_at)
SELECT CASE n %% 1000 WHEN 1 THEN 'Needle ' ELSE 'Film ' END || n, 'film-' || n, 'film',
    ARRAY[CASE n %% 1000 WHEN 1 THEN 1901 ELSE 1950 + n %% 50 END],
    ARRAY['Action', CASE n %% 1000 WHEN 1 THEN 'Rare' ELSE 'Drama' END], 'Saga ' || n %% 997, '{}',
    now() - n * interval '1 minute', now() - n * interval '1 minute'
FROM generate_series(1, %(rows)s) AS n;
INSERT INTO catalog_appearance (item_id, production_id, role, notes)
SELECT item.id, film.id, 'hero', ''
FROM catalog_production AS film JOIN catalog_item AS item ON item.slug = replace(film.slug, 'film', 'item');
INSERT INTO catalog_term (vocabulary, name, slug, aliases, created_at, updated_at)
SELECT CASE n %% 1000 WHEN 1 THEN 'category' ELSE 'make' END, CASE n %% 1000 WHEN 1 THEN 'Needle ' ELSE 'Word ' END || n,
    'word-' || n, '{}', now(), now()
FROM generate_series(1, %(rows)s) AS n;
INSERT INTO catalog_mediaasset (
    key, item_id, position, kind, content_type, size, etag, sha256, alt_text, caption, focal_x, focal_y, state,
    original_name, processing, refusal, frames, has_alpha, thumbhash, colour, exif, renditions, rendered_as,
    created_at, updated_at)
SELECT 'vehicles/' || slug || '/1.jpg', CASE price %% 1000 WHEN 2 THEN NULL ELSE id END, 1,
    CASE price %% 1000 WHEN 1 THEN 'document' ELSE 'image' END, '', 1, '', '', '', '', 0.5, 0.5,
    CASE price %% 1000 WHEN 4 THEN 'missing' ELSE 'present' END, '',
    CASE price %% 1000 WHEN 3 THEN 'refused' ELSE 'ready' END, CASE price %% 1000 WHEN 3 THEN 'No picture.' ELSE '' END,
    1, false, '', '', '{}', '[]', '', now(), now()
FROM catalog_item WHERE price <= %(rows)s
"""


APPEARED = "INSERT INTO catalog_appearance (item_id, production_id, role, notes) SELECT id, %s, 'hero', '' FROM catalog_item"
# Beside the items: of their history nothing is asked here.
NO_HISTORY = "SELECT format('ALTER TABLE catalog_item DISABLE TRIGGER %I', tgname) FROM pg_trigger"


@pytest.fixture(scope="module")
def loaded(django_db_setup, django_db_blocker):
    """Many rows in all tables, for all tests of this module; taken back at its end."""
    lists._estimated.cache_clear()  # of the few rows that other tests had
    with django_db_blocker.unblock(), transaction.atomic():
        load()
        yield
        transaction.set_rollback(True)


def load():
    """Load the rows, and leave the tables as a vacuum would: pending index entries merged, statistics known."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        for table in ("production", "appearance", "term", "mediaasset"):
            cursor.execute(f"ALTER TABLE catalog_{table} DISABLE TRIGGER USER")
        cursor.execute(f"{NO_HISTORY} WHERE tgrelid = 'catalog_item'::regclass AND tgname LIKE 'pgtrigger%'")
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
        cursor.execute(LOAD, [ROWS])
        for film, every in (("rare-film", 1000), ("film", 20)):
            made = ProductionFactory.create(slug=film)
            cursor.execute(f"{APPEARED} WHERE price %% %s = 1", [made.pk, every])
        cursor.execute(OTHERS, {"rows": ROWS_ELSEWHERE})
        cursor.execute(
            "SELECT gin_clean_pending_list(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
            " JOIN pg_am ON pg_am.oid = relam WHERE amname = 'gin' AND indrelid::regclass::text LIKE 'catalog%'"
        )
        for table in ("item", "itemsearch", "appearance", "production", "term", "mediaasset"):
            cursor.execute(f"ANALYZE catalog_{table}")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # once, rather than at the end of each test
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def plans_of(address, client=None, table="item"):
    """Return the plans of all statements about the table that the list at this address runs."""
    ran = []
    cache.clear()

    def note(execute, statement, params, many, context):
        ran.append((statement, params))
        return execute(statement, params, many, context)

    with connection.execute_wrapper(note):
        answer = (client or Client()).get(address)
    assert answer.status_code == 200, answer.content
    plans = [
        plan_of(*each)
        for each in ran
        if each[0].startswith("SELECT") and f'FROM "catalog_{table}"' in each[0]
    ]
    assert plans
    return "\n\n".join(plans)


def plan_of(statement, params):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", params)
        return "\n".join(line for (line,) in cursor.fetchall())


SELECTIVE = [
    ("genres=Rare", "catalog_item_genres"),
    ("genres=Rare,Unknown", "catalog_item_genres"),
    ("genres__all=Action,Rare", "catalog_item_genres"),
    ("genres__exact=Action,Rare", "catalog_item_genres"),
    ("vehicle_types=Rare", "catalog_item_vehicle_types"),
    ("vehicle_types__all=Rare", "catalog_item_vehicle_types"),
    ("vehicle_types__exact=Rare", "catalog_item_vehicle_types"),
    ("categories=Rare", "catalog_item_categories"),
    ("categories__all=Rare", "catalog_item_categories"),
    ("categories__exact=Rare", "catalog_item_categories"),
    ("production_years=1901", "catalog_item_production_years"),
    ("production_years__all=1901", "catalog_item_production_years"),
    ("production_years__exact=1901", "catalog_item_production_years"),
    ("production_years__min=1900&production_years__max=1903", "catalog_item_production_years"),
    ("production_years__max=1903", "catalog_item_production_years"),
    ("production_years__min=2005", "catalog_item_production_years"),
    ("q=needle", "catalog_itemsearch_words"),
    ("q=needle&ordering=relevance", "catalog_itemsearch_words"),
    ("reference=r-77", "catalog_item_reference_unique"),
    ("make=Make 7", "catalog_item_public_makes"),
    ("make=Make 7&ordering=price", "catalog_item_public_makes"),
    ("model=Model 7", "catalog_item_model"),
    ("condition=project", "catalog_item_choices"),
    ("authenticity=stunt", "catalog_item_choices"),
    ("availability=reserved", "catalog_item_choices"),
    ("currency=JPY", "catalog_item_choices"),
    ("production=rare-film", "catalog_item_pkey"),
    ("price__min=99990", "catalog_item_public_"),
    ("price__max=9", "catalog_item_public_"),
    ("updated_since=9000-01-01", "catalog_item_updated"),
    ("kind=tool", "catalog_item_admin"),
    ("make=Make 7&genres=Rare&condition=project", "catalog_item_"),
]
# Parameters that narrow little by what they mean, so that no index is worth its writes.
NOT_SELECTIVE = {"__none", "__empty", "__len"}


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded")
def test_selective_filters_use_their_indexes():
    plans = {each: plans_of(f"/v1/items/?count=exact&{quote(each[0], safe='=&')}") for each in SELECTIVE}

    assert not {
        key: plan for key, plan in plans.items() if key[1] not in plan or "Seq Scan on catalog_item" in plan
    }


def test_every_selective_filter_is_explained():
    explained = {name for query, _ in SELECTIVE for name in parse_qs(query)}
    offered = filters.AnyItemFilters.offered(staff=False)

    assert {name for name in offered if not name.endswith((*NOT_SELECTIVE,))} == explained


OTHER_LISTS = [
    ("productions/?genres=Rare", "catalog_production_genres"),
    ("productions/?genres__all=Action,Rare", "catalog_production_genres"),
    ("productions/?genres__exact=Action,Rare", "catalog_production_genres"),
    ("productions/?years=1901", "catalog_production_years"),
    ("productions/?years__all=1901", "catalog_production_years"),
    ("productions/?years__exact=1901", "catalog_production_years"),
    ("productions/?years__min=1890&years__max=1903", "catalog_production_years"),
    ("productions/?franchise=Saga 7", "catalog_production_franchise"),
    ("productions/?q=needle", "catalog_production_title_trgm"),
    ("terms/?q=needle", "catalog_term_name_trgm"),
    ("terms/?vocabulary=category", "catalog_term_"),
    ("media/?item=item-77", "catalog_media"),
    ("media/?kind=document", "catalog_media_not_image"),
    ("media/?state=missing", "catalog_media_not_present"),
    ("media/?processing=refused", "catalog_media_not_ready"),
    ("media/?assigned=false", "catalog_media"),
]
TABLES = {"productions": "production", "terms": "term", "media": "mediaasset"}
# Of the films two kinds; what belongs to some item is nearly all.
FEW_VALUES = {("productions", "kind"), ("productions", "ordering")}


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded")
def test_selective_filters_of_the_other_lists_use_their_indexes():
    staff, wrong = staff_client("view_item", "view_mediaasset"), {}

    for query, index in OTHER_LISTS:
        table = TABLES[query.partition("/")[0]]
        plan = plans_of(f"/v1/{quote(query, safe='/?=&')}&count=exact", staff, table)
        if index not in plan or f"Seq Scan on catalog_{table}" in plan:
            wrong[query] = plan

    assert wrong == {}


def test_every_selective_filter_of_the_other_lists_is_explained():
    offered = {(route, name) for route in TABLES for name in view_of(route).filterset_class.base_filters}
    explained = {
        (query.partition("/")[0], name)
        for query, _ in OTHER_LISTS
        for name in parse_qs(query.partition("?")[2])
    }

    assert {each for each in offered if not each[1].endswith((*NOT_SELECTIVE,))} - FEW_VALUES == explained


ORDERED = [
    ("memorabilia/?", "catalog_item_public_newest"),  # the rarer kind: a quarter
    ("items/?", "catalog_item_public_all_newest"),
    ("items/?ordering=published_at", "catalog_item_public_all_newest"),
    ("items/?ordering=price", "catalog_item_public_cheapest"),
    ("items/?ordering=-price", "catalog_item_public_dearest"),
    ("items/?ordering=name", "catalog_item_public_name"),
    ("items/?ordering=-name", "catalog_item_public_name"),
    ("items/?ordering=-updated_at", "catalog_item_updated"),
    ("items/?ordering=updated_at", "catalog_item_updated"),
    ("items/?ordering=-created_at", "catalog_item_created"),
    ("items/?ordering=created_at", "catalog_item_created"),
    ("productions/?", "catalog_production_by_title"),
    ("productions/?ordering=-title", "catalog_production_by_title"),
    ("productions/?ordering=updated_at", "catalog_production_updated"),
    ("productions/?ordering=-updated_at", "catalog_production_updated"),
]


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("begin", ["first", "last"])
def test_ordered_lists_read_their_indexes_and_sort_nothing(begin):
    """The first page and one that reads on from it: the deeper one begins in the index where the other ended."""
    wrong = {}

    for query, index in ORDERED:
        table = TABLES.get(query.partition("/")[0], "item")
        following = (
            Client().get(f"/v1/{query}&cursor={begin}").json()["next" if begin == "first" else "previous"]
        )
        first, deeper = plans_of(f"/v1/{query}&cursor={begin}", table=table), plans_of(following, table=table)
        for plan in (first, deeper):
            # The cover of each item, a subplan, sorts the few images of that item.
            outside = plan.split("SubPlan")[0]
            if index not in plan or f"Seq Scan on catalog_{table}" in plan or "Sort Key" in outside:
                wrong[query] = plan
        if not re.search(r"Index Cond: .*ROW\(", deeper.split("\n\n")[0]):
            wrong[f"{query}, deeper"] = deeper

    assert wrong == {}


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded")
def test_pages_by_relevance_meet_each_ranked_match_once():
    """More match than are ranked: every page must rank the same ones."""
    met, address = [], "/v1/items/?q=hay&ordering=relevance&page_size=100&cursor=first&fields=id"

    while address:
        answer = Client().get(address).json()
        met += [row["id"] for row in answer["results"]]
        address = answer["next"]

    assert len(met) == len(set(met)) == text.RANKED
