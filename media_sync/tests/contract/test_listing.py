"""Listing."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from media_sync.tests.contract.gaps import GAPS

__all__ = ["GAPS"]  # which the servers' plugin looks for here
pytestmark = [pytest.mark.both_servers, pytest.mark.usefixtures("bucket")]
MANY = 2500


def test_list_of_an_empty_bucket(s3):
    answer = s3.list_objects_v2()

    assert (answer["Name"], answer.get("Contents", []), answer["IsTruncated"]) == (s3.bucket, [], False)


def test_list_of_2500_keys_comes_whole_and_in_order(s3):
    keys = [f"vehicles/{n:04}.jpg" for n in range(MANY)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put(key, b""), keys))

    pages = list(s3.client.get_paginator("list_objects_v2").paginate(Bucket=s3.bucket))

    assert [len(page["Contents"]) for page in pages] == [1000, 1000, 500]
    assert [found["Key"] for page in pages for found in page["Contents"]] == keys


def test_list_by_pages_of_two(s3):
    for name in "edcba":
        s3.put(name)

    assert s3.listed(PaginationConfig={"PageSize": 2}) == ["a", "b", "c", "d", "e"]


def test_list_behind_a_key(s3):
    for name in ("a", "b", "c"):
        s3.put(name)

    assert s3.listed(StartAfter="a") == ["b", "c"]


def test_list_under_a_prefix(s3):
    for name in ("a/1", "ab", "a/2", "b/1"):
        s3.put(name)

    assert (s3.listed(Prefix="a/"), s3.listed(Prefix="a")) == (["a/1", "a/2"], ["a/1", "a/2", "ab"])


def test_list_of_folders(s3):
    for name in ("1", "a/1", "a/2", "b/c/1"):
        s3.put(name)

    answer = s3.list_objects_v2(Delimiter="/")

    assert [found["Prefix"] for found in answer["CommonPrefixes"]] == ["a/", "b/"]
    assert [found["Key"] for found in answer["Contents"]] == ["1"]


def test_list_is_in_the_order_of_bytes(s3):
    keys = ["B", "a", "a b", "a!", "a0", "\u00e9", "\uffee", "\U0001f3ce"]
    for name in reversed(keys):
        s3.put(name)

    assert s3.listed() == sorted(keys, key=str.encode)


def test_list_of_a_key_that_is_a_folder_too(s3):
    s3.put("a/b")
    s3.put("a")

    assert s3.listed() == ["a", "a/b"]
