"""No link and no button of the admin leads its reader to a refusal: what one may not do is not shown.

Every page of every model is opened by every role; then every address that it shows is asked, and every form that has
a button is sent empty.
"""

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.tests.people import STAFF, account, browser
from catalog.models import Vocabulary
from catalog.tests.factories import AppearanceFactory, MediaAssetFactory, TermFactory, VehicleFactory
from marketplace.tests.admin_rights import PAGES, make_row

pytestmark = pytest.mark.django_db

LEAVING = ("/admin/logout/", "/admin/jsi18n/")  # they end the walk, or are no page
REFUSALS = {403, 404, 405, 500}
PARTS = ("changelist", "add", "change", "delete", "history")
Shown = set[tuple[str, str]]  # method and address


class Reader(HTMLParser):
    """Collects the links of a page, and of its forms those that have a button to send them, wherever it stands."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address, self.shown = address, set[tuple[str, str]]()
        self.forms: dict[str, tuple[str, str]] = {}
        self.buttons: list[tuple[str, str]] = []  # of which form, and where else it leads
        self.form = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name in ("href", "hx-get"):
            if tag != "link" and given.get(name):
                self.see("get", given[name])
        if tag == "form":
            self.form = given.get("id") or f"form {len(self.forms)}"
            self.forms[self.form] = (given.get("method", "get").lower(), given.get("action", ""))
        is_button = tag == "button" and given.get("type", "submit") == "submit"
        if is_button or (tag == "input" and given.get("type") == "submit"):
            self.buttons.append((given.get("form", self.form), given.get("formaction", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = ""

    def close(self) -> None:
        super().close()
        for form, elsewhere in self.buttons:
            if form in self.forms:
                method, action = self.forms[form]
                self.see(method, elsewhere or action)

    def see(self, method: str, link: str) -> None:
        address = urlsplit(urljoin(self.address, link))
        if address.path.startswith("/admin/") and address.path not in LEAVING:
            query = f"?{address.query}" if address.query else ""
            self.shown.add((method, f"{address.path}{query}"))


def pages() -> Iterator[str]:
    """Yield the addresses of all pages that are one of a model, with a row each where they are of a row."""
    yield reverse("admin:index")
    for model in admin.site._registry:
        info, row = f"admin:{model._meta.app_label}_{model._meta.model_name}", make_row(model)
        for part in PARTS:
            yield reverse(f"{info}_{part}", args=[] if part in {"changelist", "add"} else [row])
        for name in PAGES[model._meta.label_lower].more:
            try:
                yield reverse(f"admin:{name}")
            except NoReverseMatch:
                continue  # the address of a row, to which its page leads


def shown_to(client: Client, addresses: list[str]) -> Shown:
    """Return all that the pages show which open to this person."""
    shown: Shown = set()
    for address in addresses:
        answer = client.get(address)
        if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"):
            reader = Reader(address)
            reader.feed(answer.content.decode())
            reader.close()
            shown |= reader.shown
    return shown


@pytest.mark.parametrize("who", STAFF)
def test_nothing_shown_is_refused(who: str) -> None:
    for name in ("Aston Martin", "Aston-Martin"):
        TermFactory.create(name=name, vocabulary=Vocabulary.MAKE)
    car = VehicleFactory.create(make="Aston Martin")
    AppearanceFactory.create(item=car)
    MediaAssetFactory.create(item=car)
    client = browser(account(who))
    shown = shown_to(client, list(pages()))

    asked = [("get", address) for method, address in shown if method == "get"]
    asked += sorted(each for each in shown if each[0] == "post")  # these may change what the links lead to
    refused = [each for each in asked if getattr(client, each[0])(each[1]).status_code in REFUSALS]

    assert refused == []
    assert len(shown) > 3
