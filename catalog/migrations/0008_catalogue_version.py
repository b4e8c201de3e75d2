"""What tells readers of the catalogue that it has changed."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalog", "0007_search_words")]
    operations = []
