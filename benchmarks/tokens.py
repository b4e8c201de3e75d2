"""Measures what sessions and tokens promise, at full size, on a database of its own: `python -m benchmarks.security`.

Each measurement runs in a process of its own (benchmarks.tokens_inside), which has Django set up.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from benchmarks.sign_in import Finding
from marketplace import embedded
from marketplace.servers import create_database

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "catalogue_tokens"
NAMES = ("race", "stock", "grace", "beside", "ids", "forged", "lifetimes", "pruning")


def measure(name: str) -> list[Finding]:
    """Run one measurement; return its findings."""
    for variable in ("DATABASE_URL", "DATABASE_URL_FILE"):
        os.environ.pop(variable, None)  # never someone's own database
    embedded.start()
    address = embedded.database_url()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        create_database(connection, DATABASE)
    address = urlsplit(address)._replace(path=f"/{DATABASE}").geturl()
    environment = os.environ | {
        "DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "marketplace.settings", "LOG_LEVEL": "CRITICAL",
    }  # fmt: skip
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
    inside = [sys.executable, "-m", "benchmarks.tokens_inside", name]
    said = subprocess.run(inside, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return [(sentence, is_kept) for sentence, is_kept in json.loads(said.stdout)]


MEASUREMENTS: dict[str, Callable[[], list[Finding]]] = {name: partial(measure, name) for name in NAMES}
