"""An UPDATE of a row that gives rights takes them from one and gives them to another, as 0003 and 0004 have it."""

from django.db import migrations

# What ends the sessions of those whom a change bears on, and what records it.
TABLES = {
    "accounts_user_groups": ("accounts_rights_of_users", "accounts_audit_groups_of_user"),
    "accounts_user_user_permissions": ("accounts_rights_of_users", "accounts_audit_permissions_of_user"),
    "auth_group_permissions": ("accounts_rights_of_groups", "accounts_audit_permissions_of_group"),
}


def on_moved(table: str, end: str, tell: str) -> migrations.RunSQL:
    """Let the rows as they were count as deleted ones, and the rows as they are as inserted ones."""
    create, drop = [], []
    for rows, word in (("OLD", "removed"), ("NEW", "added")):
        for name, function in ((f"{end}_{word}", f"{end}()"), (f"{tell}_{word}", f"{tell}('{word}')")):
            create.append(
                f"CREATE TRIGGER {name} AFTER UPDATE ON {table} REFERENCING {rows} TABLE AS changed"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {function};"
            )
            drop.append(f"DROP TRIGGER {name} ON {table};")
    return migrations.RunSQL("\n".join(create), "\n".join(drop))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_audit_triggers")]
    operations = [on_moved(table, *functions) for table, functions in TABLES.items()]
