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
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.database import ROOT
from marketplace import embedded
from marketplace.tests.stack import environment, free_port, wait_until

WHO = ("anonymous", "client", "staff")
SEEDS = (1, 2)
CASES = 50_000
# About: an example of each operation, in each of six runs, with what follows from it. The edges of all that the
# document names come on top: some 18,000 cases, the same with every seed, so that the runs of each two seeds that
# follow one another share them: 9,000 a run, whatever is asked for.
CASES_OF_AN_EXAMPLE = 2_500
PARTS = 2


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


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES, help="so many, over all runs, or it failed")
    parser.add_argument("--who", nargs="*", choices=WHO, default=WHO)
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    asked = parser.parse_args()
    var_dir = embedded.var_dir() / "fuzz"
    with served(var_dir) as address:
        examples = asked.cases // CASES_OF_AN_EXAMPLE + 1
        # Two at a time, each in one thread: on Python 3.11 threads that parse at the same moment break each other
        # (SystemError "AST constructor recursion depth mismatch"), and a run with an error is no run.
        with ThreadPoolExecutor(2) as pool:
            begun = [
                pool.submit(fuzz, var_dir, address, who, seed, examples)
                for seed in asked.seeds
                for who in asked.who
            ]
            runs = [run.result() for run in begun]
    table = Table("who", "seed", "cases", "seconds", "kept")
    for run in runs:
        table.add_row(
            run.who, str(run.seed), str(run.cases), f"{run.seconds:.0f}", "NO" if run.failed else "yes"
        )
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


def fuzz(var_dir: Path, address: str, who: str, seed: int, examples: int) -> Run:
    """Make this many examples of each operation, and whatever follows from the document and from links in it."""
    report = var_dir / f"{who}-{seed}.json"
    begun = time.monotonic()
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(ROOT / "benchmarks" / "fuzz.toml"),
            "run", f"{address}/v1/schema/?format=json", f"--seed={seed}", f"--max-examples={examples}",
            "--workers=1", "--continue-on-failure", "--no-color", "--no-shrink", "--request-timeout=30",
            "--report=json", f"--report-json-path={report}", "--output-sanitize=false",
        ],
        cwd=var_dir, capture_output=True, text=True, check=False,
        env=variables_of(var_dir) | {
            "FUZZ_WHO": who, "FUZZ_PART": f"{seed % PARTS}/{PARTS}", "SCHEMATHESIS_HOOKS": "benchmarks.fuzz_inside",
            "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        },
    )  # fmt: skip
    told = json.loads(report.read_text() or "{}") if report.exists() else {}
    run = Run(
        who, seed, cases_in(told), bool(done.returncode) or not is_whole(told), time.monotonic() - begun
    )
    print(f"{who}, seed {seed}: {run.cases:,} cases in {run.seconds:.0f} s", flush=True)
    if run.failed:
        print(done.stdout + done.stderr, flush=True)
    return run


def cases_in(report: dict[str, Any]) -> int:
    return int(report.get("test_cases", {}).get("generated", 0))


def is_whole(report: dict[str, Any]) -> bool:
    """Return whether the engine came through every operation without a fault of its own."""
    operations = report.get("operations", {})
    is_done = bool(report.get("complete")) and operations.get("tested") == operations.get("total")
    return is_done and not report["errors"] and not report["test_cases"]["errored"]


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
