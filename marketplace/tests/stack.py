"""What tests of whole processes share: an environment of their own, free ports, waiting with a limit."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import SystemRandom

import psutil

BASE_DIR = Path(__file__).resolve().parents[2]
MANAGE = str(BASE_DIR / "manage.py")
# What the machine that runs the tests may have set, and what would lead away from the embedded services.
CONFIGURING = (
    "DATABASE_URL", "S3_ENDPOINT_URL", "S3_PUBLIC_ENDPOINT_URL", "S3_BUCKET", "SECRET_KEY", "ADMIN_USERNAME",
    "ADMIN_EMAIL", "ADMIN_PASSWORD", "ALLOWED_HOSTS", "CACHE_URL", "DEBUG", "DJANGO_SETTINGS_MODULE", "HOST", "LOG_LEVEL", "PORT",
    "CORS_ALLOWED_ORIGINS", "CSRF_TRUSTED_ORIGINS", "RATE_LIMITS", "REQUIRE_IF_MATCH", "REQUIRE_SECOND_FACTOR", "TOKEN_AUDIENCE", "TOKEN_GRACE_SECONDS",
    "TOKEN_ISSUER", "TOKEN_SIGNING_KEY", "TRUSTED_PROXIES",
)  # fmt: skip


def environment(var_dir: Path, **extra: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.removesuffix("_FILE") not in CONFIGURING
        and not name.startswith(("AWS_ACC", "AWS_SEC", "COV", "PYTEST"))
    }
    return kept | {"VAR_DIR": str(var_dir), "PYTHONPATH": str(BASE_DIR)} | extra


def manage(var_dir: Path, *words: str, seconds: float = 60, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a management command to its end."""
    return subprocess.run(
        [sys.executable, MANAGE, *words],
        env=environment(var_dir, **extra), capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip


def free_port() -> int:
    """Return a port that nobody has. Not one of those that the system gives to clients, who could take it meanwhile."""
    while True:
        port = SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(holds: Callable[[], object], seconds: float = 30) -> None:
    """Wait until it holds; fail the test when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def processes_of(var_dir: Path) -> list[str]:
    """Return the command lines of all processes that work on this VAR_DIR, by argument or environment."""
    found = []
    for process in psutil.process_iter():
        try:
            words, variables = process.cmdline(), process.environ()
        except psutil.Error:
            continue
        if any(word.startswith(f"{var_dir}/") for word in words) or variables.get("VAR_DIR") == str(var_dir):
            found.append(" ".join(words))
    return found


class ServiceUser:
    """A process that uses the embedded services of a VAR_DIR until it is told to end."""

    PROGRAM = (
        "import json, sys; from marketplace import embedded; embedded.start();"
        "print(json.dumps([embedded.database_url(), embedded.s3_endpoint_url()]), flush=True); sys.stdin.read()"
    )

    def __init__(self, var_dir: Path, run_as: int | None = None, **extra: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.PROGRAM], env=environment(var_dir, **extra), text=True, user=run_as,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> "ServiceUser":
        assert self.answer(), self.end()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def answer(self) -> str:
        """Wait until the services are up; return their addresses as JSON, "" when they do not start."""
        assert self.process.stdout
        return self.process.stdout.readline()

    def end(self) -> str:
        """Let it end as a process does; return what it said on stderr."""
        return self.process.communicate(timeout=60)[1]

    def kill(self) -> None:
        self.process.kill()
        self.end()
