"""Asks the API what its OpenAPI document allows, and what it does not: `python -m benchmarks.fuzz` (`make fuzz`).

schemathesis makes the requests and judges the answers with all of its checks, as nobody, as a client and as staff,
with two seeds, against the service as `make run` starts it, on a catalogue of its own under VAR_DIR/fuzz. Ends with
exit code 1 when an answer breaks a promise, when an engine fails, or when there were fewer cases than asked for.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.database import ROOT
from marketplace import embedded
from marketplace.tests.stack import environment, free_port, wait_until

WHO = ("anonymous", "client", "staff")
SEEDS = (1, 2)
CASES = 50_000
OPERATIONS = 60  # about; the document tells

# Runs in Django, once the catalogue is there.
ACCOUNTS_SCRIPT = """
from accounts.models import User
User.objects.get_or_create(username="client")
User.objects.get_or_create(username="staff", defaults={"is_staff": True, "is_superuser": True})
"""


@dataclass(frozen=True)
class Run:
    """What one run of schemathesis came to."""

    who: str
    seed: int
    cases: int
    failed: bool
    seconds: float
    said: str


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES, help="at least so many, over all runs")
    parser.add_argument("--who", nargs="*", choices=WHO, default=WHO)
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    asked = parser.parse_args()
    var_dir = embedded.var_dir() / "fuzz"
    with served(var_dir) as address:
        share = asked.cases // (len(asked.who) * len(asked.seeds))
        runs = [fuzz(var_dir, address, who, seed, share) for seed in asked.seeds for who in asked.who]
    table = Table("who", "seed", "cases", "seconds", "kept")
    for run in runs:
        table.add_row(
            run.who, str(run.seed), str(run.cases), f"{run.seconds:.0f}", "NO" if run.failed else "yes"
        )
        if run.failed:
            print(run.said)
    Console().print(table)
    total = sum(run.cases for run in runs)
    print(f"{total:,} cases of {asked.cases:,}")
    sys.exit(int(total < asked.cases or any(run.failed for run in runs)))


@contextmanager
def served(var_dir: Path) -> Iterator[str]:
    """Serve a new catalogue with its worker, as `make run` does; give its address."""
    shutil.rmtree(var_dir, ignore_errors=True)
    var_dir.mkdir(parents=True)
    port = free_port()
    variables = variables_of(var_dir) | {"PORT": str(port)}
    with (var_dir / "log").open("wb") as log:
        service = subprocess.Popen(
            [sys.executable, "-m", "marketplace.supervisor"], cwd=ROOT, env=variables, stdout=log, stderr=log
        )
        try:
            answers = [
                "curl",
                "--silent",
                "--fail",
                "--output",
                "/dev/null",
                f"http://127.0.0.1:{port}/readyz",
            ]
            wait_until(lambda: subprocess.run(answers, check=False).returncode == 0, seconds=300)
            make = [sys.executable, "manage.py", "shell", "--no-imports", "-c", ACCOUNTS_SCRIPT]
            subprocess.run(make, cwd=ROOT, env=variables, check=True)
            yield f"http://127.0.0.1:{port}"
        finally:
            service.terminate()
            service.wait(60)


def variables_of(var_dir: Path) -> dict[str, str]:
    """Return the environment: every request comes from an address of its own, and no account has too many."""
    return environment(
        var_dir,
        TRUSTED_PROXIES="127.0.0.0/8",
        LOG_LEVEL="ERROR",
        RATE_LIMITS="client=off, write=off, export=off",
    )


def fuzz(var_dir: Path, address: str, who: str, seed: int, cases: int) -> Run:
    """Make at least so many cases; ask for more of each operation until there are."""
    report = var_dir / f"{who}-{seed}.json"
    begun = time.monotonic()
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(ROOT / "benchmarks" / "fuzz.toml"),
            "run", f"{address}/v1/schema/?format=json", f"--seed={seed}", f"--max-examples={cases // OPERATIONS + 1}",
            "--workers=2", "--continue-on-failure", "--no-color", "--no-shrink", "--request-timeout=30",
            "--report=json", f"--report-json-path={report}",
        ],
        cwd=var_dir, capture_output=True, text=True, check=False,
        env=variables_of(var_dir) | {
            "FUZZ_WHO": who, "SCHEMATHESIS_HOOKS": "benchmarks.fuzz_inside",
            "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        },
    )  # fmt: skip
    seconds = time.monotonic() - begun
    return Run(who, seed, cases_in(report), bool(done.returncode), seconds, done.stdout + done.stderr)


def cases_in(report: Path) -> int:
    return int(json.loads(report.read_text())["summary"]["cases"]) if report.exists() else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
