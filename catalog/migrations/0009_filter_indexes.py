"""Indexes for the filters that had none: model, and the columns of few values."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0008_catalogue_version")]
    operations = [
        migrations.AddIndex(
            model_name="item", index=models.Index(fields=["model"], name="catalog_item_model")
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                fields=["availability", "condition", "authenticity", "currency"], name="catalog_item_choices"
            ),
        ),
    ]
