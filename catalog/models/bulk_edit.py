"""An edit of many items at once: what was asked for, of which items, and what came of it."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from catalog.models.fields import text_array


class BulkEditState(models.TextChoices):
    """Where an edit stands. In WAITING and UNDOING a process is at it, or will be soon."""

    WAITING = "waiting", "Under way"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    UNDOING = "undoing", "Being undone"
    UNDONE = "undone", "Undone"


OPEN_EDITS = (BulkEditState.WAITING, BulkEditState.UNDOING)


class BulkEdit(models.Model):
    """`changes` by field: `{"op": "set" | "add" | "remove", "value": ...}`, values as JSON has them.

    The items are fixed when the person confirms. What they were before is in the history under `history_context`.
    """

    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=10, choices=BulkEditState, default=BulkEditState.WAITING)
    page = models.CharField(max_length=20, help_text="The list it was made on: item, vehicle, ...")
    query = models.TextField(blank=True, help_text="That list's filters, as in its address.")
    selection = models.TextField(blank=True, help_text="The filters that found the items, for people.")
    changes = models.JSONField(default=dict)
    kinds = text_array("kinds", help_text="The kinds of the items.")
    item_ids = ArrayField(models.BigIntegerField(), default=list)
    matched = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    refused = models.IntegerField(default=0, help_text="Items that a rule keeps as they were.")
    message = models.TextField(blank=True, help_text="What happened, in a sentence.")
    history_context = models.UUIDField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    restored = models.IntegerField(default=0)
    left_alone = models.IntegerField(default=0, help_text="Items that were changed again since.")
    left_sample = models.JSONField(default=list, blank=True, help_text="Some of those, by name.")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()  # who may change a kind of items may see and undo its edits
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=BulkEditState.values),
                name="%(app_label)s_%(class)s_state_known",
                violation_error_message="The state is not one that an edit can have.",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="catalog_bulkedit_newest"),  # admin list
            models.Index(
                fields=["id"], condition=Q(state__in=OPEN_EDITS), name="catalog_bulkedit_open"
            ),  # what the worker looks after
        ]

    def __str__(self) -> str:
        return f"Edit of {self.matched:,} items ({self.created_at:%Y-%m-%d %H:%M})"
