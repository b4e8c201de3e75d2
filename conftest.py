"""Fixtures for every test, each in the room that it is about."""

pytest_plugins = ["marketplace.tests.browser", "media_sync.tests.fixtures"]
