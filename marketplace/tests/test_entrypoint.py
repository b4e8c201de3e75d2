"""The container's entrypoint, run the way the image runs it: uid 10001, no capability, nothing writable but /tmp.

bubblewrap stands in for a container engine. The sandbox holds what the Dockerfile copies and the packages of
requirements/base.txt, so a module that only a developer's machine has would be missed here too.
"""

import contextlib
import functools
import importlib.metadata
import json
import os
import re
import secrets
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.conf import settings

from marketplace.tests import stack
from media_sync import storage

TOP = Path(__file__).resolve().parents[2]
DOCKERFILE = (TOP / "docker" / "Dockerfile").read_text()
START_SECONDS = 30
STOP_SECONDS = 30
MINIMAL = ["--unshare-user", "--ro-bind", "/", "/", "--cap-drop", "ALL", "true"]


@functools.cache
def why_no_sandbox() -> str:
    if not shutil.which("bwrap"):
        return "bubblewrap is not installed, so the container's entrypoint was not tried"
    done = subprocess.run(["bwrap", *MINIMAL], capture_output=True, text=True, check=False)
    return f"bubblewrap may not make namespaces here: {done.stderr.strip()}" if done.returncode else ""


@dataclass
class Process:
    """A command in the sandbox. `pid` is its number outside; inside it is process 1."""

    sandbox: subprocess.Popen[str]
    pid: int

    def stop(self) -> int:
        """Send SIGTERM, as a container engine does; return the exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self.sandbox.wait(timeout=STOP_SECONDS)

    def output(self) -> str:
        return self.sandbox.communicate(timeout=START_SECONDS)[0]


@dataclass
class Sandbox:
    """A root file system like the image's, built once for all tests of this module."""

    app: Path
    venv: Path

    @contextlib.contextmanager
    def running(self, *command: str, **environment: str) -> Iterator[Process]:
        """Run the entrypoint with the command; whatever the test does, it has ended afterwards."""
        status, told = os.pipe()
        with subprocess.Popen(
            ["bwrap", *self.options(told), *self.variables(environment), "docker/entrypoint", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=[told],
        ) as process:
            os.close(told)
            with os.fdopen(status) as lines:
                try:
                    yield Process(process, json.loads(lines.readline())["child-pid"])
                finally:
                    process.kill()  # and with it, by --die-with-parent, everything inside

    def options(self, status: int) -> list[str]:
        options = ["--unshare-user", "--uid", "10001", "--gid", "10001", "--cap-drop", "ALL", "--new-session"]
        options += ["--unshare-pid", "--as-pid-1", "--unshare-ipc", "--unshare-uts", "--die-with-parent"]
        options += ["--json-status-fd", str(status), "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
        readable = ["/usr", "/etc", sys.base_prefix, str(packages_directory())]
        for path in readable:
            options += ["--ro-bind", path, path]
        for name in ("bin", "lib", "lib64"):
            options += ["--symlink", f"usr/{name}", f"/{name}"]
        options += ["--ro-bind", str(self.app), "/app", "--ro-bind", str(self.venv), "/venv"]
        return [*options, "--remount-ro", "/", "--chdir", "/app", "--clearenv"]

    def variables(self, environment: dict[str, str]) -> list[str]:
        image = {"PATH": "/venv/bin:/usr/bin:/bin", "HOME": "/tmp", "VAR_DIR": "/tmp/var"}
        given = image | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"} | environment
        return [word for name, value in given.items() for word in ("--setenv", name, value)]


def packages_directory() -> Path:
    return Path(psycopg.__file__).parents[1]


def image_packages() -> set[str]:
    """Return the top-level names in site-packages that the pins of requirements/base.txt have put there."""
    pins = re.findall(
        r"^([A-Za-z0-9._-]+)(?:\[.*?])?==", (TOP / "requirements/base.txt").read_text(), re.MULTILINE
    )
    names: set[str] = set()
    for pin in pins:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # pinned for another platform
            names |= {path.parts[0] for path in importlib.metadata.files(pin) or []}
    return names - {"..", "__pycache__", "bin"}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    if reason := why_no_sandbox():
        pytest.skip(reason)
    made = Sandbox(app=tmp_path_factory.mktemp("app"), venv=tmp_path_factory.mktemp("venv"))
    for sources, target in re.findall(r"^COPY (\S.*) /app/(\S*)$", DOCKERFILE, re.MULTILINE):
        for source in sources.split():
            place = (
                made.app / target / Path(source).name
                if target.endswith("/") or not target
                else made.app / target
            )
            place.parent.mkdir(parents=True, exist_ok=True)
            if (TOP / source).is_dir():
                shutil.copytree(TOP / source, place, ignore=shutil.ignore_patterns("tests", "__pycache__"))
            else:
                shutil.copy(TOP / source, place)
    site = made.venv / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    site.mkdir(parents=True)
    for name in image_packages():
        (site / name).symlink_to(packages_directory() / name)
    (made.venv / "bin").mkdir()
    (made.venv / "bin" / "python").symlink_to(
        Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    )
    (made.venv / "pyvenv.cfg").write_text(
        f"home = {sys.base_prefix}/bin\ninclude-system-site-packages = false\n"
    )
    return made


class ToSocket(socketserver.BaseRequestHandler):
    """Joins a TCP connection to PostgreSQL's socket, which other users may not reach."""

    def handle(self) -> None:
        server = settings.DATABASES["default"]
        with socket.socket(socket.AF_UNIX) as database:
            database.connect(f"{server['HOST']}/.s.PGSQL.{server['PORT'] or 5432}")
            back = threading.Thread(target=pump, args=(database, self.request))
            back.start()
            pump(self.request, database)
            back.join()


def pump(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes until either side ends, however it ends; then tell the other one."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="module")
def database_port() -> Iterator[str]:
    """A port of 127.0.0.1 at which the tests' PostgreSQL answers."""
    server = settings.DATABASES["default"]
    if not server["HOST"].startswith("/"):
        yield str(server["PORT"] or 5432)
        return
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), ToSocket) as forward:
        threading.Thread(target=forward.serve_forever, daemon=True).start()
        yield str(forward.server_address[1])
        forward.shutdown()


@contextlib.contextmanager
def new_database(port: str) -> Iterator[str]:
    """Make an empty database on the server that the tests use; yield its address."""
    server = settings.DATABASES["default"]
    name = f"entrypoint_{secrets.token_hex(6)}"
    login = f"{quote(server['USER'])}:{quote(server['PASSWORD'])}@127.0.0.1:{port}"
    with psycopg.connect(f"postgresql://{login}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING UTF8")
        try:
            yield f"postgresql://{login}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_database(database_port: str) -> Iterator[str]:
    with new_database(database_port) as address:
        yield address


@pytest.fixture(scope="module")
def database(sandbox: Sandbox, database_port: str) -> Iterator[str]:
    """An address of a database that the entrypoint has made ready, the admin included."""
    with new_database(database_port) as address:
        with sandbox.running("python", "-m", "docker.prepare", "database", **variables(address)) as process:
            said = process.output()
        assert process.sandbox.returncode == 0, said
        yield address


def variables(database: str, **more: str) -> dict[str, str]:
    """Return what a container must be told, with settings of the tests' own services."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "DATABASE_URL": database,
        "S3_ENDPOINT_URL": settings.S3_ENDPOINT_URL,
        "S3_BUCKET": settings.S3_BUCKET,
        "AWS_ACCESS_KEY_ID": settings.AWS_ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": settings.AWS_SECRET_ACCESS_KEY,
        "ADMIN_PASSWORD": secrets.token_urlsafe(18),
        "HOST": "127.0.0.1",
        "WEB_CONCURRENCY": "1",
    } | more


def free_port() -> str:
    return str(stack.free_port())


def answers(process: Process, port: str, path: str) -> int:
    """Return the status of a GET once the server answers at all."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.sandbox.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            time.sleep(0.1)
    process.sandbox.kill()
    pytest.fail(f"{path} did not answer:\n{process.output()}")


def image_healthcheck() -> list[str]:
    found = re.search(r"^HEALTHCHECK .*?CMD (\[.*?])$", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert found
    return list(json.loads(found[1]))


def test_web_two_at_once_on_an_empty_database_are_ready(sandbox: Sandbox, empty_database: str) -> None:
    ports = [free_port(), free_port()]
    with (
        sandbox.running("web", **variables(empty_database, PORT=ports[0])) as one,
        sandbox.running("web", **variables(empty_database, PORT=ports[1])) as other,
    ):
        statuses = [answers(web, port, "/readyz") for web, port in zip((one, other), ports, strict=True)]

    assert statuses == [200, 200]


def test_web_under_a_name_answers_the_images_healthcheck(sandbox: Sandbox, database: str) -> None:
    port = free_port()
    given = variables(database, PORT=port, ALLOWED_HOSTS="catalogue.example")
    with sandbox.running("web", **given) as web:
        answers(web, port, "/healthz")
        done = subprocess.run(
            [sys.executable, *image_healthcheck()[1:]],
            env={"PORT": port, "PATH": os.environ["PATH"]},
            check=False,
        )

    assert done.returncode == 0


def test_command_that_serves_is_not_told_the_admins_password(sandbox: Sandbox, database: str) -> None:
    prepare = ["python", "-m", "docker.prepare", "database"]
    with sandbox.running(*prepare, "env", **variables(database)) as process:
        said = process.output()

    assert "\nS3_BUCKET=" in said
    assert "ADMIN_PASSWORD" not in said


def test_web_with_an_empty_file_for_the_admins_password_says_so(sandbox: Sandbox, database: str) -> None:
    given = variables(database, ADMIN_PASSWORD_FILE="/dev/null")
    with sandbox.running("web", **given) as process:
        said = process.output()

    assert said == "ADMIN_PASSWORD_FILE names an empty file, so there is no ADMIN_PASSWORD in it.\n"
    assert process.sandbox.returncode == 2


def test_web_told_to_stop_exits_0(sandbox: Sandbox, database: str) -> None:
    port = free_port()
    with sandbox.running("web", **variables(database, PORT=port)) as web:
        answers(web, port, "/healthz")

        assert web.stop() == 0


def test_web_told_to_stop_while_it_waits_for_the_database_ends(sandbox: Sandbox) -> None:
    nobody = f"postgresql://catalogue@127.0.0.1:{free_port()}/catalogue"
    with sandbox.running("web", **variables(nobody)) as web:
        assert web.sandbox.stdout
        said = web.sandbox.stdout.readline()

        assert web.stop() == 128 + signal.SIGTERM
    assert said.startswith("Waiting for the database: ")


def test_worker_told_to_stop_exits_0(sandbox: Sandbox, database: str) -> None:
    with sandbox.running("worker", **variables(database, LOG_LEVEL="DEBUG")) as worker:
        assert worker.sandbox.stdout
        # It says this first once it listens to signals; before, the kernel drops those of a process 1.
        working = any("updating worker heartbeat" in line for line in worker.sandbox.stdout)

        assert working
        assert worker.stop() == 0


def test_bucket_twice_makes_it_once(sandbox: Sandbox) -> None:
    name = f"entrypoint-{secrets.token_hex(6)}"
    given = variables("postgresql://nobody@127.0.0.1:1/none", S3_BUCKET=name)
    said = []
    for _ in range(2):
        with sandbox.running("bucket", **given) as bucket:
            said.append((bucket.output(), bucket.sandbox.returncode))
    names = [found["Name"] for found in storage.client().list_buckets()["Buckets"]]
    storage.client().delete_bucket(Bucket=name)

    assert said == [("", 0), ("", 0)]
    assert names.count(name) == 1


def test_other_command_runs_as_nobody_without_rights(sandbox: Sandbox) -> None:
    script = (
        "id -u; grep CapEff /proc/1/status; touch /app/written /venv/written /written; touch /tmp/written"
    )
    with sandbox.running("sh", "-c", script) as process:
        lines = process.output().splitlines()

    assert lines == [
        "10001",
        "CapEff:\t0000000000000000",
        "touch: cannot touch '/app/written': Read-only file system",
        "touch: cannot touch '/venv/written': Read-only file system",
        "touch: cannot touch '/written': Read-only file system",
    ]
