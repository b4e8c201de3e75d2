"""SQL that notes every write of what readers see; migration 0008 runs it.

A change is public where it touches a row that everybody may read. What is written of drafts alone must not show in
the tags of public answers either.
"""

PUBLIC_ITEM = "item.status = 'published' AND item.published_at <= now()"
OF_ITEM = f"EXISTS (SELECT FROM catalog_item AS item WHERE item.id = row.{{column}} AND {PUBLIC_ITEM})"

# What answers are made of, and when a row of it is public. Words for spellings that are meant are counted, too, since
# they come later than their items.
TABLES = {
    "catalog_item": PUBLIC_ITEM.replace("item.", "row."),
    "catalog_appearance": OF_ITEM.format(column="item_id"),
    "catalog_mediaasset": OF_ITEM.format(column="item_id"),
    "catalog_searchword": OF_ITEM.format(column="witness"),
    "catalog_term": "true",
    # As ProductionQuerySet.visible_to: those in which nothing appears, or something that is public.
    "catalog_production": (
        "NOT EXISTS (SELECT FROM catalog_appearance AS seen WHERE seen.production_id = row.id) OR EXISTS ("
        "SELECT FROM catalog_appearance AS seen JOIN catalog_item AS item ON item.id = seen.item_id"
        f" WHERE seen.production_id = row.id AND {PUBLIC_ITEM})"
    ),
}
# A film goes out of the public list with the first draft that appears in it, and comes back when the last one goes.
FIRST_OR_LAST = """ OR EXISTS (
            SELECT FROM (SELECT production_id, count(*) AS number FROM written GROUP BY production_id) AS film
             WHERE (SELECT count(*) FROM catalog_appearance AS seen WHERE seen.production_id = film.production_id)
                   = CASE TG_OP WHEN 'DELETE' THEN 0 ELSE film.number END)"""
READ = {
    "insert": ("NEW TABLE AS written", "written"),
    "delete": ("OLD TABLE AS written", "written"),
    "update": (
        "OLD TABLE AS gone NEW TABLE AS written",
        "(SELECT * FROM written UNION ALL SELECT * FROM gone)",
    ),
}


def _note(table: str, write: str) -> str:
    tables, rows = READ[write]
    name = f"{table}_{write}_noted"
    more = FIRST_OR_LAST if table == "catalog_appearance" else ""
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM written) THEN  -- a statement that found no row changed nothing
        INSERT INTO catalog_cataloguechange (public)
        SELECT EXISTS (SELECT FROM {rows} AS row WHERE {TABLES[table]}){more};
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER catalog_note_{write} AFTER {write.upper()} ON {table} REFERENCING {tables}
    FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""


NOTE_EMPTIED = """
CREATE FUNCTION catalog_note_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_cataloguechange (public) VALUES (true);
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
