"""A run's policies in sentences."""

from catalog.imports.options import ImportOptions
from catalog.models import ImportRun

EXISTING = {
    "both": "New ones are added, known ones are changed.",
    "add": "New ones are added; known ones are left out.",
    "update": "Known ones are changed; new ones are left out.",
}
BLANK = {"keep": "An empty cell leaves the field as it is.", "clear": "An empty cell clears the field."}
TERMS = {
    "create": "Unknown genres, types and categories become terms.",
    "refuse": "Unknown genres, types and categories reject their rows.",
}


def policies_of(run: ImportRun) -> list[str]:
    """Return how the run treats what it meets, a sentence for each choice."""
    options = ImportOptions.of(run.options)
    said = [_rejection(options), EXISTING[options.existing], BLANK[options.blank], TERMS[options.terms]]
    return [*said, _full_list(options)] if options.full_list else said


def _rejection(options: ImportOptions) -> str:
    if options.on_error == "abort":
        return "Nothing lands when a row is rejected."
    if options.max_rejected is not None:
        return f"The other rows land, unless more than {options.max_rejected:,} are rejected."
    return "Rows that are not rejected land."


def _full_list(options: ImportOptions) -> str:
    whose = f" whose reference begins with {options.full_list_prefix}" if options.full_list_prefix else ""
    return (
        f"This is the full stock list: items{whose} that it does not name are withdrawn,"
        f" at most {options.max_withdrawn:g} percent of them."
    )
