"""The record of what people did with accounts and with the catalogue as a whole."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, Upper


class Action(models.TextChoices):
    SIGN_IN = "sign_in", "Signed in"
    SIGN_IN_FAILED = "sign_in_failed", "Sign-in failed"
    SIGN_IN_REFUSED = "sign_in_refused", "Sign-in refused: too many attempts"
    SIGN_OUT = "sign_out", "Signed out"
    SESSION_ENDED = "session_ended", "Session ended"
    TOKEN_REPLAYED = "token_replayed", "Refresh token used twice"
    PASSWORD_CHANGED = "password_changed", "Password changed"
    SECOND_FACTOR_ADDED = "second_factor_added", "Second factor added"
    SECOND_FACTOR_REMOVED = "second_factor_removed", "Second factor removed"
    RECOVERY_CODE_USED = "recovery_code_used", "Recovery code used"
    KEY_CREATED = "key_created", "API key created"
    KEY_REVOKED = "key_revoked", "API key revoked"
    ACCOUNT_CREATED = "account_created", "Account created"
    RIGHTS_CHANGED = "rights_changed", "Rights changed"
    EXPORT = "export", "Exported"
    IMPORT = "import", "Imported"
    DELETED = "deleted", "Deleted"


class AuditEvent(models.Model):
    """One thing that happened: who, what, when, from where. Rows are added and never changed (trigger).

    It names people and things by text and number, without foreign keys, so that it outlives them.
    It never holds a password, a token, a key, or what was typed in place of a name.
    """

    at = models.DateTimeField(db_default=Now(), editable=False)
    action = models.CharField(max_length=24, choices=Action)
    actor_id = models.BigIntegerField(null=True, blank=True, help_text="The account's number.")
    actor = models.CharField(max_length=150, blank=True, help_text="The account's name at that time.")
    subject = models.CharField(max_length=300, blank=True, help_text="What it was done to.")
    address = models.GenericIPAddressField(null=True, blank=True)
    device = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)

    class Meta:
        indexes = [
            models.Index(fields=["-at", "-id"], name="accounts_audit_recent"),
            models.Index(fields=["action", "-at"], name="accounts_audit_action"),
            models.Index(fields=["actor_id", "-at"], name="accounts_audit_actor"),
            # the admin's search: the start of a name or of a subject, a whole address or request id
            models.Index(OpClass(Upper("actor"), name="text_pattern_ops"), name="accounts_audit_actor_name"),
            models.Index(OpClass(Upper("subject"), name="text_pattern_ops"), name="accounts_audit_subject"),
            models.Index(fields=["address"], name="accounts_audit_address"),
            models.Index(fields=["request_id"], condition=~Q(request_id=""), name="accounts_audit_request"),
            # and by what was deleted: accounts_audit_deletion() keeps the first names in detail
            GinIndex(
                fields=["detail"],
                opclasses=["jsonb_path_ops"],
                condition=Q(action=Action.DELETED),
                name="accounts_audit_deleted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.subject or self.actor}"
