"""`/healthz` and `/readyz`."""

import pytest
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from marketplace import health
from media_sync import storage


@pytest.fixture
def broken_database(monkeypatch):
    """New connections find nobody; those that are open stay."""
    monkeypatch.setitem(connections["default"].settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connections["default"].settings_dict, "PORT", "1")


def not_ready(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    body = answer.json()
    assert (body["title"], body["status"]) == ("Service Unavailable", 503)
    return body["detail"], body["errors"]


def test_healthz_answers_without_a_database(client):
    # pytest-django refuses every use of the database here.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_readyz_with_all_there_answers_200(client, bucket):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


@pytest.mark.django_db
def test_readyz_without_a_database_names_it_and_no_host(client, bucket, broken_database):
    detail, errors = not_ready(client)
    assert detail == "The database does not answer."
    assert errors == [{"code": "database", "detail": detail}]


@pytest.mark.django_db
def test_readyz_without_a_bucket_names_it(client, settings):
    settings.S3_BUCKET = "absent"
    assert not_ready(client) == (health.NO_BUCKET, [{"code": "bucket", "detail": health.NO_BUCKET}])


@pytest.mark.django_db
def test_readyz_without_both_names_both(client, settings, broken_database):
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:1"
    detail, errors = not_ready(client)
    assert detail == f"{health.NO_DATABASE} {health.NO_BUCKET}"
    assert [error["code"] for error in errors] == ["database", "bucket"]


@pytest.mark.django_db(transaction=True)
def test_readyz_with_a_migration_to_apply_says_so(client, bucket):
    recorder = MigrationRecorder(connections["default"])
    recorder.record_unapplied("catalog", "0001_initial")
    try:
        found = not_ready(client)
    finally:
        recorder.record_applied("catalog", "0001_initial")
    sentence = "1 migrations are not applied."
    assert found == (sentence, [{"code": "migrations", "detail": sentence}])


@pytest.mark.django_db
def test_probe_of_the_bucket_is_right_about_a_bucket_that_is_there(bucket):
    storage.probe_bucket()
    assert list(health.bucket_faults()) == []
