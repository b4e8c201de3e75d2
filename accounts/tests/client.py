"""Calls to the sign-in routes, as a client makes them."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from accounts.tests.factories import PASSWORD

TOKEN, ME = "/v1/auth/token/", "/v1/auth/me/"


def sign_in(api, username="ada", password=PASSWORD):
    answer = api.post(TOKEN, {"username": username, "password": password}, format="json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def me(api, access):
    return api.get(ME, headers={"Authorization": f"Bearer {access}"})


def refresh(api, token, route="/v1/auth/token/refresh/"):
    return api.post(route, {"refresh": token}, format="json")


def assert_refused(answer, sentence):
    """A 401 that says how to sign in and why this did not work."""
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert answer.json() == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": sentence,
    }


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make the calls at the same moment, each on a database connection of its own; return their answers."""
    barrier = threading.Barrier(len(calls))

    def make(call: Callable[[], Any]) -> Any:
        connection.ensure_connection()
        barrier.wait(timeout=30)
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(make, calls))
