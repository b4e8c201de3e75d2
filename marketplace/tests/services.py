"""Pytest plugin: the embedded services are up before Django's settings read their addresses."""

import pytest

from marketplace import embedded


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    embedded.start()
