"""Films and series as a file names them, by title and year or by slug: which one is meant, and which are new."""

from collections.abc import Sequence

from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import Target
from catalog.imports.judgement.lookups import SLUG, SLUG_SENTENCE, suggestion
from catalog.imports.reach import Reach
from catalog.models import FIRST_YEAR, LAST_YEAR, Production, ProductionKind, Status

LONGEST_TITLE = int(Production._meta.get_field("title").max_length or 0)
LONGEST_SLUG = int(Production._meta.get_field("slug").max_length or 0)
SUGGESTIONS = 20  # unknown names that get a suggestion; each costs a look at the titles alike

SEVERAL = (
    "Several productions are called '%s'; name the slug of the one that is meant, as in Title (1964) [slug]."
)
UNDATED_AND_NEW = "There is no production '%s'; with its year it would be made, as a film of that year."
ANOTHER = "The slug '%s' belongs to the production '%s', not to '%s'."
ANOTHER_UNSEEN = "The slug '%s' belongs to another production, not to '%s'."
SHARED = (
    "This file gives the slug '%s' to several films, such as '%s' and '%s'; each needs a slug of its own."
)
NO_SUCH_SLUG = "There is no production with the slug '%s'."


def title_key(expression: str) -> str:
    """Return the title as titles are compared: no letter case, no accents."""
    return f"upper(unaccent(normalize({expression}, NFKC)))"


def production_slug(title: str, year: str) -> str:
    return sql.slug(f"concat_ws('-', {title}, {year})", LONGEST_SLUG)


def ambiguous_productions() -> str:
    """Return the query of the `id` of each production that an import does not find by title and year alone."""
    plain = production_slug("p.title", "p.years[1]")
    return f"""SELECT p.id FROM catalog_production AS p WHERE p.years = '{{}}'
                UNION SELECT p.id FROM catalog_production AS p JOIN catalog_production AS other
                   ON {title_key('other.title')} = {title_key('p.title')} AND other.years[1] = p.years[1]
                WHERE other.id <> p.id AND p.slug <> {plain}"""


def known_productions(earlier: Sequence[tuple[str, Target]]) -> str:
    """Return the query of (slug, title, years) of all productions, as the run's earlier sheets will leave them."""
    sources = ["SELECT slug::text, title::text, years, 2 AS rank FROM catalog_production"]
    for schema, target in earlier:
        if target.name == "production":
            sources.append(f"SELECT key, title, years, 1 FROM {schema}.import_merged")
        elif target.kind:
            sources.append(
                f"SELECT slug, title, ARRAY[year], 3 FROM {schema}.import_production WHERE year > 0"
            )
    if len(sources) == 1:
        return sources[0]
    return f"""SELECT DISTINCT ON (slug) slug, title, years FROM ({' UNION ALL '.join(sources)}) AS sources
                WHERE slug IS NOT NULL ORDER BY slug, rank, title"""


def forget_productions(cursor: CursorWrapper) -> None:
    """Make an empty `import_production`, for a sheet that names none."""
    columns = "title text, year int, given text, slug text, fault text"
    sql.run(cursor, "DROP TABLE IF EXISTS import_production")
    sql.run(cursor, f"CREATE UNLOGGED TABLE import_production ({columns})")


def resolve_productions(
    cursor: CursorWrapper, named: str, reach: Reach, earlier: Sequence[tuple[str, Target]]
) -> None:
    """Make `import_production(title, year, given, slug, fault)` of a query of (title, year, given slug).

    An empty title or slug is '', a missing year 0. `slug` is the one of the production that is meant, or that
    a new one gets; NULL where there is a `fault`.
    """
    closest = "k.years[1] = n.year OR (n.year = 0 AND k.years = '{}')"
    sql.create_table(
        cursor,
        "import_production",
        f"""WITH known AS {'MATERIALIZED' if earlier else 'NOT MATERIALIZED'} ({known_productions(earlier)}),
            named AS MATERIALIZED (
                SELECT DISTINCT title, year, given,
                       CASE WHEN year > 0 THEN {production_slug('title', 'year')} END AS plain
                  FROM ({named}) AS n WHERE title <> '' OR given <> ''),
            fitting AS (
                SELECT n.title, n.year, n.given, count(*) AS total, min(k.slug) AS one,
                       count(*) FILTER (WHERE {closest}) AS closest,
                       min(k.slug) FILTER (WHERE {closest}) AS closest_one,
                       bool_or(k.slug = n.plain) AS has_plain
                  FROM named AS n JOIN known AS k
                    ON {title_key('k.title')} = {title_key('n.title')} AND (n.year = 0 OR n.year = ANY(k.years))
                 GROUP BY 1, 2, 3),
            found AS (
                SELECT n.*, coalesce(total, 0) AS total, one, CASE
                       WHEN given <> '' THEN given WHEN total = 1 THEN one WHEN closest = 1 THEN closest_one
                       WHEN has_plain OR total IS NULL THEN plain END AS slug
                  FROM named AS n LEFT JOIN fitting USING (title, year, given)),
            judged AS (
                SELECT found.*, k.slug IS NULL AS is_new, k.title AS known_title, {_namesakes()},
                       row_number() OVER (PARTITION BY k.slug IS NULL ORDER BY found.title, given, year) AS place
                  FROM found LEFT JOIN known AS k ON k.slug = found.slug
                WINDOW same AS (PARTITION BY found.slug))
            SELECT title, year, given, CASE WHEN fault IS NULL THEN slug END AS slug, fault
              FROM (SELECT judged.*, {_fault(reach)} AS fault FROM judged) AS j""",
        kept=True,
    )
    sql.run(cursor, "ANALYZE import_production")


def _namesakes() -> str:
    """Return the SQL of what the file calls a slug: the first and the last film, and whether a person gave it."""
    named = "CASE WHEN found.title <> '' AND year > 0 THEN concat(found.title, ' (', year, ')') END"
    told = title_key(named)
    return f"""min({told}) OVER same AS first_film, max({told}) OVER same AS last_film,
               min({named}) OVER same AS first_name, max({named}) OVER same AS last_name,
               bool_or(given <> '') OVER same AS by_hand"""


def _unseen(reach: Reach, production: str) -> str:
    """Return the SQL of whether a title or slug of this row of productions would tell of drafts beyond the reach."""
    if reach.every_production:
        return "FALSE"
    kinds = ", ".join(sql.quoted(kind) for kind in ("", *reach.kinds))
    return f"""NOT EXISTS (SELECT FROM catalog_appearance AS seen JOIN catalog_item AS item ON item.id = seen.item_id
                            WHERE seen.production_id = {production}.id AND (item.kind IN ({kinds})
                                  OR item.status = '{Status.PUBLISHED}' AND item.published_at <= now()))"""


def _fault(reach: Reach) -> str:
    """Return the SQL of what is wrong with a name: it means none, or several, or another than it says."""
    unseen = _unseen(reach, "p")
    one_unseen = f"EXISTS (SELECT FROM catalog_production AS p WHERE p.slug = one AND {unseen})"
    other_unseen = f"EXISTS (SELECT FROM catalog_production AS p WHERE p.slug = judged.slug AND {unseen})"
    lacking = f"format({sql.quoted(NO_SUCH_SLUG)}, left(given, 80))"
    words = "replace(judged.given, '-', ' ')"
    return f"""CASE
        WHEN year <> 0 AND year NOT BETWEEN {FIRST_YEAR} AND {LAST_YEAR}
        THEN 'Years must lie between {FIRST_YEAR} and {LAST_YEAR}.'
        WHEN length(title) > {LONGEST_TITLE} THEN 'A title has at most {LONGEST_TITLE} characters.'
        WHEN length(given) > {LONGEST_SLUG} THEN 'A slug has at most {LONGEST_SLUG} characters.'
        WHEN given <> '' AND given !~ '{SLUG}' THEN {sql.quoted(SLUG_SENTENCE)}
        WHEN slug IS NULL AND total > 1
        THEN format({sql.quoted(SEVERAL)}, left(title, 80) || coalesce(' (' || nullif(year, 0) || ')', ''))
        WHEN slug IS NULL THEN format({sql.quoted(UNDATED_AND_NEW)}, left(title, 80)) || {_suggested('judged.title', 'title', unseen)}
        WHEN NOT is_new AND title <> '' AND {title_key('title')} <> {title_key('known_title')}
        THEN CASE WHEN {other_unseen} THEN format({sql.quoted(ANOTHER_UNSEEN)}, slug, left(title, 80))
                  ELSE format({sql.quoted(ANOTHER)}, slug, known_title, left(title, 80)) END
        WHEN is_new AND by_hand AND first_film <> last_film
        THEN format({sql.quoted(SHARED)}, slug, left(first_name, 80), left(last_name, 80))
        WHEN is_new AND given <> '' AND total > 0
        THEN {lacking} || CASE WHEN {one_unseen} THEN '' ELSE {suggestion('one')} END
        WHEN is_new AND given <> '' AND (title = '' OR year = 0) THEN {lacking} || {_suggested(words, 'slug', unseen)}
        END"""


def _suggested(text: str, shown: str, unseen: str) -> str:
    """Return the SQL that suggests the production whose title is most like the text; its index finds it."""
    closest = f"""(SELECT p.{shown} FROM catalog_production AS p WHERE upper(p.title) % upper({text}) AND NOT ({unseen})
                    ORDER BY similarity(upper(p.title), upper({text})) DESC, p.id LIMIT 1)"""
    return f"CASE WHEN place <= {SUGGESTIONS} THEN {suggestion(closest)} ELSE '' END"


def new_productions(target: Target, earlier: Sequence[tuple[str, Target]] = ()) -> str:
    """Return the query of (slug, title, year) that rows about to land name and that nothing has before this sheet."""
    used = "SELECT split_part(unnest(appearances), ':', 1) FROM import_merged"
    if target.name == "appearance":
        used = "SELECT production_slug FROM import_merged"
    return f"""SELECT DISTINCT ON (slug) slug, title, year FROM import_production
               WHERE year > 0 AND title <> '' AND slug IN ({used})
                 AND NOT EXISTS (SELECT FROM ({known_productions(earlier)}) AS known
                                  WHERE known.slug = import_production.slug)
               ORDER BY slug, title, year"""


def forget_unused(cursor: CursorWrapper) -> None:
    """Take from `import_production` what only rejected or left out rows name, so that later sheets do not count on it."""
    used = "SELECT split_part(unnest(appearances), ':', 1) FROM import_merged"
    sql.run(cursor, f"DELETE FROM import_production WHERE slug IS NULL OR slug NOT IN ({used})")


def unknown_productions(entries: str, earlier: Sequence[tuple[str, Target]]) -> str:
    """Return the query of those of the entries (an array, in SQL) whose production nothing has before this sheet."""
    return f"""SELECT FROM unnest({entries}) AS entry
                WHERE NOT EXISTS (SELECT FROM ({known_productions(earlier)}) AS known
                                   WHERE known.slug = split_part(entry, ':', 1))"""


def create_productions(cursor: CursorWrapper, target: Target) -> None:
    sql.run(
        cursor,
        f"""INSERT INTO catalog_production
                   (slug, title, years, kind, genres, franchise, external_ids, created_at, updated_at)
            SELECT slug, title, ARRAY[year], '{ProductionKind.FILM}', '{{}}', '', '{{}}', now(), now()
              FROM ({new_productions(target)}) AS fresh""",
    )
