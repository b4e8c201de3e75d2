"""Imports as the API takes and tells them."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from catalog.api.bodies import Body, ObjectField
from catalog.api.import_mappings import by_rule
from catalog.api.serializers import Shape, words
from catalog.imports import columns
from catalog.imports.columns import WORKBOOK
from catalog.imports.errors import ImportRefused
from catalog.imports.life.files import check_name, plain_name
from catalog.imports.mapping.checks import check_rules
from catalog.imports.options import ImportOptions
from catalog.imports.pages.preview import WITHDRAWN
from catalog.imports.sources.readers import READERS
from catalog.models import ImportOrigin, ImportState, Outcome
from marketplace.parameters import LARGEST_INTEGER

DEFAULTS = ImportOptions()
TARGETS = (*columns.TARGETS, WORKBOOK)
MOST_LINES = 10_000  # of one request to leave rows out
MOST_SHEETS = 50
LONGEST_NAME = 255  # characters


def cells() -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(allow_blank=True))


def line() -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=LARGEST_INTEGER)


# What is sent


class UploadSerializer(Body):
    """The form of an upload: the file, what it holds, and the policies of the run."""

    file = serializers.FileField(max_length=LONGEST_NAME, help_text=f"{', '.join(sorted(READERS))}.")
    target = serializers.ChoiceField(
        choices=TARGETS,
        help_text="What the rows are; workbook: several sheets, each named for what it holds.",
    )
    land = serializers.ChoiceField(
        choices=("preview", "at_once"),
        default="preview",
        help_text="Wait for the confirmation, or land unasked where the preview leaves nothing to decide.",
    )
    mapping = ObjectField(
        required=False, help_text="For a file of one table: how our columns are made of the file's, as JSON."
    )
    on_error = serializers.ChoiceField(
        choices=("skip", "abort"),
        default=DEFAULTS.on_error,
        help_text="Land the good rows (skip), or nothing when one row is rejected (abort).",
    )
    max_rejected = serializers.IntegerField(
        min_value=0,
        max_value=LARGEST_INTEGER,
        allow_null=True,
        default=DEFAULTS.max_rejected,
        help_text="Nothing lands when more rows than this are rejected.",
    )
    blank = serializers.ChoiceField(
        choices=("keep", "clear"),
        default=DEFAULTS.blank,
        help_text="An empty cell leaves the field alone, or clears it.",
    )
    terms = serializers.ChoiceField(
        choices=("create", "refuse"),
        default=DEFAULTS.terms,
        help_text="Unknown words become terms, or their rows are rejected.",
    )
    existing = serializers.ChoiceField(
        choices=("both", "add", "update"),
        default=DEFAULTS.existing,
        help_text="Add new rows and update known ones (both), or only one of the two; others are left out.",
    )
    full_list = serializers.BooleanField(
        default=DEFAULTS.full_list, help_text="Withdraw items that the file does not name."
    )
    full_list_prefix = serializers.CharField(
        max_length=LONGEST_NAME,
        allow_blank=True,
        default=DEFAULTS.full_list_prefix,
        help_text="Only those whose reference begins so.",
    )
    max_withdrawn = serializers.DecimalField(
        max_digits=5,
        decimal_places=2,
        min_value=Decimal(0),
        max_value=Decimal(100),
        default=Decimal(str(DEFAULTS.max_withdrawn)),
        help_text="Percent of them; more are not withdrawn.",
    )

    def validate_file(self, file: Any) -> Any:
        try:
            check_name(plain_name(file.name))
        except ImportRefused as error:
            raise ValidationError(str(error), code="wrong_ending") from error
        return file

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Judge the mapping by what it is for; the header is not known before the file is read."""
        if mapping := attrs.get("mapping"):
            if attrs["target"] == WORKBOOK:
                raise ValidationError(
                    {"mapping": "The sheets of a workbook are mapped once it has been read."}
                )
            target = columns.TARGETS[attrs["target"]]
            if faults := by_rule(check_rules(mapping, target), target):
                raise ValidationError(faults)
        return attrs

    def options(self) -> ImportOptions:
        """Return the policies of what was sent."""
        given = {name: self.validated_data[name] for name in DEFAULTS.as_json()}
        return ImportOptions(**given | {"max_withdrawn": float(given["max_withdrawn"])})


class MappedSheetSerializer(Body):
    position = serializers.IntegerField(min_value=0, max_value=LARGEST_INTEGER)
    mapping = ObjectField(help_text="By our columns; docs/importing.md says what may stand there.")


class MappedSheetsSerializer(Body):
    sheets = serializers.ListField(child=MappedSheetSerializer(), allow_empty=False, max_length=MOST_SHEETS)
    remember = serializers.BooleanField(
        default=False, help_text="Files with the same header are mapped so from now on."
    )


class LayoutUpdateSerializer(Body):
    """What is not given stays as it is."""

    name = serializers.CharField(max_length=LONGEST_NAME, required=False)
    mapping = ObjectField(
        required=False, help_text="In place of the one before; docs/importing.md says what may stand there."
    )


class LeaveOutSerializer(Body):
    sheet = serializers.IntegerField(
        min_value=0, max_value=LARGEST_INTEGER, default=0, help_text="Position of the sheet."
    )
    lines = serializers.ListField(
        child=line(), max_length=MOST_LINES, default=list, help_text="Rows that shall not land."
    )
    take_back = serializers.ListField(
        child=line(), max_length=MOST_LINES, default=list, help_text="Rows that shall land after all."
    )
    columns = serializers.ListField(
        child=serializers.CharField(max_length=100),
        max_length=100,
        allow_null=True,
        default=None,
        help_text="All columns that shall not land, in place of those chosen before; null leaves that as it is.",
    )


class ConfirmSerializer(Body):
    withdraw = serializers.IntegerField(
        min_value=0,
        max_value=LARGEST_INTEGER,
        allow_null=True,
        default=None,
        help_text="How many items may be withdrawn: the number that the preview told.",
    )


class UndoSerializer(Body):
    force = serializers.BooleanField(default=False, help_text="Rows that were edited since, too.")


# What is told


class CountsSerializer(Shape):
    """Rows of the file: rows = created + changed + unchanged + rejected + left_out."""

    rows = serializers.IntegerField()
    created = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    left_out = serializers.IntegerField(help_text="By the person, or by the policy on what exists.")
    withdrawn = serializers.IntegerField(help_text="Items that a full stock list does not name.")


class FileSerializer(Shape):
    name = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField(allow_blank=True)


class RunSerializer(Shape):
    id = serializers.IntegerField()
    url = serializers.URLField(help_text="The run's detail.")
    target = serializers.CharField()
    origin = serializers.ChoiceField(choices=ImportOrigin.choices)
    file = FileSerializer()
    state = serializers.ChoiceField(choices=ImportState.choices)
    message = serializers.CharField(allow_blank=True, help_text="What happened, in one sentence.")
    rows_read = serializers.IntegerField(help_text="How far the reading is.")
    counts = CountsSerializer()
    started_by = serializers.CharField(allow_null=True)
    started_at = serializers.DateTimeField()
    confirmed_by = serializers.CharField(allow_null=True)
    confirmed_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    undone_by = serializers.CharField(allow_null=True)
    undone_at = serializers.DateTimeField(allow_null=True)


class ProposalSerializer(Shape):
    column = serializers.CharField()
    rule = serializers.DictField()
    confidence = serializers.FloatField(min_value=0, max_value=1)
    reason = serializers.CharField()


class SuggestionSerializer(Shape):
    mapping = serializers.DictField(help_text="The proposals' rules, ready to be sent back.")
    proposals = ProposalSerializer(many=True)
    left = words()


class SheetSerializer(Shape):
    position = serializers.IntegerField()
    name = serializers.CharField(allow_blank=True, help_text="Empty for a file of one table.")
    target = serializers.CharField()
    header = cells()
    header_line = serializers.IntegerField()
    mapping = serializers.DictField(help_text="How our columns are made of the file's.")
    suggestion = SuggestionSerializer(allow_null=True, help_text="While the run waits for a mapping.")
    sample = serializers.ListField(
        child=cells(), allow_null=True, help_text="The first rows, while the run waits for its mapping."
    )
    notes = words()
    left_out_columns = words()
    counts = CountsSerializer()
    changed_fields = serializers.DictField(child=serializers.IntegerField())


class LinksSerializer(Shape):
    """What can be done now, and where; null: not now, or not by this account."""

    mapping = serializers.URLField(allow_null=True)
    rows = serializers.URLField(allow_null=True)
    leave_out = serializers.URLField(allow_null=True)
    confirm = serializers.URLField(allow_null=True)
    cancel = serializers.URLField(allow_null=True)
    undo = serializers.URLField(allow_null=True)
    rejected = serializers.URLField(allow_null=True)
    file = serializers.URLField(allow_null=True, help_text="The file that was brought, while it is kept.")


class LogEntrySerializer(Shape):
    at = serializers.DateTimeField()
    text = serializers.CharField()


class RunDetailSerializer(RunSerializer):
    options = serializers.DictField(help_text="The policies.")
    changed_fields = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many of the changed rows change each field."
    )
    warnings = words()
    log = LogEntrySerializer(many=True)
    issue_count = serializers.IntegerField(help_text="Faults of the rejected rows, all of them.")
    undo_counts = serializers.DictField(help_text="What an undo did; rows_left_alone says why.")
    not_undoable = serializers.CharField(
        allow_blank=True, help_text="Why it cannot be undone, once it has landed; empty where it can."
    )
    sheets = SheetSerializer(many=True)
    links = LinksSerializer()


class ChangeSerializer(Shape):
    column = serializers.CharField()
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)


class FaultSerializer(Shape):
    column = serializers.CharField(allow_blank=True, help_text="Empty: the row as a whole.")
    value = serializers.CharField(allow_blank=True)
    message = serializers.CharField()


class RowSerializer(Shape):
    line = serializers.IntegerField(
        help_text="Line of the file, its first line being 1; 0 for an item that no line names."
    )
    outcome = serializers.ChoiceField(choices=(*Outcome.values, WITHDRAWN))
    title = serializers.CharField(allow_blank=True)
    object_id = serializers.IntegerField(allow_null=True)
    left_out = serializers.BooleanField(help_text="By a person.")
    changes = ChangeSerializer(many=True)
    faults = FaultSerializer(many=True)


class RowPageSerializer(Shape):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RowSerializer(many=True)


class LayoutSerializer(Shape):
    id = serializers.IntegerField()
    url = serializers.URLField()
    target = serializers.CharField()
    name = serializers.CharField(help_text="The file that it was made for, unless renamed.")
    header = cells()
    mapping = serializers.DictField()
    made_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    used_at = serializers.DateTimeField(allow_null=True)
