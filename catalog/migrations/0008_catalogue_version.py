"""A number that every write of what readers see counts up, so that answers can be kept and asked for again."""

from django.db import migrations, models
from django.db.models.functions import Now

from catalog.migrations import _changes


class Migration(migrations.Migration):
    dependencies = [("catalog", "0007_search_words")]
    operations = [
        migrations.CreateModel(
            name="CatalogueChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_default=Now())),
                (
                    "shows_at",
                    models.DateTimeField(
                        null=True,
                        help_text="From when on everybody may read some of what was written; null: drafts alone.",
                    ),
                ),
                (
                    "transaction",
                    models.BigIntegerField(
                        help_text="The writer's, by PostgreSQL's number that never returns."
                    ),
                ),
                (
                    "oldest",
                    models.BigIntegerField(help_text="The oldest transaction that had not ended at the write."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="FoldedChanges",
            fields=[
                ("public", models.BooleanField(primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
                ("transaction", models.BigIntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={"verbose_name_plural": "folded changes"},
        ),
        migrations.RunSQL(_changes.NOTE, _changes.NOTE_NO_MORE),
    ]
