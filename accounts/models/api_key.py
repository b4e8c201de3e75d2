"""Keys for machines."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models.user import User


class ApiKey(models.Model):
    """A key that a program sends with each request. It never opens more than its owner may open at that moment.

    The key itself is shown once and not kept: `prefix` finds the row, `secret_hash` judges the rest.
    """

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, help_text="What it is for.")
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    secret_hash = models.BinaryField(max_length=32, editable=False, help_text="SHA-256 of the secret part.")
    scopes = ArrayField(
        models.CharField(max_length=100),
        help_text="read, write, or permissions by name such as catalog.change_vehicle.",
    )
    networks = ArrayField(
        models.CharField(max_length=49),
        default=list,
        blank=True,
        help_text="Where it may be used from, such as 203.0.113.0/24; empty: anywhere.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    verified_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When a second factor was shown in the sign-in that made it.",
    )
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="To the minute.")
    last_used_address = models.GenericIPAddressField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API key"
        indexes = [models.Index(fields=["owner", "-created_at"], name="accounts_apikey_of_owner")]

    def __str__(self) -> str:
        return f"{self.prefix} ({self.name})"
