"""How far the catalogue has come: a number that every write of what readers see counts up."""

from django.db import models
from django.db.models.functions import Now


class CatalogueChange(models.Model):
    """One statement that wrote what readers see. Triggers add it, in the writer's own transaction.

    Rows, not a counter: writers never wait for one another. `catalog.changes` counts them, and folds them up.
    """

    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"change {self.pk}"


class FoldedChanges(models.Model):
    """The changes that are counted already: how many, and which was the last of them, and when. One row at most."""

    number = models.BigIntegerField()
    last = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "folded changes"

    def __str__(self) -> str:
        return f"{self.number} changes"
