"""Counts of requests, for limits that hold over all processes and machines."""

from django.db import models


class RequestCount(models.Model):
    """How many requests one client has made of one kind since its window opened.

    Rows are written by one INSERT .. ON CONFLICT DO UPDATE (accounts.counters), which counts exactly. The table is
    UNLOGGED: a count costs no write-ahead log, and a crash of the database begins all windows anew.
    """

    bucket = models.CharField(max_length=64, primary_key=True)
    requests = models.PositiveBigIntegerField()
    window_ends_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["window_ends_at"], name="accounts_requests_window")]

    def __str__(self) -> str:
        return f"{self.bucket}: {self.requests}"
