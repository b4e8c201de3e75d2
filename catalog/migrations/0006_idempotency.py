"""Requests that were answered, so that a repetition gets the same answer."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_media_processing")]
    operations = []
