"""Every route that is served, for tests that go through them all."""

import re
from collections.abc import Iterator, Sequence

from django.urls import URLPattern, URLResolver, get_resolver

Patterns = Sequence[URLPattern | URLResolver]


def named_routes(patterns: Patterns | None = None, prefix: str = "") -> Iterator[tuple[str, str | None]]:
    """Yield each route as it is declared, `v1/media/<int:pk>/`, and its name."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route, pattern.name
        else:
            yield from named_routes(pattern.url_patterns, route)


def routes_outside_the_admin() -> list[str]:
    return [route for route, _ in named_routes() if not route.startswith("admin/")]


def addresses(under: str) -> Iterator[tuple[str, str | None]]:
    """Yield an address of each route under this path, with 1 for what varies, and the route's name."""
    for route, name in named_routes():
        # The admin has two routes by regular expression: of an app, and of whatever there is no page for.
        part = re.sub(r"\(\?P<app_label>[^)]*\)", "accounts", route)
        address = "/" + re.sub(r"[\^$\\]", "", re.sub(r"\(\?P[^)]*\)|<[^>]+>", "1", part))
        if address.startswith(under):
            yield address, name
