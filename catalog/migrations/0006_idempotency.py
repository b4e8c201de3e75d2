"""Requests that were answered, so that a repetition gets the same answer; and the slug that stands for many rows."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

# Such a row could not be reached: at its address many are written.
FREE = """UPDATE catalog_item SET slug = 'bulk-' || left(md5(reference), 10) WHERE slug = 'bulk';
UPDATE catalog_production SET slug = 'bulk-' || id WHERE slug = 'bulk';"""
SENTENCE = "The slug cannot be bulk: that address writes many at once."


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0005_media_processing"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="AnsweredRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.BinaryField(help_text="SHA-256 of method, address and body.", max_length=32)),
                ("status", models.PositiveSmallIntegerField()),
                ("headers", models.JSONField(default=dict)),
                ("body", models.BinaryField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ("owner", models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL,
                )),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["created_at"], name="catalog_answered_by_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "key"), name="catalog_answeredrequest_once"),
                ],
            },
        ),
        migrations.RunSQL(FREE, migrations.RunSQL.noop),
        *[
            migrations.AddConstraint(
                model_name=model,
                constraint=models.CheckConstraint(
                    condition=models.Q(("slug", "bulk"), _negated=True),
                    name=f"catalog_{model}_slug_free",
                    violation_error_message=SENTENCE,
                ),
            )
            for model in ("item", "production")
        ],
    ]
