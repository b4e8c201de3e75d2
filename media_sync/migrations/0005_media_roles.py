"""The five roles, with the rights to upload media and to put them into quarantine.

The table is a copy of accounts.roles.ROLES, so that this migration does the same whenever it runs. When the
table there changes, a new migration carries the new one; a test compares what the last one left with it.
"""

from django.contrib.auth.management import create_permissions
from django.db import migrations

from accounts import roles

VIEWER = """
    catalog.view_item catalog.view_vehicle catalog.view_memorabilia catalog.view_tool catalog.view_production
    catalog.view_appearance catalog.view_term catalog.view_mediaasset catalog.view_importrun media_sync.view_syncrun
"""
CURATOR = f"""{VIEWER}
    catalog.add_vehicle catalog.add_memorabilia catalog.add_tool catalog.add_production catalog.add_term
    catalog.change_vehicle catalog.change_memorabilia catalog.change_tool catalog.change_production
    catalog.change_term
    catalog.add_mediaasset catalog.change_mediaasset catalog.delete_mediaasset
    media_sync.view_mediabatch media_sync.add_mediabatch
    catalog.add_appearance catalog.change_appearance catalog.delete_appearance
    catalog.add_importrun catalog.preview_importrun catalog.confirm_importrun catalog.undo_importrun
    catalog.view_importlayout catalog.change_importlayout catalog.delete_importlayout
    catalog.export_vehicle catalog.export_memorabilia catalog.export_tool
    catalog.export_production catalog.export_term
"""
PUBLISHER = f"""{CURATOR}
    catalog.publish_vehicle catalog.publish_memorabilia catalog.publish_tool
    catalog.delete_vehicle catalog.delete_memorabilia catalog.delete_tool catalog.delete_production catalog.delete_term
"""
OPERATOR = f"""{VIEWER}
    media_sync.add_syncrun procrastinate.view_procrastinatejob accounts.view_auditevent
"""
ADMINISTRATOR = f"""{PUBLISHER} {OPERATOR}
    accounts.view_user accounts.add_user accounts.change_user accounts.delete_user
    accounts.view_apikey accounts.add_apikey accounts.change_apikey
    accounts.view_session accounts.change_session
    auth.view_group auth.add_group auth.change_group auth.delete_group
"""
TABLE = {
    "Viewer": VIEWER,
    "Curator": CURATOR,
    "Publisher": PUBLISHER,
    "Operator": OPERATOR,
    "Administrator": ADMINISTRATOR,
}
APPS = ("accounts", "auth", "catalog", "media_sync", "procrastinate")  # whose permissions the table names


def keep_roles(apps, schema_editor):
    # Django makes permissions after the last migration only; here they are needed now.
    for label in APPS:
        app = apps.get_app_config(label)
        app.models_module = True
        create_permissions(app, apps=apps, verbosity=0, using=schema_editor.connection.alias)
        app.models_module = None
    table = {role: names.split() for role, names in TABLE.items()}
    roles.keep(table, apps=apps)


class Migration(migrations.Migration):
    dependencies = [
        ("media_sync", "0004_uploads_and_batches"),
        ("catalog", "0005_media_processing"),
        ("accounts", "0004_audit_triggers"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]
    # A role stays when the migration is taken back: its members would lose their rights.
    operations = [migrations.RunPython(keep_roles, migrations.RunPython.noop)]
