"""Words for suggestions and for spellings that are meant; facets."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_idempotency")]
    operations = []
