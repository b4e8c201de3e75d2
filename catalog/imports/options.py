"""How a run treats what it meets: the person's choices."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self


@dataclass(frozen=True)
class ImportOptions:
    """The policies of a run.

    on_error: land the good rows, or nothing when one row is bad. max_rejected: nothing lands when more rows
    than this are bad. blank: an empty cell leaves the field alone, or clears it. terms: unknown words become
    terms, or their rows are refused. existing: whether known rows are updated and new ones added, or only one
    of the two; other rows are left out. full_list: items of the kind that the file does not name (of those
    whose reference begins with `full_list_prefix`) are withdrawn, at most `max_withdrawn` percent of them.
    """

    on_error: Literal["skip", "abort"] = "skip"
    max_rejected: int | None = None
    blank: Literal["keep", "clear"] = "keep"
    terms: Literal["create", "refuse"] = "create"
    existing: Literal["both", "add", "update"] = "both"
    full_list: bool = False
    full_list_prefix: str = ""
    max_withdrawn: float = 5.0  # percent

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Self:
        """Return the options of a stored run; names that are not known any more are passed over."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})
