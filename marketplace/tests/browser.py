"""Fixtures for tests that drive a real browser (marker `browser`).

CHROMIUM names the browser; without it, `chromium` on the PATH is taken. Without either the tests are
skipped with a reason. A page fails its test on an error in the console and on a request to a host
other than the application and its bucket.
"""

import os
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connections
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, expect, sync_playwright

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
VIEWPORT: ViewportSize = {"width": 1280, "height": 900}
TIMEOUT_MS = 60_000  # for what takes a second; a busy machine is slow


@pytest.fixture(scope="session")
def chromium_path() -> str:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path or not shutil.which(path):
        pytest.skip("No browser: install chromium, or name one with CHROMIUM.")
    return path


@pytest.fixture
def browser(chromium_path: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    # Playwright's calls run inside an event loop of its own, where Django refuses its database by default.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium_path, headless=True, args=ARGUMENTS)
        yield launched
        launched.close()
        # Inside that loop Django kept a connection of its own, which would outlive the test database.
        connections.close_all()


class Watch:
    """Collects what a page must not do."""

    def __init__(self, *addresses: str) -> None:
        self.hosts = {urlsplit(address).netloc for address in addresses}
        self.faults: list[str] = []

    def on_console(self, message: ConsoleMessage) -> None:
        url = str(message.location.get("url"))
        # Where a page names no icon the browser asks for this one by itself, now or when the page has gone.
        if message.type == "error" and not url.endswith("/favicon.ico"):
            self.faults.append(f"console: {message.text} ({url})")

    def on_error(self, error: Any) -> None:
        self.faults.append(f"script: {error}")

    def on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc not in self.hosts:
            self.faults.append(f"request to another host: {request.url}")


@pytest.fixture
def page(browser: Browser, live_server: Any) -> Iterator[Page]:
    """Give an empty page whose relative addresses are the live server's."""
    watch = Watch(live_server.url, settings.S3_PUBLIC_ENDPOINT_URL)
    context = browser.new_context(
        base_url=live_server.url, viewport=VIEWPORT, color_scheme="light", reduced_motion="reduce"
    )
    context.set_default_timeout(TIMEOUT_MS)
    expect.set_options(timeout=TIMEOUT_MS)  # not the context's: 5 s by default
    opened = context.new_page()
    opened.on("console", watch.on_console)
    opened.on("pageerror", watch.on_error)
    opened.on("request", watch.on_request)
    yield opened
    context.close()
    assert watch.faults == []


@pytest.fixture
def staff_page(page: Page) -> Page:
    """Give a page of the admin that a superuser has signed in to, by its own sign-in form."""
    get_user_model().objects.create_superuser("curator", "curator@example.com", "a long passphrase")
    page.goto("/admin/")
    page.get_by_label("Username").fill("curator")
    page.get_by_label("Password").fill("a long passphrase")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")
    return page
