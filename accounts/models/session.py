"""Sign-ins that last: a browser's, or a family of refresh tokens."""

import uuid
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models.user import User


class SessionKind(models.TextChoices):
    API = "api", "API client"
    BROWSER = "browser", "Browser"


class EndReason(models.TextChoices):
    LOGOUT = "logout", "Signed out"
    LOGOUT_ALL = "logout_all", "Signed out everywhere"
    ENDED = "ended", "Ended in the list of sessions"
    REPLAY = "replay", "A refresh token was used twice"
    PASSWORD = "password", "Password changed"
    DEACTIVATED = "deactivated", "Account deactivated"
    RIGHTS = "rights", "Rights changed"


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self) -> Self:
        """Narrow to those that still open something."""
        return self.filter(
            ended_at=None,
            expires_at__gt=timezone.now(),
            epoch=F("user__session_epoch"),
            user__is_active=True,
        )

    def end(self, reason: EndReason) -> int:
        """End those that have not ended; return their number. Their tokens open nothing from now on."""
        return self.filter(ended_at=None).update(ended_at=Now(), end_reason=reason)


class Session(models.Model):
    """One sign-in. For an API client it is the family of its refresh tokens.

    It opens something while it has not ended, has not expired, and carries its account's present
    `session_epoch`. The database (trigger) ends the sessions of an account whose epoch grows, and
    blacklists the refresh tokens of one that ends.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    kind = models.CharField(max_length=8, choices=SessionKind)
    epoch = models.PositiveIntegerField(help_text="The account's session epoch at sign-in.")
    address = models.GenericIPAddressField(null=True, blank=True)
    device = models.CharField(max_length=200, blank=True, help_text="What the client calls itself.")
    verified_at = models.DateTimeField(null=True, blank=True, help_text="When a second factor was shown.")
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(help_text="However often it is used.")
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=12, choices=EndReason, blank=True)

    objects: ClassVar[models.Manager["Session"]] = models.Manager.from_queryset(SessionQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None, end_reason="") | Q(ended_at__isnull=False) & ~Q(end_reason=""),
                name="accounts_session_end_has_reason",
                violation_error_message="A session that has ended has a reason, and no other has.",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-last_used_at"], name="accounts_session_of_user"),
            models.Index(fields=["user", "address", "created_at"], name="accounts_session_known"),
            models.Index(fields=["expires_at"], name="accounts_session_expires"),
            models.Index(fields=["-last_used_at", "-id"], name="accounts_session_recent"),
            models.Index(
                fields=["end_reason", "-last_used_at", "-id"],
                condition=~Q(end_reason=""),
                name="accounts_session_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.user_id} since {self.created_at:%Y-%m-%d %H:%M}"


class RefreshToken(models.Model):
    """A refresh token of a family: which one it is, whether it was used, and what came after it.

    Of the token itself nothing is kept but a hash of its id, so that no row can be used to sign in.
    """

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="refresh_tokens")
    # simplejwt's own row for it, blacklisted when this one is consumed or its family ends.
    outstanding = models.OneToOneField(
        "token_blacklist.OutstandingToken", on_delete=models.CASCADE, related_name="+"
    )
    token_hash = models.BinaryField(unique=True, max_length=32, help_text="SHA-256 of the token's jti.")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True, blank=True)
    successor = models.OneToOneField(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="predecessor"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(successor=None) | Q(consumed_at__isnull=False),
                name="accounts_refreshtoken_successor_of_consumed",
                violation_error_message="Only a token that was used has a successor.",
            ),
            # A family has no branches: one token at a time is waiting to be used.
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(consumed_at=None),
                name="accounts_refreshtoken_one_waiting",
                violation_error_message="A session has one refresh token that can be used.",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="accounts_refreshtoken_expires")]

    def __str__(self) -> str:
        return f"Token {self.pk} of {self.session_id}"
