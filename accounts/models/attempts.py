"""Counts of sign-in attempts."""

from django.db import models


class AttemptCount(models.Model):
    """How many attempts one account or one address has had since its window opened.

    `bucket` names what is counted without telling it: a keyed hash. Rows are written by one
    INSERT .. ON CONFLICT DO UPDATE (accounts.attempts), which counts exactly over all processes.
    """

    bucket = models.CharField(max_length=64, primary_key=True)
    attempts = models.PositiveIntegerField()
    window_started_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["window_started_at"], name="accounts_attempts_window")]

    def __str__(self) -> str:
        return f"{self.attempts} since {self.window_started_at:%H:%M:%S}"
