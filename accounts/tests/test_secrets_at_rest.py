"""Nothing that signs in, and no password, is left in the database, in the log or on a page of the admin."""

import io
import logging
import re

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from accounts import second_factor
from accounts.tests.client import TOKEN, refresh, sign_in
from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
JWT = re.compile(r"eyJ[\w-]+\.")
SIGN_INS = 2
WRONG, TYPED_AS_NAME, NEW = "Wrong 61 gullwing", "Typed 62 gullwing", "Another 63 gullwing"
APPS = {"accounts", "auth", "token_blacklist", "otp_totp", "django_otp_webauthn", "sessions", "admin"}


def use_every_door():
    """Sign in and out, well and badly, in every way there is; return what was secret in it."""
    chief = UserFactory.create(username="chief", superuser=True)
    UserFactory.create(username="ada")
    secrets = {PASSWORD, WRONG, TYPED_AS_NAME, NEW, *second_factor.new_recovery_codes(chief)}
    return secrets | use_tokens() | use_key() | use_browser()


def use_tokens():
    api = APIClient()
    pairs = [sign_in(api) for _ in range(SIGN_INS)]
    pairs += [refresh(api, pair["refresh"]).json() for pair in pairs]
    pairs += [refresh(api, pairs[-1]["refresh"]).json()]
    assert refresh(api, pairs[SIGN_INS - 1]["refresh"]).status_code == 401  # spent, and its successor too
    assert refresh(api, pairs[0]["refresh"] + "x").status_code == 401
    for name in ("ada", TYPED_AS_NAME):
        answer = api.post(TOKEN, {"username": name, "password": WRONG}, format="json")
        assert answer.status_code == 401
    bearer = {"Authorization": f"Bearer {pairs[0]['access']}"}
    body = {"old_password": PASSWORD, "new_password": NEW}
    assert api.post("/v1/auth/password/", body, format="json", headers=bearer).status_code == 200
    return {token for pair in pairs for token in (pair["access"], pair["refresh"])}


def use_key():
    api = APIClient()
    UserFactory.create(username="keeper")
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in(api, 'keeper')['access']}")
    answer = api.post("/v1/auth/keys/", {"name": "Export", "scopes": ["read"]}, format="json")
    key = answer.json()["key"]
    api.credentials(HTTP_AUTHORIZATION=f"Api-Key {key}")
    assert api.get("/v1/vehicles/").status_code == 200
    return {key, key.rpartition("_")[2]}


def use_browser():
    browser = Client()
    UserFactory.create(username="clerk", is_staff=True)
    login = reverse("admin:login")
    browser.post(login, {"username": "clerk", "password": WRONG})
    browser.post(login, {"username": TYPED_AS_NAME, "password": WRONG})
    assert browser.post(login, {"username": "clerk", "password": PASSWORD}).status_code == 302
    return {browser.cookies[settings.SESSION_COOKIE_NAME].value}


def dump():
    """Return every row of every table, as pg_dump writes them."""
    text = io.StringIO()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for (table,) in cursor.fetchall():
            with cursor.copy(f"COPY {table} TO STDOUT") as rows:
                for row in rows:
                    text.write(bytes(row).decode())
    return text.getvalue()


def found_in(text, secrets):
    """Return which of the secrets the text holds, plain or as PostgreSQL shows bytes."""
    return {secret for secret in secrets if secret in text or secret.encode().hex() in text}


def test_dump_holds_no_secret():
    secrets = use_every_door()

    text = dump()

    assert "chief" in text
    assert (found_in(text, secrets), JWT.findall(text)) == (set(), [])


def test_statements_hold_no_secret():
    """They end in the database's log when they fail or take long."""
    with CaptureQueriesContext(connection) as queries:
        secrets = use_every_door()

    text = "\n".join(query["sql"] for query in queries)
    assert (found_in(text, secrets - {TYPED_AS_NAME}), JWT.findall(text)) == (set(), [])


def test_log_holds_no_secret(caplog):
    with caplog.at_level(logging.DEBUG):
        secrets = use_every_door()

    assert "came twice" in caplog.text
    assert (found_in(caplog.text, secrets), JWT.findall(caplog.text)) == (set(), [])


def pages_of(client):
    """Yield the text of the list, and of the page of each row, of everything about accounts."""
    for model in admin.site._registry:
        if model._meta.app_label in APPS:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            yield client.get(reverse(f"{name}_changelist")).content.decode()
            for row in model._default_manager.all()[:50]:
                yield client.get(reverse(f"{name}_change", args=[row.pk])).content.decode()


def test_admin_pages_hold_no_secret(admin_client):
    secrets = use_every_door()

    text = "\n".join(pages_of(admin_client))

    assert "chief" in text
    assert (found_in(text, secrets), JWT.findall(text)) == (set(), [])
    assert not re.search(r"argon2\S*\$[\w+/]{20}", text)  # nor a whole hash
