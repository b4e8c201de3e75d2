"""Measures what the service promises of its safety, at full size: `python -m benchmarks.security [NAME ...]`.

Prints a table and ends with exit code 1 when a figure is missed. Where the measurements stand, they are explained.
"""

import argparse
import sys

from rich.console import Console
from rich.table import Table

from benchmarks import bucket, runs, sign_in, sync_killed, tokens, writes

# Each returns what it found: a sentence with figure and limit, and whether it was kept (None: told only).
MEASUREMENTS = {
    **tokens.MEASUREMENTS,
    **sign_in.MEASUREMENTS,
    **runs.MEASUREMENTS,
    **writes.MEASUREMENTS,
    **sync_killed.MEASUREMENTS,
    **bucket.MEASUREMENTS,
}
WORDS = {True: "yes", False: "[red]NO[/]", None: ""}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.security", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    names = parser.parse_args().names or list(MEASUREMENTS)
    if unknown := sorted(set(names) - MEASUREMENTS.keys()):
        parser.error(f"there is no measurement {', '.join(unknown)}")
    table = Table("measurement", "figure and limit", "kept")
    missed = False
    for name in names:
        for sentence, is_kept in MEASUREMENTS[name]():
            table.add_row(name, sentence, WORDS[is_kept])
            missed |= is_kept is False
    Console().print(table)
    sys.exit(int(missed))


if __name__ == "__main__":
    main()
