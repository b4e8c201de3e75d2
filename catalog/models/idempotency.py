"""Requests that were answered, so that a repetition gets the same answer."""

from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

KEPT = timedelta(hours=24)


class AnsweredRequestQuerySet(models.QuerySet["AnsweredRequest"]):
    def kept(self) -> Self:
        """Narrow to those that a repetition still gets."""
        return self.filter(created_at__gt=Now() - KEPT)

    def outlived(self) -> Self:
        """Narrow to those that nobody gets any more."""
        return self.filter(created_at__lte=Now() - KEPT)


AnsweredRequestManager = models.Manager.from_queryset(AnsweredRequestQuerySet)


class AnsweredRequest(models.Model):
    """The answer to a request that carried an `Idempotency-Key`; written in the transaction that did what it says.

    A request that is still running has no row: it holds a lock, which ends with its transaction however that ends.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32, help_text="SHA-256 of method, address and body.")
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = AnsweredRequestManager()

    class Meta:
        default_permissions = ()  # nobody looks at them
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="%(app_label)s_%(class)s_once"),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="catalog_answered_by_age"),  # the nightly pruning
        ]

    def __str__(self) -> str:
        return f"{self.status} to {self.key}"
