"""What a person keeps on paper for the day that the phone is gone."""

from django.db import models
from django.utils import timezone

from accounts.models.user import User


class RecoveryCode(models.Model):
    """A code that stands in for the second factor once: taking it deletes the row. Kept as a keyed hash."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "code_hash"], name="accounts_recoverycode_once"),
        ]

    def __str__(self) -> str:
        return f"Recovery code of {self.user_id}"
