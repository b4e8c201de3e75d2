"""Where the preview opens."""

import pytest

from catalog.admin.imports.pages import chosen_outcome
from catalog.models import ImportSheet


@pytest.mark.parametrize(
    ("counts", "opened"),
    [
        ({"unchanged": 9, "rejected": 1}, "rejected"),
        ({"unchanged": 9, "withdrawn": 1}, "withdrawn"),
        ({"unchanged": 9, "changed": 1, "rejected": 1}, "changed"),
        ({"unchanged": 9}, "unchanged"),
        ({}, "new"),
    ],
)
def test_preview_opens_where_there_is_something_to_see(counts, opened):
    assert chosen_outcome(ImportSheet(**counts), None) == opened
