"""Indexes for the filters and orderings that had none, and one that serves makes with years and prices."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector
from django.db import migrations, models
from django.db.models.functions import Upper


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
        migrations.RemoveIndex(model_name="item", name="catalog_item_public_make"),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                condition=models.Q(status="published"),
                fields=["make", "price", "id"],
                include=["kind", "published_at", "production_years"],
                name="catalog_item_public_makes",
            ),
        ),
        migrations.AddIndex(
            model_name="item", index=models.Index("created_at", "id", name="catalog_item_created")
        ),
        migrations.AddIndex(
            model_name="production",
            index=models.Index(fields=["updated_at", "id"], name="catalog_production_updated"),
        ),
        migrations.AddIndex(
            model_name="production",
            index=models.Index(fields=["franchise"], name="catalog_production_franchise"),
        ),
        migrations.AddIndex(
            model_name="mediaasset",
            index=models.Index(
                condition=~models.Q(kind="image"), fields=["kind", "id"], name="catalog_media_not_image"
            ),
        ),
        migrations.AddIndex(
            model_name="mediaasset",
            index=models.Index(
                condition=~models.Q(processing="ready"),
                fields=["processing", "id"],
                name="catalog_media_not_ready",
            ),
        ),
        migrations.AddIndex(
            model_name="term",
            index=GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="catalog_term_name_trgm"),
        ),
        migrations.AddIndex(
            model_name="production",
            index=GinIndex(SearchVector("title", config="catalog_text"), name="catalog_production_words"),
        ),
    ]
