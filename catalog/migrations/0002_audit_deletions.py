"""Deletions in the catalogue go on the audit record, by whatever door: one event for each statement."""

from django.db import migrations

TABLES = {  # table: what one row is called, what several are, and the column that names them
    "catalog_item": ("item", "items", "reference"),
    "catalog_mediaasset": ("media file", "media files", "key"),
    "catalog_production": ("production", "productions", "title"),
    "catalog_term": ("term", "terms", "name"),
}


def on_deletion(table: str, one: str, several: str, column: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER accounts_audit_deleted AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone"
        f" FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_deletion('{one}', '{several}', '{column}');",
        f"DROP TRIGGER accounts_audit_deleted ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_audit_triggers"),
        ("catalog", "0001_initial"),
    ]
    operations = [on_deletion(table, *names) for table, names in TABLES.items()]
