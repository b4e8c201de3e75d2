"""A Redis server for tests of what several processes share by CACHE_URL; they are skipped where none is installed."""

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from marketplace import environment
from marketplace.tests.stack import free_port, wait_until


@pytest.fixture(scope="session")
def redis_server() -> Iterator[redis.Redis]:
    """A client of a server that keeps nothing on disk."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("No Redis: install redis-server.")
    port = free_port()
    server = subprocess.Popen(
        [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )
    client = redis.Redis(port=port)
    try:
        wait_until(lambda: answers(client), seconds=120)
        yield client
    finally:
        client.close()
        server.terminate()
        server.wait(60)


@pytest.fixture
def shared_cache(redis_server: redis.Redis, settings: Any, monkeypatch: pytest.MonkeyPatch) -> redis.Redis:
    """The settings of a service whose CACHE_URL names an empty Redis; give a client of it."""
    redis_server.flushall()
    monkeypatch.setenv("CACHE_URL", address_of(redis_server))
    settings.CACHES = {"default": environment.cache("CACHE_URL")}
    return redis_server


def address_of(client: redis.Redis) -> str:
    """Return the CACHE_URL; a busy machine is slow, which must not look like a Redis that is away."""
    port = client.get_connection_kwargs()["port"]
    return f"redis://127.0.0.1:{port}/0?socket_timeout=60&socket_connect_timeout=60"


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
