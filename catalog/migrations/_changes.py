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

NOTE = "".join(_note(table, write) for table in TABLES for write in READ) + NOTE_EMPTIED
NOTE_NO_MORE = (
    "".join(
        f"DROP TRIGGER catalog_note_{write} ON {table}; DROP FUNCTION {table}_{write}_noted();\n"
        for table in TABLES
        for write in READ
    )
    + "".join(f"DROP TRIGGER catalog_note_truncate ON {table};\n" for table in TABLES)
    + "DROP FUNCTION catalog_note_emptied();"
)
