from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("media_sync", "0005_media_roles")]
    operations = [
        migrations.AddField(
            model_name="syncrun",
            name="endpoint",
            field=models.CharField(
                blank=True, default="", help_text="The server's address; empty: Amazon's.", max_length=255
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="syncrun",
            name="absent",
            field=models.IntegerField(default=0, help_text="Records whose object is missing, after the run."),
        ),
        migrations.AddField(
            model_name="syncrun",
            name="unrecorded",
            field=models.IntegerField(default=0, help_text="Objects without a record, after the run."),
        ),
        migrations.AddField(
            model_name="syncrun",
            name="ambiguous",
            field=models.IntegerField(default=0, help_text="Possible moves that were not unique."),
        ),
    ]
