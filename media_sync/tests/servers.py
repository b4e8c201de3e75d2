"""The S3 servers that tests run on: the embedded rclone, and moto's.

A module marked `both_servers` runs its tests on both, a test that uses no bucket once; a test marked `one_server` runs
on rclone only. Where a server does not do what
Amazon S3 does, the module names the test in its GAPS, by server, with what the server does instead. Such a test must
fail: when a later version of the server closes the gap, the test says so.
"""

import gc
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator

import pytest

RCLONE, MOTO = "rclone", "moto"
MARK = "both_servers"
NOT_BOTH = "one_server"
FIXTURE = "s3_server"
COLLECTIONS = 5  # what one collection frees may free more


def storable(keys: Iterable[str], server: str) -> list[str]:
    """Return those of the keys that the server takes: moto finds no way to a key with a line break."""
    return [key for key in keys if server != MOTO or "\n" not in key]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARK}: run on the embedded S3 server and on moto's")
    config.addinivalue_line("markers", f"{NOT_BOTH}: but this one on the embedded server only")


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """Let go of connections that live as long as the tests do; of no test it could be said that it left them open.

    What a test itself leaves open is found during the tests, and is an error.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        for _ in range(COLLECTIONS):
            gc.collect()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if FIXTURE in metafunc.fixturenames and _wants_both(metafunc.definition):
        metafunc.parametrize(FIXTURE, [RCLONE, MOTO], indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests of known gaps fail, and nothing else."""
    for item in items:
        if isinstance(item, pytest.Function) and _wants_both(item):
            gap = _gap(item)
            if gap:
                item.add_marker(pytest.mark.xfail(strict=True, reason=gap))


def _wants_both(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker(MARK)) and not item.get_closest_marker(NOT_BOTH)


def _gap(item: pytest.Function) -> str:
    """Return what the server does instead; gaps are named by the test, or by the test and one of its cases."""
    if FIXTURE not in item.fixturenames:
        return ""
    server = item.callspec.params[FIXTURE]
    case = item.callspec.id.removeprefix(f"{server}-").removesuffix(f"-{server}")
    known: dict[str, str] = getattr(item.module, "GAPS", {}).get(server, {})
    return known.get(item.originalname) or known.get(f"{item.originalname}[{case}]", "")


@pytest.fixture(scope="session")
def moto_address() -> Iterator[str]:
    """moto's S3 server; it keeps everything in memory and checks no signatures."""
    command = [sys.executable, "-m", "media_sync.tests.moto_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        address = process.stdout.readline().strip()
        assert address, "moto's server did not start"
        yield address
        process.terminate()


@pytest.fixture
def s3_server(request, settings) -> str:
    """The server that the test's settings lead to."""
    name: str = getattr(request, "param", RCLONE)
    if name == MOTO:
        settings.S3_ENDPOINT_URL = settings.S3_PUBLIC_ENDPOINT_URL = request.getfixturevalue("moto_address")
    return name
