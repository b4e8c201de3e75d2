"""The calls to the test's bucket."""

import pytest

from media_sync.tests.contract.calls import Calls


@pytest.fixture
def s3(bucket) -> Calls:
    return Calls(bucket)
