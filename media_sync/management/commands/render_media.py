"""`manage.py render_media`: pictures' sizes as today's settings want them."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.core.management.base import CommandParser

from marketplace.commands import OperatorCommand
from media_sync.pictures import rendering


@dataclass(frozen=True)
class RenderingResult:
    """What a run did, or on a dry run would do."""

    dry_run: bool
    pictures: int  # whose renditions are not as today's settings want them

    @property
    def exit_code(self) -> int:
        return int(self.dry_run and self.pictures > 0)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> Iterator[str]:
        if not self.pictures:
            yield "The renditions of all pictures are as the settings want them."
        elif self.dry_run:
            yield f"Pictures whose renditions would be made anew: {self.pictures:,}."
        else:
            yield f"Pictures whose renditions the worker makes anew: {self.pictures:,}. It shows the old ones until then."


class Command(OperatorCommand):
    help = (
        "Have pictures' renditions made anew by the worker where MEDIA_RATIOS has changed, or a new version makes them "
        "in another way. The worker looks for such pictures every night, too."
    )
    examples = """\
  manage.py render_media            have outdated renditions made anew
  manage.py render_media --dry-run  how many there are
  manage.py render_media --json     the outcome for machines
"""

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say how many and change nothing")

    def perform(self, **options: Any) -> RenderingResult:
        if options["dry_run"]:
            return RenderingResult(dry_run=True, pictures=rendering.outdated())
        return RenderingResult(dry_run=False, pictures=rendering.mark_outdated())
