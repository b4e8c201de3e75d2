"""The form that brings a file: what it holds, and what becomes of what the run meets."""

from pathlib import Path
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat

from catalog.admin.imports.targets import TARGETS, may_bring
from catalog.imports.life.files import MAX_BYTES
from catalog.imports.options import ImportOptions
from catalog.imports.sources.readers import READERS
from catalog.models import Kind
from marketplace.admin import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

LIMIT = "limit"


class UploadForm(forms.Form):
    """The file and the run's policies. `target` fixes what the file holds; without it the form asks."""

    target = forms.ChoiceField(label="The file holds", widget=UnfoldAdminSelectWidget)
    import_file = forms.FileField(
        label="File",
        max_length=255,
        help_text="CSV, XLSX or ODS, at most {}. Its columns may have any names: you can match them in the next step.",
        widget=UnfoldAdminFileFieldWidget,
    )
    on_error = forms.ChoiceField(
        label="When rows are rejected",
        choices=[
            ("skip", "the other rows land"),
            ("abort", "nothing lands"),
            (LIMIT, "the other rows land, unless more are rejected than this number"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    max_rejected = forms.IntegerField(
        label="Most rejected rows",
        min_value=0,
        max_value=2_000_000,
        required=False,
        help_text="Counts only with the third choice above.",
        widget=UnfoldAdminIntegerFieldWidget,
    )
    existing = forms.ChoiceField(
        label="The file may",
        choices=[
            ("both", "add new ones and change known ones"),
            ("add", "add new ones only; known ones are left out"),
            ("update", "change known ones only; new ones are left out"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    blank = forms.ChoiceField(
        label="An empty cell",
        choices=[("keep", "leaves the field as it is"), ("clear", "clears the field")],
        widget=UnfoldAdminSelectWidget,
    )
    terms = forms.ChoiceField(
        label="Unknown genres, types and categories",
        choices=[("create", "become terms"), ("refuse", "reject their rows")],
        widget=UnfoldAdminSelectWidget,
    )
    full_list = forms.BooleanField(
        label="This is the full stock list",
        required=False,
        help_text="Items of this kind that the file does not name are withdrawn. You see how many before it lands, and"
        " must agree to the number.",
        widget=UnfoldBooleanWidget,
    )
    full_list_prefix = forms.CharField(
        label="Only items whose reference begins with",
        max_length=100,
        required=False,
        help_text="For a full list of one dealer or house. Empty: all items of the kind.",
        widget=UnfoldAdminTextInputWidget,
    )
    max_withdrawn = forms.FloatField(
        label="Withdraw at most (percent)",
        initial=ImportOptions.max_withdrawn,
        min_value=0,
        max_value=100,
        required=False,
        help_text="Of the items that the list could withdraw. With more, nothing lands.",
        widget=UnfoldAdminDecimalFieldWidget({"step": "any"}),
    )

    def __init__(self, *args: Any, user: Any, only_target: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(name, label) for name, label in TARGETS.items() if may_bring(user, name)]
        self.target_field.choices = offered
        if only_target:
            self.fields["target"].widget = forms.HiddenInput()
            self.target_field.choices = [(only_target, TARGETS[only_target])]
            self.initial["target"] = only_target
        if not user.has_perm("catalog.add_term"):
            terms: Any = self.fields["terms"]
            terms.choices = terms.choices[1:]
        if only_target and only_target not in Kind.values:
            for name in ("full_list", "full_list_prefix", "max_withdrawn"):
                del self.fields[name]
        file = self.fields["import_file"]
        file.widget.attrs["accept"] = ",".join(sorted(READERS))
        file.help_text = str(file.help_text).format(filesizeformat(MAX_BYTES))

    @property
    def target_field(self) -> Any:
        return self.fields["target"]

    def clean_import_file(self) -> UploadedFile[bytes]:
        file: UploadedFile[bytes] = self.cleaned_data["import_file"]
        if Path(file.name or "").suffix.lower() not in READERS:
            raise ValidationError(f"The file must end in one of {', '.join(sorted(READERS))}.")
        if (size := file.size or 0) > MAX_BYTES:
            raise ValidationError(
                f"The file has {filesizeformat(size)}; at most {filesizeformat(MAX_BYTES)} can be read."
            )
        return file

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("on_error") == LIMIT and values.get("max_rejected") is None:
            self.add_error("max_rejected", "Say how many rows may be rejected.")
        if values.get("full_list") and values.get("target") not in Kind.values:
            self.add_error("full_list", "Only vehicles, memorabilia and tools have full stock lists.")
        if values.get("full_list_prefix") and not values.get("full_list"):
            self.add_error(
                "full_list_prefix", "This counts for full stock lists only: tick that box, or empty this one."
            )
        return values

    def options(self) -> ImportOptions:
        """Return the policies of a form that is valid."""
        values = self.cleaned_data
        limited = values["on_error"] == LIMIT
        full = {}
        if values.get("full_list"):
            full = {"full_list": True, "full_list_prefix": values["full_list_prefix"]}
            if values["max_withdrawn"] is not None:
                full["max_withdrawn"] = values["max_withdrawn"]
        return ImportOptions(
            on_error="skip" if limited else values["on_error"],
            max_rejected=values["max_rejected"] if limited else None,
            existing=values["existing"],
            blank=values["blank"],
            terms=values["terms"],
            **full,
        )
