"""The vocabularies' own table: names, slugs and aliases that must not get in each other's way."""

from django.db import models
from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.judgement.vocabularies import LONGEST_SLUG
from catalog.imports.mapping.binding import Mapping
from catalog.models import Term


def judge_terms(cursor: CursorWrapper, mapping: Mapping) -> None:
    """Refuse rows whose name, alias or slug another term of the vocabulary has, or will have by an earlier line."""
    if not mapping.has("vocabulary"):
        return  # every row is rejected anyhow: none says which vocabulary
    _collect(cursor, mapping)
    called = "CASE WHEN other.is_name THEN 'the name' ELSE 'an alias' END"
    place = "coalesce(' (line ' || other.line || ')', '')"
    message = f"format('''%s'' is already %s of the term ''%s''%s.', left(mine.text, 60), {called}, other.name, {place})"
    sql.run(
        cursor,
        f"""INSERT INTO import_fault
            SELECT DISTINCT ON (mine.line, mine.spelling)
                   mine.line, CASE WHEN mine.is_name THEN 'name' ELSE 'aliases' END, {message}
              FROM import_spelling AS mine JOIN import_spelling AS other USING (vocabulary, spelling)
             WHERE mine.line IS NOT NULL AND mine.is_new AND mine.key <> other.key
               AND (other.line IS NULL OR NOT other.is_new OR other.line < mine.line)
             ORDER BY mine.line, mine.spelling, other.is_name DESC, other.line NULLS FIRST""",
    )
    if mapping.has("slug"):
        _judge_slugs(cursor)


def _collect(cursor: CursorWrapper, mapping: Mapping) -> None:
    """Make `import_spelling`: every name and alias as it will be; of the file's own rows with line and `is_new`."""
    aliases = (
        "coalesce(t.v_aliases, i.aliases, '{}')" if mapping.has("aliases") else "coalesce(i.aliases, '{}')"
    )
    key = f"vocabulary || ':' || {sql.folded('name')}"
    sql.create_table(
        cursor,
        "import_spelling",
        f"""WITH known AS MATERIALIZED (SELECT {key} AS key, vocabulary, name::text, aliases FROM catalog_term),
            terms AS MATERIALIZED (
                SELECT t.line, t.key, t.v_vocabulary AS vocabulary, coalesce(i.name, t.v_name) AS name,
                       i.key IS NULL AS is_added, {aliases} AS aliases, coalesce(i.aliases, '{{}}') AS present
                  FROM import_typed AS t LEFT JOIN known AS i ON i.key = t.key WHERE t.key IS NOT NULL
                 UNION ALL
                SELECT NULL, key, vocabulary, name, FALSE, aliases, aliases FROM known
                 WHERE key NOT IN (SELECT key FROM import_typed WHERE key IS NOT NULL))
            SELECT line, key, vocabulary, name, name AS text, {sql.folded('name')} AS spelling, TRUE AS is_name,
                   is_added AS is_new FROM terms
             UNION ALL
            SELECT line, key, vocabulary, name, alias, {sql.folded('alias')}, FALSE, alias <> ALL(present)
              FROM terms, unnest(aliases) AS alias""",
    )
    sql.run(cursor, "ANALYZE import_spelling")


def _judge_slugs(cursor: CursorWrapper) -> None:
    taken = next(
        str(constraint.get_violation_error_message())
        for constraint in Term._meta.constraints
        if isinstance(constraint, models.UniqueConstraint) and "slug" in constraint.fields
    )
    key = f"i.vocabulary || ':' || {sql.folded('i.name')}"
    sql.run(
        cursor,
        f"""INSERT INTO import_fault SELECT DISTINCT t.line, 'slug', {sql.quoted(taken)}
              FROM import_typed AS t JOIN catalog_term AS i
                ON i.vocabulary = t.v_vocabulary AND i.slug = t.v_slug AND {key} <> t.key""",
    )
    sql.run(
        cursor,
        """INSERT INTO import_fault
           SELECT t.line, 'slug', format('Line %s has the same slug in this vocabulary.', first.line)
             FROM import_typed AS t JOIN (
                  SELECT v_vocabulary, v_slug, min(line) AS line FROM import_typed WHERE v_slug <> ''
                   GROUP BY 1, 2 HAVING count(*) > 1) AS first
               ON (t.v_vocabulary, t.v_slug) = (first.v_vocabulary, first.v_slug) AND t.line <> first.line""",
    )


def make_slugs(cursor: CursorWrapper, *, with_given: bool) -> None:
    """Make `import_slug(line, slug)`: the slug of the name, with a hash behind it where the vocabulary has it already."""
    given = "slug" if with_given else "NULL::text"
    sql.create_table(
        cursor,
        "import_slug",
        f"""WITH fresh AS MATERIALIZED (
                SELECT line, vocabulary, name, {given} AS given, {sql.slug('name', LONGEST_SLUG)} AS wanted
                  FROM import_merged WHERE id IS NULL)
            SELECT line, CASE
                   WHEN given IS NOT NULL THEN given
                   WHEN EXISTS (SELECT FROM catalog_term AS t WHERE t.vocabulary = fresh.vocabulary AND t.slug = wanted)
                     OR EXISTS (SELECT FROM fresh AS f WHERE f.vocabulary = fresh.vocabulary AND f.line <> fresh.line
                                   AND (f.given = fresh.wanted
                                        OR f.given IS NULL AND f.wanted = fresh.wanted AND f.line < fresh.line))
                   THEN left(wanted, {LONGEST_SLUG - 11}) || '-' || left(md5(name), 10)
                   ELSE wanted END AS slug
              FROM fresh""",
    )
