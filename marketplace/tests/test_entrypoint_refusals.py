"""What the container's entrypoint (docker/entrypoint) says where it ends before it does anything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from marketplace.tests.stack import BASE_DIR

GIVEN = {
    "SECRET_KEY": "a key that is given",
    "DATABASE_URL": "postgresql://x@y/z",
    "S3_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ACCESS_KEY_ID": "given",
    "AWS_SECRET_ACCESS_KEY": "given",
}


@pytest.mark.parametrize(
    "missing", ["SECRET_KEY", "DATABASE_URL", "S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
)
def test_role_without_a_required_variable_says_which(missing: str) -> None:
    given = {name: value for name, value in GIVEN.items() if name != missing}
    done = run_entrypoint("web", given)

    sentence = f"{missing} must be set (or {missing}_FILE, the name of a file that holds it).\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence)


def test_web_with_secrets_in_files_reads_them(tmp_path: Path) -> None:
    given = dict(GIVEN)
    for name in ("SECRET_KEY", "DATABASE_URL"):
        (tmp_path / name).write_text(given.pop(name))
        given[f"{name}_FILE"] = str(tmp_path / name)
    given["PORT"] = "none"  # the first thing that is wrong once all is given
    done = run_entrypoint("web", given)

    sentence = "PORT must be a whole number from 1 to 65535, not 'none'.\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("WEB_CONCURRENCY", "many", "WEB_CONCURRENCY must be a whole number from 1 to 64, not 'many'."),
        (
            "DATABASE_URL",
            "mysql://x",
            "DATABASE_URL must look like postgresql://user:password@host:5432/name.",
        ),
    ],
)
def test_web_with_an_unusable_variable_says_so(variable: str, value: str, sentence: str) -> None:
    done = run_entrypoint("web", GIVEN | {variable: value})

    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{sentence}\n")


def run_entrypoint(role: str, given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the entrypoint without a sandbox, which is enough where it ends before it does anything."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "docker/entrypoint", role],
        cwd=BASE_DIR,
        env={"PATH": path, "VAR_DIR": "/dev/null/none"} | given,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
