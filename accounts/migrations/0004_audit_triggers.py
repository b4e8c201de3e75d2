"""What the database records by itself, whichever door a change comes by: the admin, a command, SQL.

Who did it stands in the transaction's setting `pghistory.context_metadata` (marketplace.history sets it
with every write of a request); without one, nobody is named.
"""

import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.db import migrations, models

# TRUNCATE stays possible: it is how a test's database is emptied.
APPEND_ONLY = """
CREATE FUNCTION accounts_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit record is only added to; its rows are neither changed nor deleted.'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER accounts_audit_append_only BEFORE UPDATE OR DELETE ON accounts_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_append_only();
"""
DROP_APPEND_ONLY = """
DROP TRIGGER accounts_audit_append_only ON accounts_auditevent;
DROP FUNCTION accounts_audit_append_only;
"""

RECORD = """
CREATE FUNCTION accounts_audit(what text, whom text, more jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    here jsonb := coalesce(nullif(current_setting('pghistory.context_metadata', true), ''), '{}');
    who bigint := here->>'user';
BEGIN
    INSERT INTO accounts_auditevent (action, actor_id, actor, subject, address, device, request_id, detail)
    VALUES (
        what, who, coalesce((SELECT username FROM accounts_user WHERE id = who), ''), left(whom, 300),
        nullif(here->>'address', '')::inet, coalesce(here->>'device', ''), coalesce(here->>'request_id', ''), more
    );
END $$;
"""
DROP_RECORD = "DROP FUNCTION accounts_audit;"

# Passwords are not among them: the database cannot tell a new password from a new hash of the old one.
ACCOUNTS = """
CREATE FUNCTION accounts_audit_account() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    watched CONSTANT text[] := ARRAY['username', 'is_active', 'is_staff', 'is_superuser'];
    was jsonb;
    becomes jsonb;
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM accounts_audit('account_created', NEW.username, jsonb_build_object(
            'account', NEW.id,
            'is_active', NEW.is_active, 'is_staff', NEW.is_staff, 'is_superuser', NEW.is_superuser
        ));
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM accounts_audit('deleted', 'account ' || OLD.username, jsonb_build_object(
            'account', OLD.id, 'count', 1, 'first', jsonb_build_array(OLD.username)
        ));
        RETURN OLD;
    END IF;
    SELECT jsonb_object_agg(key, o.value), jsonb_object_agg(key, n.value) INTO was, becomes
        FROM jsonb_each(to_jsonb(OLD)) AS o JOIN jsonb_each(to_jsonb(NEW)) AS n USING (key)
        WHERE key = ANY (watched) AND o.value <> n.value;
    PERFORM accounts_audit('rights_changed', NEW.username, jsonb_build_object(
        'account', NEW.id, 'old', was, 'new', becomes
    ));
    RETURN NEW;
END $$;
CREATE TRIGGER accounts_audit_created AFTER INSERT ON accounts_user
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_account();
CREATE TRIGGER accounts_audit_changed AFTER UPDATE ON accounts_user
    FOR EACH ROW WHEN (
        (OLD.username, OLD.is_active, OLD.is_staff, OLD.is_superuser)
        IS DISTINCT FROM (NEW.username, NEW.is_active, NEW.is_staff, NEW.is_superuser)
    ) EXECUTE FUNCTION accounts_audit_account();
-- Before, so that one who deletes the account at hand can still be named.
CREATE TRIGGER accounts_audit_deleted BEFORE DELETE ON accounts_user
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_account();
"""
DROP_ACCOUNTS = """
DROP TRIGGER accounts_audit_deleted ON accounts_user;
DROP TRIGGER accounts_audit_changed ON accounts_user;
DROP TRIGGER accounts_audit_created ON accounts_user;
DROP FUNCTION accounts_audit_account;
"""

GROUPS = """
CREATE FUNCTION accounts_audit_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM accounts_audit('deleted', 'group ' || OLD.name, jsonb_build_object(
            'group', OLD.id, 'count', 1, 'first', jsonb_build_array(OLD.name)
        ));
    ELSIF TG_OP = 'INSERT' THEN
        PERFORM accounts_audit('rights_changed', 'group ' || NEW.name, jsonb_build_object(
            'group', NEW.id, 'new', jsonb_build_object('name', NEW.name)
        ));
    ELSE
        PERFORM accounts_audit('rights_changed', 'group ' || NEW.name, jsonb_build_object(
            'group', NEW.id, 'old', jsonb_build_object('name', OLD.name), 'new', jsonb_build_object('name', NEW.name)
        ));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_audit_made AFTER INSERT OR DELETE ON auth_group
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_group();
CREATE TRIGGER accounts_audit_renamed AFTER UPDATE ON auth_group
    FOR EACH ROW WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION accounts_audit_group();
"""
DROP_GROUPS = """
DROP TRIGGER accounts_audit_renamed ON auth_group;
DROP TRIGGER accounts_audit_made ON auth_group;
DROP FUNCTION accounts_audit_group;
"""

# What is given or taken (the trigger's argument says which) is told once for each holder and statement.
HELD = """
CREATE FUNCTION accounts_audit_groups_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM accounts_audit('rights_changed', coalesce(u.username, ''), jsonb_build_object(
            'account', c.user_id, TG_ARGV[0] || '_groups', c.names
        ))
        FROM (
            SELECT user_id, jsonb_agg(g.name ORDER BY g.name) AS names
            FROM changed LEFT JOIN auth_group AS g ON g.id = group_id GROUP BY user_id
        ) AS c LEFT JOIN accounts_user AS u ON u.id = c.user_id;
    RETURN NULL;
END $$;
CREATE FUNCTION accounts_audit_permissions_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM accounts_audit('rights_changed', coalesce(u.username, ''), jsonb_build_object(
            'account', c.user_id, TG_ARGV[0] || '_permissions', c.names
        ))
        FROM (
            SELECT user_id, jsonb_agg(t.app_label || '.' || p.codename ORDER BY t.app_label, p.codename) AS names
            FROM changed LEFT JOIN auth_permission AS p ON p.id = permission_id
                LEFT JOIN django_content_type AS t ON t.id = p.content_type_id GROUP BY user_id
        ) AS c LEFT JOIN accounts_user AS u ON u.id = c.user_id;
    RETURN NULL;
END $$;
CREATE FUNCTION accounts_audit_permissions_of_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM accounts_audit('rights_changed', 'group ' || coalesce(g.name, ''), jsonb_build_object(
            'group', c.group_id, TG_ARGV[0] || '_permissions', c.names
        ))
        FROM (
            SELECT group_id, jsonb_agg(t.app_label || '.' || p.codename ORDER BY t.app_label, p.codename) AS names
            FROM changed LEFT JOIN auth_permission AS p ON p.id = permission_id
                LEFT JOIN django_content_type AS t ON t.id = p.content_type_id GROUP BY group_id
        ) AS c LEFT JOIN auth_group AS g ON g.id = c.group_id;
    RETURN NULL;
END $$;
"""
DROP_HELD = """
DROP FUNCTION accounts_audit_groups_of_user;
DROP FUNCTION accounts_audit_permissions_of_user;
DROP FUNCTION accounts_audit_permissions_of_group;
"""
TABLES = {
    "accounts_user_groups": "accounts_audit_groups_of_user",
    "accounts_user_user_permissions": "accounts_audit_permissions_of_user",
    "auth_group_permissions": "accounts_audit_permissions_of_group",
}


def on_held(table: str, function: str) -> migrations.RunSQL:
    """Record what any statement gives or takes."""
    create, drop = [], []
    for event, rows, word in (("insert", "NEW", "added"), ("delete", "OLD", "removed")):
        create.append(
            f"CREATE TRIGGER accounts_audit_{word} AFTER {event.upper()} ON {table} REFERENCING {rows} TABLE AS changed"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {function}('{word}');"
        )
        drop.append(f"DROP TRIGGER accounts_audit_{word} ON {table};")
    return migrations.RunSQL("\n".join(create), "\n".join(drop))


# For any table: one event for the rows that a statement deletes (they are read once and joined with nothing).
# The trigger's arguments: what one is called, what several are, and the column that holds their names.
DELETIONS = """
CREATE FUNCTION accounts_audit_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    total bigint;
    names text[];
BEGIN
    SELECT count(*) INTO total FROM gone;
    IF total = 0 THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(to_jsonb(few) ->> TG_ARGV[2]) INTO names FROM (SELECT * FROM gone ORDER BY id LIMIT 20) AS few;
    PERFORM accounts_audit('deleted', concat(
            total, ' ', CASE total WHEN 1 THEN TG_ARGV[0] ELSE TG_ARGV[1] END, ': ',
            array_to_string(names[1:5], ', '), CASE WHEN total > 5 THEN ' ...' END
        ), jsonb_build_object('count', total, 'first', to_jsonb(names)));
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_audit_deleted AFTER DELETE ON accounts_apikey REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_deletion('API key', 'API keys', 'prefix');
"""
DROP_DELETIONS = """
DROP TRIGGER accounts_audit_deleted ON accounts_apikey;
DROP FUNCTION accounts_audit_deletion;
"""


def upper(column: str) -> django.contrib.postgres.indexes.OpClass:
    return django.contrib.postgres.indexes.OpClass(
        django.db.models.functions.text.Upper(column), name="text_pattern_ops"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_sessions_end_with_rights"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [
        migrations.AddIndex(
            "auditevent", models.Index(upper("actor"), name="accounts_audit_actor_name")
        ),
        migrations.AddIndex(
            "auditevent", models.Index(upper("subject"), name="accounts_audit_subject")
        ),
        migrations.AddIndex(
            "auditevent", models.Index(fields=["address"], name="accounts_audit_address")
        ),
        migrations.AddIndex(
            "auditevent",
            models.Index(
                fields=["request_id"],
                condition=models.Q(("request_id", ""), _negated=True),
                name="accounts_audit_request",
            ),
        ),
        migrations.AddIndex(
            "auditevent",
            django.contrib.postgres.indexes.GinIndex(
                fields=["detail"],
                opclasses=["jsonb_path_ops"],
                condition=models.Q(("action", "deleted")),
                name="accounts_audit_deleted",
            ),
        ),
        migrations.RunSQL(APPEND_ONLY, DROP_APPEND_ONLY),
        migrations.RunSQL(RECORD, DROP_RECORD),
        migrations.RunSQL(ACCOUNTS, DROP_ACCOUNTS),
        migrations.RunSQL(GROUPS, DROP_GROUPS),
        migrations.RunSQL(HELD, DROP_HELD),
        *(on_held(table, function) for table, function in TABLES.items()),
        migrations.RunSQL(DELETIONS, DROP_DELETIONS),
    ]
