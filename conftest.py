"""Fixtures for every test, each in the room that it is about."""

pytest_plugins = [
    "marketplace.tests.browser",
    "marketplace.tests.database",
    "marketplace.tests.redis_server",
    "accounts.tests.fixtures",
    "catalog.tests.fixtures",
    "media_sync.tests.servers",
    "media_sync.tests.fixtures",
]
