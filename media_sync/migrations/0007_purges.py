from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("media_sync", "0006_sync_reports")]
    operations = [
        migrations.AddField(
            model_name="syncrun",
            name="deleted",
            field=models.IntegerField(
                blank=True,
                help_text="Objects deleted for good; empty: the run was a sync and no purge.",
                null=True,
            ),
        ),
    ]
