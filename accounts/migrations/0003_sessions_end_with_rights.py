"""What the database keeps of accounts, whichever door a write comes by (accounts.models says what for)."""

from django.db import migrations

# A stale copy of the row that somebody saves must not bring an old epoch back: it only grows.
KEEP_EPOCH = """
CREATE FUNCTION accounts_keep_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.session_epoch := greatest(NEW.session_epoch, OLD.session_epoch);
    IF (NEW.password, NEW.is_active, NEW.is_staff, NEW.is_superuser)
            IS DISTINCT FROM (OLD.password, OLD.is_active, OLD.is_staff, OLD.is_superuser) THEN
        NEW.session_epoch := OLD.session_epoch + 1;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER accounts_keep_epoch BEFORE UPDATE ON accounts_user
    FOR EACH ROW EXECUTE FUNCTION accounts_keep_epoch();

CREATE FUNCTION accounts_end_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts_session SET ended_at = now(), end_reason = CASE
            WHEN NOT NEW.is_active AND OLD.is_active THEN 'deactivated'
            WHEN NEW.password <> OLD.password THEN 'password'
            ELSE 'rights' END
        WHERE user_id = NEW.id AND ended_at IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_end_sessions AFTER UPDATE ON accounts_user
    FOR EACH ROW WHEN (NEW.session_epoch > OLD.session_epoch) EXECUTE FUNCTION accounts_end_sessions();
"""
DROP_KEEP_EPOCH = """
DROP TRIGGER accounts_end_sessions ON accounts_user;
DROP FUNCTION accounts_end_sessions;
DROP TRIGGER accounts_keep_epoch ON accounts_user;
DROP FUNCTION accounts_keep_epoch;
"""

# Of a family that ends, the one token that waits to be used goes onto simplejwt's blacklist.
BLACKLIST = """
CREATE FUNCTION accounts_blacklist_family() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO token_blacklist_blacklistedtoken (token_id, blacklisted_at)
        SELECT outstanding_id, now() FROM accounts_refreshtoken WHERE session_id = NEW.id AND consumed_at IS NULL
        ON CONFLICT (token_id) DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_blacklist_family AFTER UPDATE ON accounts_session
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION accounts_blacklist_family();
"""
DROP_BLACKLIST = """
DROP TRIGGER accounts_blacklist_family ON accounts_session;
DROP FUNCTION accounts_blacklist_family;
"""

# Accounts are locked in the order of their numbers, so that two such statements do not wait in a circle.
GROW_BY_USER = """
CREATE FUNCTION accounts_rights_of_users() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM accounts_user WHERE id IN (SELECT user_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
    UPDATE accounts_user SET session_epoch = session_epoch + 1
        WHERE id IN (SELECT user_id FROM changed);
    RETURN NULL;
END $$;
CREATE FUNCTION accounts_rights_of_groups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM accounts_user WHERE id IN
        (SELECT user_id FROM accounts_user_groups WHERE group_id IN (SELECT group_id FROM changed))
        ORDER BY id FOR NO KEY UPDATE;
    UPDATE accounts_user SET session_epoch = session_epoch + 1
        WHERE id IN (SELECT user_id FROM accounts_user_groups WHERE group_id IN (SELECT group_id FROM changed));
    RETURN NULL;
END $$;
"""
DROP_GROW_BY_USER = """
DROP FUNCTION accounts_rights_of_users;
DROP FUNCTION accounts_rights_of_groups;
"""
TABLES = {
    "accounts_user_groups": "accounts_rights_of_users",
    "accounts_user_user_permissions": "accounts_rights_of_users",
    "auth_group_permissions": "accounts_rights_of_groups",
}


def on_rights(table: str, function: str) -> migrations.RunSQL:
    """Let rights that are given or taken by any statement on the table end the sessions they bear on."""
    create, drop = [], []
    for event, rows in (("insert", "NEW"), ("delete", "OLD")):
        name = f"{function}_{event}"
        create.append(
            f"CREATE TRIGGER {name} AFTER {event.upper()} ON {table} REFERENCING {rows} TABLE AS changed"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {function}();"
        )
        drop.append(f"DROP TRIGGER {name} ON {table};")
    return migrations.RunSQL("\n".join(create), "\n".join(drop))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_sessions_keys_audit"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("token_blacklist", "0013_alter_blacklistedtoken_options_and_more"),
    ]
    operations = [
        migrations.RunSQL(KEEP_EPOCH, DROP_KEEP_EPOCH),
        migrations.RunSQL(BLACKLIST, DROP_BLACKLIST),
        migrations.RunSQL(GROW_BY_USER, DROP_GROW_BY_USER),
        *(on_rights(table, function) for table, function in TABLES.items()),
    ]
