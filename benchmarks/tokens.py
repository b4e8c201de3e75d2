"""Measures what sessions and tokens promise, at full size, on a database of its own: `python -m benchmarks.security`.

Each measurement runs in a process of its own (benchmarks.tokens_inside), which has Django set up.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial

from benchmarks import Finding
from benchmarks.database import ROOT, migrated_database

DATABASE = "catalogue_tokens"
NAMES = ("race", "stock", "grace", "beside", "ids", "forged", "lifetimes", "pruning")


def measure(name: str) -> list[Finding]:
    """Run one measurement; return its findings."""
    address = migrated_database(DATABASE, anew=True)
    environment = os.environ | {
        "DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "marketplace.settings", "LOG_LEVEL": "CRITICAL",
    }  # fmt: skip
    inside = [sys.executable, "-m", "benchmarks.tokens_inside", name]
    said = subprocess.run(inside, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return [(sentence, is_kept) for sentence, is_kept in json.loads(said.stdout)]


MEASUREMENTS: dict[str, Callable[[], list[Finding]]] = {name: partial(measure, name) for name in NAMES}
