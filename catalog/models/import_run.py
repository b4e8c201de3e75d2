"""An import: the run, its sheets, what was refused, and how each layout of a file is mapped."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from catalog.models.fields import text_array


class ImportState(models.TextChoices):
    """Where a run stands. Of those under WORKING a process is at it, or will be soon."""

    QUEUED = "queued", "Waiting to be read"
    READING = "reading", "Being read"
    MAPPING = "mapping", "Waiting for its columns"
    READY = "ready", "Waiting for confirmation"
    CONFIRMED = "confirmed", "Waiting to land"
    LANDING = "landing", "Landing"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    UNDOING = "undoing", "Being undone"
    UNDONE = "undone", "Undone"


WAITING = (ImportState.MAPPING, ImportState.READY)  # for the person who made it
WORKING = (
    ImportState.QUEUED,
    ImportState.READING,
    ImportState.CONFIRMED,
    ImportState.LANDING,
    ImportState.UNDOING,
)
LANDED = (ImportState.DONE, ImportState.UNDOING, ImportState.UNDONE)


class ImportOrigin(models.TextChoices):
    """The door that a run came by."""

    ADMIN = "admin", "Admin"
    API = "api", "API"
    COMMAND = "command", "Command"


class Outcome(models.TextChoices):
    """What becomes of a row of the file."""

    NEW = "new", "New"
    CHANGED = "changed", "Changed"
    UNCHANGED = "unchanged", "Unchanged"
    REJECTED = "rejected", "Rejected"
    LEFT_OUT = "left_out", "Left out"


class Counts(models.Model):
    """Rows of the file: rows = created + changed + unchanged + rejected + left_out. Withdrawn are items beside them."""

    rows = models.IntegerField(default=0)
    created = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    unchanged = models.IntegerField(default=0)
    rejected = models.IntegerField(default=0)
    left_out = models.IntegerField(default=0, help_text="By the person, or by the policy on what exists.")
    withdrawn = models.IntegerField(default=0, help_text="Items that a full stock list does not name.")
    issue_count = models.IntegerField(default=0, help_text="Faults of the rejected rows, all of them.")
    changed_fields = models.JSONField(
        default=dict, blank=True, help_text="How many of the changed rows change each field."
    )

    class Meta:
        abstract = True


class ImportRun(Counts):
    """One file brought by one person or command. Until it is done nobody else but its owner sees into it.

    `history_context` is pghistory's context under which its rows landed: all that the run wrote.
    """

    target = models.CharField(
        max_length=20,
        help_text="vehicle, memorabilia, tool, production, term, appearance, image, or workbook for several.",
    )
    origin = models.CharField(max_length=10, choices=ImportOrigin, default=ImportOrigin.COMMAND)
    file_name = models.CharField(max_length=255)
    file_key = models.CharField(max_length=1024, blank=True, help_text="Where the bucket keeps the file.")
    file_size = models.BigIntegerField(default=0, help_text="Bytes.")
    file_sha256 = models.CharField(max_length=64, blank=True)
    options = models.JSONField(default=dict, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Without a constraint: the id stays when the key is gone, so that what it limited stays limited.
    started_key = models.ForeignKey(
        "accounts.ApiKey",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        blank=True,
        related_name="+",
        help_text="The API key that brought it.",
    )
    state = models.CharField(max_length=10, choices=ImportState, default=ImportState.QUEUED)
    message = models.TextField(blank=True, help_text="What happened, in one sentence.")
    warnings = models.JSONField(default=list, blank=True)
    log = models.JSONField(
        default=list, blank=True, encoder=DjangoJSONEncoder, help_text="Times and sentences."
    )
    rows_read = models.IntegerField(default=0)
    seen_at = models.DateTimeField(null=True, blank=True, help_text="Last sign of the process that is at it.")
    cancel_requested = models.BooleanField(default=False)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    confirmed_key = models.ForeignKey(
        "accounts.ApiKey",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        blank=True,
        related_name="+",
        help_text="The API key that confirmed it.",
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_withdrawals = models.IntegerField(
        null=True, blank=True, help_text="The number that the person agreed to."
    )
    history_context = models.UUIDField(null=True, blank=True)
    undo_context = models.UUIDField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    undone_key = models.ForeignKey(
        "accounts.ApiKey",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        blank=True,
        related_name="+",
        help_text="The API key that asked for its undo.",
    )
    undone_at = models.DateTimeField(null=True, blank=True)
    undo_options = models.JSONField(default=dict, blank=True)
    undo_counts = models.JSONField(default=dict, blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=ImportState.values),
                name="%(app_label)s_%(class)s_state_known",
                violation_error_message="The state is not one that an import can have.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-started_at", "-id"], name="catalog_importrun_newest"
            ),  # admin list, API list
            # what the worker has to look after
            models.Index(
                fields=["id"], condition=Q(state__in=[*WAITING, *WORKING]), name="catalog_importrun_open"
            ),
        ]
        permissions = (
            ("preview_importrun", "Can preview an import"),
            ("confirm_importrun", "Can let an import land"),
            ("undo_importrun", "Can undo an import"),
        )

    def __str__(self) -> str:
        return f"{self.file_name} ({self.started_at:%Y-%m-%d %H:%M})"

    @property
    def has_landed(self) -> bool:
        return self.state in LANDED


class ImportSheet(Counts):
    """One table of the file: the only one, or a sheet of a workbook."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="sheets")
    position = models.IntegerField()
    name = models.CharField(
        max_length=100, blank=True, help_text="The sheet's; empty for a file of one table."
    )
    target = models.CharField(max_length=20)
    header = text_array("header", help_text="As the file has it.")
    header_line = models.IntegerField(default=1)
    sample = models.JSONField(default=list, blank=True, help_text="The first rows, as lists of texts.")
    mapping = models.JSONField(default=dict, blank=True, help_text="How columns are made of the file's.")
    notes = models.JSONField(default=list, blank=True, help_text="What the reader had to say, in sentences.")
    left_out_columns = text_array("columns left out")
    left_out_lines = ArrayField(models.IntegerField(), default=list, blank=True)
    marks = models.JSONField(
        default=dict, blank=True, help_text="What the catalogue was like when this was judged."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="%(app_label)s_%(class)s_once"),
        ]

    def __str__(self) -> str:
        return self.name or self.target


class ImportIssue(models.Model):
    """One fault of one row of a run."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="issues")
    sheet = models.CharField(max_length=100, blank=True)
    line = models.IntegerField(help_text="Line of the file, its first line being 1.")
    column = models.CharField(max_length=100, blank=True)
    value = models.TextField(blank=True)
    message = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["run", "sheet", "line", "id"], name="catalog_importissue_in_order")]

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.message}"


class ImportLayout(models.Model):
    """How files with this header were mapped, so that the next one of its kind needs no click."""

    target = models.CharField(max_length=20)
    signature = models.CharField(max_length=64, help_text="SHA-256 of the header's names.")
    name = models.CharField(max_length=255, help_text="The file that it was made for, unless renamed.")
    header = text_array("header")
    mapping = models.JSONField(default=dict, blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "signature"],
                name="%(app_label)s_%(class)s_once",
                violation_error_message="This layout is remembered already.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
