"""What every management command shares: services at hand, one sentence instead of a traceback, exit codes."""

import json
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterable
from typing import Any, Protocol

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandParser

from marketplace import embedded

# These need neither database nor bucket, so they do not start any.
WITHOUT_SERVICES = {"help", "version", "--help", "--version", "-h", "spectacular", "check", "collectstatic"}


class CannotRun(Exception):
    """A command cannot do its work at all; the message is one sentence for its user (exit code 2)."""


class Outcome(Protocol):
    """What a command did. `exit_code` is 0 (done) or 1 (done, with rejected rows or differences)."""

    @property
    def exit_code(self) -> int: ...

    def as_json(self) -> dict[str, Any]: ...

    def lines(self) -> Iterable[str]: ...


class OperatorCommand(BaseCommand):
    """A command of the contract: `--json` for machines, examples under `--help`, exit codes 0, 1 and 2.

    A subclass names its `examples` (one a line), adds arguments in `add_options`, and does its work in
    `perform`, which returns an Outcome or raises CannotRun.
    """

    examples = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        kwargs.setdefault("epilog", f"examples:\n{self.examples}" if self.examples else None)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the outcome as one JSON object")
        self.add_options(parser)

    def add_options(self, parser: CommandParser) -> None:
        """Add the subclass's own arguments."""

    def perform(self, **options: Any) -> Outcome:
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        outcome = self.perform(**options)
        if options["json"]:
            self.stdout.write(json.dumps(outcome.as_json(), default=str))
        else:
            for line in outcome.lines():
                self.stdout.write(line)
        if outcome.exit_code:
            sys.exit(outcome.exit_code)


def run(argv: list[str]) -> int:
    """Run a management command; return the exit code (2: it could not run, the sentence is on stderr)."""
    try:
        return _run(argv)
    except (ImproperlyConfigured, CannotRun) as error:
        return _refuse(str(error))


def _run(argv: list[str]) -> int:
    needs_services = len(argv) > 1 and argv[1] not in WITHOUT_SERVICES and "--help" not in argv
    if needs_services:
        embedded.start()
    # Settings read the services' addresses, so Django is loaded only now.
    from django.core.management import execute_from_command_line  # noqa: PLC0415
    from django.db import OperationalError  # noqa: PLC0415

    try:
        execute_from_command_line(argv)
    except OperationalError as error:
        return _refuse(f"The database cannot be used: {str(error).strip().splitlines()[0]}")
    return 0


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 2
