"""Fixtures that several modules of tests use."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from catalog.imports import staging
from catalog.models import ImportRun


@pytest.fixture(autouse=True)
def no_answers_kept() -> None:
    """Answers of another test are not at hand: states of the catalogue that were rolled back come again."""
    cache.clear()


@pytest.fixture
def nothing_staged() -> Iterator[None]:
    """What runs staged is dropped with them."""
    yield
    for run in ImportRun.objects.all():
        staging.drop(run)
