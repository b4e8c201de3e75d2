"""A database of a benchmark's own, on the embedded server beside the catalogue's."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from benchmarks import Finding
from marketplace import embedded
from marketplace.servers import create_database

ROOT = Path(__file__).resolve().parent.parent


def migrated_database(name: str, *, anew: bool = False) -> str:
    """Make the database unless it exists, migrate it, and return its address; `anew`: drop it first."""
    for variable in ("DATABASE_URL", "DATABASE_URL_FILE"):
        os.environ.pop(variable, None)  # never someone's own database
    embedded.start()
    own = embedded.database_url()
    with psycopg.connect(own, autocommit=True) as connection:
        if anew:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        create_database(connection, name)
    address = urlsplit(own)._replace(path=f"/{name}").geturl()
    environment = os.environ | {"DATABASE_URL": address, "LOG_LEVEL": "WARNING"}
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
    return address


def measurements(module: str, database: str, names: Iterable[str]) -> dict[str, Callable[[], list[Finding]]]:
    """Return the module's measurements by name; each runs in a process and a fresh database of its own."""
    return {name: partial(_measure, module, database, name) for name in names}


def _measure(module: str, database: str, name: str) -> list[Finding]:
    address = migrated_database(database, anew=True)
    environment = os.environ | {
        "DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "marketplace.settings", "LOG_LEVEL": "CRITICAL",
    }  # fmt: skip
    inside = [sys.executable, "-m", module, name]
    said = subprocess.run(inside, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return [(sentence, is_kept) for sentence, is_kept in json.loads(said.stdout)]
