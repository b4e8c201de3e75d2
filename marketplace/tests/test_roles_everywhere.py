"""Every page of the admin with every role: what opens is what the table of roles says, and nothing else.

What that is, in terms of pages, stands in admin_rights.py.
"""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import URLPattern, get_resolver, reverse

from accounts import roles
from accounts.tests.factories import UserFactory
from accounts.tests.people import STAFF, WHO, account, browser, may
from catalog.models import BulkEdit, ImportRun
from catalog.tests.factories import ItemFactory
from marketplace.admin import sidebar
from marketplace.tests.admin_rights import NOT_PAGES, PAGES, SITE, Page, make_row
from media_sync.models import MediaBatch

pytestmark = pytest.mark.django_db


get_resolver().url_patterns  # noqa: B018  (the rooms register and unregister their pages as it is read)
REGISTERED = [
    pytest.param(model, page, id=model._meta.label_lower) for model, page in admin.site._registry.items()
]
AUTOCOMPLETES = sorted(
    {
        (part.model._meta.app_label, part.model._meta.model_name, name)
        for page in admin.site._registry.values()
        for part in (page, *(inline(page.model, admin.site) for inline in page.inlines))
        for name in part.autocomplete_fields
    }
)


def visitor(who: str) -> Client:
    user = account(who)
    return browser(user) if user else Client()


def names_of(patterns: Any) -> set[str | None]:
    return {pattern.name for pattern in patterns if isinstance(pattern, URLPattern)}


def test_every_model_of_the_admin_is_in_the_table():
    assert {model._meta.label_lower for model in admin.site._registry} == PAGES.keys()


@pytest.mark.parametrize(("model", "page"), REGISTERED)
def test_every_address_of_a_model_is_in_the_table(model, page):
    info = f"{model._meta.app_label}_{model._meta.model_name}"
    common = {f"{info}_{part}" for part in ("changelist", "add", "change", "delete", "history")}

    assert names_of(page.get_urls()) - common - {None} == PAGES[model._meta.label_lower].more.keys()


def test_every_address_of_the_site_is_in_the_table():
    assert names_of(admin.site.get_urls()) == SITE.keys() | NOT_PAGES


def test_every_right_of_the_table_opens_something_here():
    opened = " ".join(
        f"{page.view} {page.add} {page.change} {page.delete} {' '.join((page.more | page.actions).values())}"
        for page in PAGES.values()
    ).split()
    # Appearances are lines of other pages; to publish any one kind is enough for the actions of all.
    assert (
        set(opened) | roles.rights("catalog", "view add change delete", "appearance") == roles.ADMINISTRATOR
    )


def statuses(client: Client, model: Any, row: Any) -> dict[str, tuple[int, int]]:
    """Return what every address of the model answers to being opened and to an empty form."""
    info = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    addresses = {part: reverse(f"{info}_{part}") for part in ("changelist", "add")}
    addresses |= {part: reverse(f"{info}_{part}", args=[row]) for part in ("change", "delete", "history")}
    return {
        part: (client.get(address).status_code, client.post(address).status_code)
        for part, address in addresses.items()
    }


def expected(page: Page, who: str) -> dict[str, tuple[int, int]]:
    if who in {"nobody", "client"}:
        return dict.fromkeys(("changelist", "add", "change", "delete", "history"), (302, 302))

    def both(opens: bool, writes: bool, shown: int = 200) -> tuple[int, int]:
        return (shown if opens else 403, shown if writes else 403)

    sees, changes = may(who, page.view) or may(who, page.change), may(who, page.change)
    adds = may(who, page.add) and (page is not PAGES["accounts.user"] or changes)
    deletes = may(who, page.delete)
    return {
        "changelist": both(sees, sees),
        "add": both(adds, adds),
        "change": both(sees, changes or (sees and page.opened == 302), page.opened),
        "delete": both(deletes, deletes),
        "history": both(sees, sees) if sees else (page.unseen, page.unseen),
    }


@pytest.mark.parametrize("who", WHO)
def test_pages_open_as_the_table_says(who):
    client = visitor(who)

    found = {
        model._meta.label_lower: statuses(client, model, make_row(model)) for model in admin.site._registry
    }

    assert found == {label: expected(page, who) for label, page in PAGES.items()}


@pytest.mark.parametrize("who", STAFF)
def test_actions_are_offered_as_the_table_says(who):
    request = RequestFactory().get("/")
    request.user = account(who)

    offered = {
        model._meta.label_lower: page.get_actions(request) for model, page in admin.site._registry.items()
    }

    opened = {label: page.actions for label, page in PAGES.items() if may(who, page.view)}
    assert {label: set(offered[label]) for label in opened} == {
        label: {name for name, right in actions.items() if may(who, right)}
        for label, actions in opened.items()
    }


MORE = {name: right for page in PAGES.values() for name, right in page.more.items()}
FORMS_ALONE = ("sync_now",)  # which nobody opens without a form


def answers(client: Client, name: str) -> set[int]:
    """Return what the address answers to an empty form and to being opened."""
    arguments: Any = {"catalog_term_words": ["genre"], "auth_user_password_change": [UserFactory.create().pk]}
    if name.startswith("catalog_importrun_") and name != "catalog_importrun_template":
        arguments[name] = [make_row(ImportRun)]
    if name.endswith("_counts"):
        arguments[name] = ["genres"]
    if name.endswith(("_publication", "_preview")):
        kind = name.split("_")[1]
        item = ItemFactory.create(kind=kind)
        arguments[name] = [item.pk, "publish"] if name.endswith("_publication") else [item.pk]
    if name.startswith("catalog_bulkedit_"):
        arguments[name] = [make_row(BulkEdit)]
    if name.startswith("media_sync_mediabatch_"):
        is_of_file = name.endswith(("_content", "_complete", "_assign"))
        arguments[name] = [make_row(MediaBatch), *([1] if is_of_file else [])]
    address = reverse(f"admin:{name}", args=arguments.get(name, []))
    found = {client.post(address).status_code}
    return found if name.endswith(FORMS_ALONE) else found | {client.get(address).status_code}


@pytest.mark.parametrize("who", WHO)
def test_other_addresses_open_as_the_table_says(who):
    client = visitor(who)

    found = {name: answers(client, name) for name in MORE}

    assert not [name for name, codes in found.items() if max(codes) >= 500]
    if who in STAFF:
        assert {name for name, codes in found.items() if 403 not in codes} == {
            name for name, right in MORE.items() if may(who, right)
        }
        assert all(codes == {403} for codes in found.values() if 403 in codes)
    else:
        assert all(codes == {302} for codes in found.values())


@pytest.mark.parametrize("who", STAFF)
def test_autocompletes_answer_those_who_may_view_what_they_find(who):
    client = visitor(who)
    asked = [
        {"app_label": app, "model_name": model, "field_name": column, "term": "a"}
        for app, model, column in AUTOCOMPLETES
    ]
    found = {
        "groups": "auth.view_group",
        "item": "catalog.view_item",
        "production": "catalog.view_production",
    }

    codes = [client.get(reverse("admin:autocomplete"), each).status_code for each in asked]

    assert codes == [200 if may(who, found[each["field_name"]]) else 403 for each in asked]


@pytest.mark.parametrize("who", WHO)
def test_pages_of_the_site(who):
    client = visitor(who)

    found = {name: client.get(reverse(f"admin:{name}")).status_code for name in SITE}

    assert found == (SITE if who in STAFF else dict.fromkeys(SITE, 302))


@pytest.mark.parametrize("who", STAFF)
def test_sidebar_and_index_lead_nowhere_else(who):
    client = visitor(who)

    page = client.get(reverse("admin:index")).content.decode()

    addresses = set(re.findall(r'href="(/admin/\w+/\w+/)"', page)) - {"/admin/second-factor/"}
    listed = {
        reverse(f"admin:{label.replace('.', '_')}_changelist")
        for label, wanted in PAGES.items()
        if may(who, wanted.view)
    }
    assert addresses <= listed
    assert {client.get(address).status_code for address in addresses} <= {200}


@pytest.mark.parametrize("who", STAFF)
def test_sidebar_leads_to_every_page_that_opens(who):
    request = RequestFactory().get("/")
    request.user = account(who)

    found = {link["link"] for group in sidebar(request) for link in group["items"]}

    opened = {f"/admin/{label.replace('.', '/')}/" for label, page in PAGES.items() if may(who, page.view)}
    assert found == (opened or {reverse("second-factor"), reverse("admin:password_change")})
