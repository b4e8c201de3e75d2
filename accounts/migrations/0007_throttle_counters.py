"""Counters of requests, for limits that hold over all processes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_sessions_stay_ended")]
    operations = [
        migrations.CreateModel(
            name="RequestCount",
            fields=[
                ("bucket", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("requests", models.PositiveBigIntegerField()),
                ("window_ends_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["window_ends_at"], name="accounts_requests_window")]
            },
        ),
        # Counts need not outlive a crash. Room in each page lets a row be counted up in its place.
        migrations.RunSQL(
            "ALTER TABLE accounts_requestcount SET UNLOGGED;"
            "ALTER TABLE accounts_requestcount SET (fillfactor = 50);",
            migrations.RunSQL.noop,
        ),
    ]
