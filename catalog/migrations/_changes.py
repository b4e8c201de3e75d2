"""SQL that notes every write of what readers see; migration 0008 runs it."""

# What answers are made of. Words for spellings that are meant come later than their items, so they count, too.
TABLES = (
    "catalog_item",
    "catalog_appearance",
    "catalog_production",
    "catalog_term",
    "catalog_mediaasset",
    "catalog_searchword",
)
WRITES = {"insert": "NEW", "update": "NEW", "delete": "OLD"}

FUNCTIONS = """
CREATE FUNCTION catalog_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM written) THEN  -- a statement that found no row changed nothing
        INSERT INTO catalog_cataloguechange DEFAULT VALUES;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_note_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_cataloguechange DEFAULT VALUES;
    RETURN NULL;
END $$;
"""


def _triggers(table: str) -> str:
    noting = "".join(
        f"CREATE TRIGGER catalog_note_{write} AFTER {write.upper()} ON {table} REFERENCING {rows} TABLE AS written"
        " FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_change();\n"
        for write, rows in WRITES.items()
    )
    return (
        f"{noting}CREATE TRIGGER catalog_note_truncate AFTER TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_emptied();\n"
    )


NOTE = FUNCTIONS + "".join(_triggers(table) for table in TABLES)
NOTE_NO_MORE = (
    "".join(
        f"DROP TRIGGER catalog_note_{write} ON {table};\n"
        for table in TABLES
        for write in [*WRITES, "truncate"]
    )
    + "DROP FUNCTION catalog_note_change(); DROP FUNCTION catalog_note_emptied();"
)
