"""Counters of requests, for limits that hold over all processes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_sessions_stay_ended")]
    operations = []
