"""What schemathesis has to know of this service: accounts, clients, and which refusals no schema can foretell.

Loaded by `st run` (SCHEMATHESIS_HOOKS) in a process of its own; FUZZ_WHO names who asks: anonymous, client or staff.
"""

import itertools
import os
from contextlib import suppress
from typing import Any

import django

django.setup()

import schemathesis  # noqa: E402
from rest_framework.exceptions import AuthenticationFailed  # noqa: E402
from schemathesis import AuthContext, Case, HookContext, Response  # noqa: E402
from schemathesis.core.failures import Failure  # noqa: E402
from schemathesis.generation.meta import TestPhase  # noqa: E402

from accounts import tokens  # noqa: E402
from accounts.models import User  # noqa: E402
from marketplace.tests.promises import is_broken  # noqa: E402

WHO = os.environ["FUZZ_WHO"]
PART, PARTS = (int(number) for number in os.environ["FUZZ_PART"].split("/"))
_addresses = itertools.count(1)
_edges = itertools.count()


@schemathesis.hook
def filter_case(_context: HookContext, case: "Case[Any]") -> bool:
    """Ask for this run's part of the edges of what the document names: they are the same with every seed."""
    is_edge = case.meta is not None and case.meta.phase.name is TestPhase.COVERAGE
    return not is_edge or next(_edges) % PARTS == PART


@schemathesis.hook
def before_call(_context: HookContext, case: "Case[Any]", _kwargs: dict[str, Any]) -> None:
    """Let every request come from a client of its own: what one client may do in a minute is tested elsewhere."""
    number = next(_addresses)
    case.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


if WHO != "anonymous":

    @schemathesis.auth(refresh_interval=None)
    class Account:
        """Signs each request in by a session of its own, since some of them end the one that they came with."""

        def get(self, _case: "Case[Any]", _context: AuthContext) -> str:
            while True:
                with suppress(
                    AuthenticationFailed
                ):  # a request has just ended all sessions: the account is new now
                    return tokens.begin(User.objects.get(username=WHO), verified=False).access

        def set(self, case: "Case[Any]", access: str, _context: AuthContext) -> None:
            case.headers["Authorization"] = f"Bearer {access}"


@schemathesis.hook
def filter_failure(_context: HookContext, failure: Failure, case: "Case[Any]", response: Response) -> bool:
    return is_broken(failure, case, response, is_staff=WHO == "staff")
