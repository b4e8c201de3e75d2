"""Fixtures that several modules of tests use."""

from collections.abc import Iterator

import pytest

from catalog.imports import staging
from catalog.models import ImportRun


@pytest.fixture
def nothing_staged() -> Iterator[None]:
    """What runs staged is dropped with them."""
    yield
    for run in ImportRun.objects.all():
        staging.drop(run)
