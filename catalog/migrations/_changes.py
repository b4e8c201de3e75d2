"""SQL that notes every write of what readers see; migration 0008 runs it.

Noted is from when on everybody may read some of what a statement wrote. What is written of drafts alone must not
show in the tags of public answers.
"""

# The first moment at which an item of these rows, or that these rows belong to, is public.
OF_ITEMS = "SELECT min(row.published_at) FROM {rows} AS row WHERE row.status = 'published'"
OF_ITEM = (
    "SELECT min(item.published_at) FROM {{rows}} AS row JOIN catalog_item AS item ON item.id = row.{column}"
    " WHERE item.status = 'published'"
)
# What answers are made of, and from when on a row of it shows. Words for spellings that are meant are counted, too,
# since they come later than their items.
TABLES = {
    "catalog_item": OF_ITEMS,
    "catalog_appearance": OF_ITEM.format(column="item_id"),
    "catalog_mediaasset": OF_ITEM.format(column="item_id"),
    "catalog_searchword": OF_ITEM.format(column="witness"),
    "catalog_term": "SELECT to_timestamp(0)",
    # As ProductionQuerySet.visible_to: those in which something public appears.
    "catalog_production": (
        "SELECT min(item.published_at) FROM {rows} AS row JOIN catalog_appearance AS seen"
        " ON seen.production_id = row.id JOIN catalog_item AS item ON item.id = seen.item_id"
        " WHERE item.status = 'published'"
    ),
}
READ = {
    "insert": ("NEW TABLE AS written", "written"),
    "delete": ("OLD TABLE AS written", "written"),
    "update": (
        "OLD TABLE AS gone NEW TABLE AS written",
        "(SELECT * FROM written UNION ALL SELECT * FROM gone)",
    ),
}
# What the statement looked at is as old as its snapshot: catalog.changes needs to know how old.
ADD = """INSERT INTO catalog_cataloguechange (shows_at, transaction, oldest)
        VALUES (({shows_at}), pg_current_xact_id()::text::bigint,
                pg_snapshot_xmin(pg_current_snapshot())::text::bigint);"""


def _note(table: str, write: str) -> str:
    tables, rows = READ[write]
    name = f"{table}_{write}_noted"
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM written) THEN  -- a statement that found no row changed nothing
        {ADD.format(shows_at=TABLES[table].format(rows=rows))}
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER catalog_note_{write} AFTER {write.upper()} ON {table} REFERENCING {tables}
    FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""


NOTE_EMPTIED = f"""
CREATE FUNCTION catalog_note_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {ADD.format(shows_at="to_timestamp(0)")}
    RETURN NULL;
END $$;
""" + "".join(
    f"CREATE TRIGGER catalog_note_truncate AFTER TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_emptied();\n"
    for table in TABLES
)

SHOWS = "shows_at <= now()"
NEWEST = f"""
SELECT greatest((SELECT max(transaction) FROM catalog_cataloguechange WHERE {SHOWS}),
                (SELECT transaction FROM catalog_foldedchanges WHERE public)) AS newest
"""
# What is not to show before a later time stays noted until then. Which of them are public: as in catalog.changes.
FOLD = f"""
CREATE FUNCTION catalog_fold_changes() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('catalog.changes')) THEN
        RETURN;  -- another process is at it
    END IF;
    WITH public AS ({NEWEST}),
    noted AS (DELETE FROM catalog_cataloguechange WHERE shows_at IS NULL OR {SHOWS} RETURNING *)
    INSERT INTO catalog_foldedchanges AS folded (public, number, last, transaction, at)
    SELECT kind.public, count(*), max(noted.id), max(noted.transaction), max(noted.at)
      FROM noted CROSS JOIN public
      JOIN (VALUES (true), (false)) AS kind (public)
        ON NOT kind.public OR {SHOWS} OR oldest <= public.newest AND noted.transaction <> public.newest
     GROUP BY kind.public
    ON CONFLICT (public) DO UPDATE SET number = folded.number + EXCLUDED.number,
       last = greatest(folded.last, EXCLUDED.last), transaction = greatest(folded.transaction, EXCLUDED.transaction),
       at = greatest(folded.at, EXCLUDED.at);
END $$;

CREATE FUNCTION catalog_fold_many() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM catalog_fold_changes();
    RETURN NULL;
END $$;
-- So that there are never many, with or without a worker: whoever asks for the state counts them.
CREATE TRIGGER catalog_fold_many AFTER INSERT ON catalog_cataloguechange
    FOR EACH ROW WHEN (NEW.id % 1000 = 0) EXECUTE FUNCTION catalog_fold_many();
"""

NOTE = "".join(_note(table, write) for table in TABLES for write in READ) + NOTE_EMPTIED + FOLD
NOTE_NO_MORE = (
    "DROP TRIGGER catalog_fold_many ON catalog_cataloguechange; DROP FUNCTION catalog_fold_many();\n"
    "DROP FUNCTION catalog_fold_changes();\n"
    + "".join(
        f"DROP TRIGGER catalog_note_{write} ON {table}; DROP FUNCTION {table}_{write}_noted();\n"
        for table in TABLES
        for write in READ
    )
    + "".join(f"DROP TRIGGER catalog_note_truncate ON {table};\n" for table in TABLES)
    + "DROP FUNCTION catalog_note_emptied();"
)
