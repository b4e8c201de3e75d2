"""How far the catalogue has come: every write of what readers see is noted here."""

from django.db import models
from django.db.models.functions import Now


class CatalogueChange(models.Model):
    """One statement that wrote what readers see. Triggers add it, in the writer's own transaction.

    Rows, not a counter: writers never wait for one another. `catalog.changes` counts them, and folds them up.
    """

    at = models.DateTimeField(db_default=Now())
    shows_at = models.DateTimeField(
        null=True, help_text="From when on everybody may read some of what was written; null: drafts alone."
    )
    transaction = models.BigIntegerField(help_text="The writer's, by PostgreSQL's number that never returns.")
    oldest = models.BigIntegerField(help_text="The oldest transaction that had not ended at the write.")

    def __str__(self) -> str:
        return f"change {self.pk}"


class FoldedChanges(models.Model):
    """The changes that are counted already: how many, and which was the last of them, and when.

    One row for the public ones, one for all.
    """

    public = models.BooleanField(primary_key=True)
    number = models.BigIntegerField()
    last = models.BigIntegerField()
    transaction = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "folded changes"

    def __str__(self) -> str:
        return f"{self.number} changes"
