"""What every management command shares: services at hand, one sentence instead of a traceback, exit codes."""

import json
import os
import signal
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterable
from typing import Any, Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line, get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser, SystemCheckError

from marketplace import embedded, faults, pages

# These need neither database nor bucket, so they do not start any.
HELP = {"--help", "-h", "--version"}
WITHOUT_SERVICES = HELP | {
    "help", "version", "check", "collectstatic", "compilemessages", "diffsettings", "findstatic", "makemessages",
    "spectacular", "startapp", "startproject",
}  # fmt: skip
# These run long and show no page; each page that a process loads costs memory, together 25 MB.
WITHOUT_PAGES = {"sync_s3"}


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
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.called_from_command_line = False  # which would print the usage beside the sentence
        return parser

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
    """Run a management command; return the exit code (2: it could not run, the sentence is on stderr).

    `--traceback` shows the whole error in place of the sentence.
    """
    # As an exception, so that what was begun is undone and services started for the command stop.
    signal.signal(signal.SIGTERM, _stop)
    try:
        code = _run(argv)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader has gone (`| head`); the interpreter would complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (ImproperlyConfigured, CannotRun, CommandError, *faults.FAULTS) as error:
        if "--traceback" in argv:
            raise
        return _refuse(error)
    return code


def _run(argv: list[str]) -> int:
    if len(argv) > 1 and not WITHOUT_SERVICES & {argv[1], *HELP.intersection(argv)}:
        embedded.start()
        lift_request_limits()
    if WITHOUT_PAGES.intersection(argv[1:2]):
        pages.leave_out()
    try:
        execute_from_command_line(_with_errors_raised(argv))
    except SystemExit:
        # Django has said that there is no such command, and what was perhaps meant.
        if (
            len(argv) > 1
            and not argv[1].startswith("-")
            and argv[1] not in {*get_commands(), "help", "version"}
        ):
            return 2
        raise
    return 0


def lift_request_limits() -> None:
    """Let this process's statements take as long as they need; the limits in the settings are for requests."""
    options = settings.DATABASES["default"]["OPTIONS"]
    options["options"] += " -c statement_timeout=0 -c idle_in_transaction_session_timeout=0"


def _with_errors_raised(argv: list[str]) -> list[str]:
    """Ask Django for a traceback: else it prints a CommandError itself, with its class and exit code 1."""
    program, *words = argv
    if not words or words[0].startswith("-") or words[0] in {"help", "version"}:
        return argv
    return [program, words[0], "--traceback", *words[1:]]


def _refuse(error: BaseException) -> int:
    match error:
        case SystemCheckError():
            said = str(error).strip()  # a list, one finding a line
        case ImproperlyConfigured() | CannotRun() | CommandError():
            said = faults.one_line(error)
        case _:
            said = faults.sentence(error)
    sys.stderr.write(f"{said}\n")
    return 2


def _stop(number: int, _frame: object) -> None:
    sys.exit(128 + number)
