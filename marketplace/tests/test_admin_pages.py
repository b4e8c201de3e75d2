"""Every list of the admin opens, with every filter and with a search, in a bounded number of queries."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection, models
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.tests.factories import ApiKeyFactory, UserFactory
from catalog.models import BulkEdit, ImportIssue, ImportLayout, ImportRun
from catalog.tests.factories import (
    AppearanceFactory,
    MediaAssetFactory,
    MemorabiliaFactory,
    ProductionFactory,
    TermFactory,
    ToolFactory,
    VehicleFactory,
)
from marketplace.admin import FormFilter, ModelAdmin, WordsField
from media_sync.models import BatchSource, FileState, MediaBatch, MediaBatchFile, SyncRun

pytestmark = pytest.mark.django_db

MOST_QUERIES = 12
ROWS = 30  # more than any page may cost in queries, so that one query a row shows

PAGES = [
    pytest.param(model, page, id=model._meta.label_lower) for model, page in admin.site._registry.items()
]


def values_for(field: forms.Field) -> list[str]:
    if isinstance(field, WordsField):
        return ["Spy", "Poster"]
    if isinstance(field, forms.ChoiceField):
        return [str(field.choices[-1][0])]  # type: ignore[index]
    return ["1964"]


def parameters(model: type[models.Model], page: Any, entry: Any) -> dict[str, list[str]]:
    """Return parameters that a person could have chosen in this filter."""
    if isinstance(entry, type) and issubclass(entry, FormFilter):
        form = entry(RequestFactory().get("/"), {}, model, page).form
        return {name: values_for(field) for name, field in form.fields.items()}
    if isinstance(entry, type) and issubclass(entry, admin.SimpleListFilter):
        choices = entry(RequestFactory().get("/"), {}, model, page).lookup_choices
        return {str(entry.parameter_name): [str(value) for value, _ in choices[:1]]}
    name = entry if isinstance(entry, str) else entry[0]
    field = model._meta.get_field(name)
    return {f"{name}__exact": [str(value) for value, _ in getattr(field, "flatchoices", [])[:2]] or ["1"]}


# Pages of other people's apps (the task queue's jobs) have their own filters, and rows that nothing here makes.
OUR_PAGES = [case for case in PAGES if isinstance(case.values[1], ModelAdmin)]
FILTERS = [
    pytest.param(model, parameters(model, page, entry), id=f"{model._meta.label_lower}-{number}")
    for model, page in admin.site._registry.items()
    for number, entry in enumerate(page.list_filter)
    if isinstance(page, ModelAdmin)
]


@contextmanager
def at_most_queries(most: int) -> Iterator[None]:
    with CaptureQueriesContext(connection) as captured:
        yield
    statements = [query["sql"] for query in captured.captured_queries]
    assert len(statements) <= most, "\n".join(statements)


@contextmanager
def bounded_list() -> Iterator[None]:
    """Pass if what is done takes few statements, and none that counts a whole table."""
    with CaptureQueriesContext(connection) as captured, at_most_queries(MOST_QUERIES):
        yield
    statements = [query["sql"] for query in captured.captured_queries]
    assert [each for each in statements if each.startswith("SELECT COUNT(") and "LIMIT" not in each] == []


def address(model: type[models.Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


@pytest.fixture
def admin_client(admin_client: Client) -> Client:
    """Give a browser whose sign-in is recorded, which its first request does."""
    admin_client.get(reverse("admin:jsi18n"))
    return admin_client


@pytest.fixture
def catalogue() -> None:
    """Fill the tables of the admin with more rows than a page may cost in queries."""
    Group.objects.create(name="Curators")
    run = ImportRun.objects.create(target="vehicle", file_name="cars.csv", state="done")
    batch = MediaBatch.objects.create(source=BatchSource.FOLDER, name="photos")
    for number in range(ROWS):
        car = VehicleFactory.create(genres=["Spy"], production_years=[1964], price=number)
        other = [MemorabiliaFactory, ToolFactory][number % 2].create(categories=["Poster"])
        asset = MediaAssetFactory.create(item=car, alt_text="A car")
        MediaBatchFile.objects.create(
            batch=batch, path=str(number), item=car, asset=asset, state=FileState.STORED
        )
        loose = MediaAssetFactory.create(item=None)
        MediaBatchFile.objects.create(
            batch=batch, path=f"{number}.jpg", asset=loose, state=FileState.UNMATCHED
        )
        MediaBatch.objects.create(source=BatchSource.FOLDER, name="photos", owner=batch.owner)
        MediaAssetFactory.create(item=other)
        AppearanceFactory.create(item=car, production=ProductionFactory.create())
        TermFactory.create(aliases=[f"Other {number}"])
        ImportIssue.objects.create(run=run, line=number, message="No.")
        ImportRun.objects.create(target="vehicle", file_name="cars.csv", state="done")
        BulkEdit.objects.create(made_by=UserFactory.create(), changes={"price": {"op": "set", "value": "1"}})
        ImportLayout.objects.create(target="vehicle", name="cars.csv", signature=str(number))
        SyncRun.objects.create(bucket="catalogue")
        ApiKeyFactory.create()


@pytest.mark.parametrize(("model", "page"), PAGES)
@pytest.mark.usefixtures("catalogue")
def test_changelist_with_many_rows_takes_few_queries(
    model: type[models.Model], page: Any, admin_client: Client
) -> None:
    with bounded_list():
        answer = admin_client.get(address(model))

    assert answer.status_code == 200


@pytest.mark.parametrize(("model", "page"), PAGES)
@pytest.mark.usefixtures("catalogue")
def test_changelist_searched_takes_few_queries(
    model: type[models.Model], page: Any, admin_client: Client
) -> None:
    with bounded_list():
        answer = admin_client.get(address(model), {"q": "it's a \\ 1"})

    assert answer.status_code == 200


@pytest.mark.parametrize(("model", "chosen"), FILTERS)
@pytest.mark.usefixtures("catalogue")
def test_changelist_filtered_takes_few_queries(
    model: type[models.Model], chosen: dict[str, list[str]], admin_client: Client
) -> None:
    with bounded_list():
        answer = admin_client.get(address(model), chosen)

    assert answer.status_code == 200


def options(client: Client, model: type[models.Model]) -> int:
    """Return how many options the list's filters and menus offer, all together."""
    page = client.get(address(model)).content.decode()
    shown = re.sub(r'<table id="result_list".*?</table>', "", page, flags=re.DOTALL)
    return len(re.findall(r'<option|type="checkbox"|type="radio"', shown))


@pytest.mark.parametrize(("model", "page"), PAGES)
def test_options_of_a_changelist_do_not_grow_with_the_tables(
    model: type[models.Model], page: Any, admin_client: Client, request: pytest.FixtureRequest
) -> None:
    before = options(admin_client, model)

    request.getfixturevalue("catalogue")

    assert options(admin_client, model) <= before + 5  # what the bar of actions brings along


@pytest.mark.parametrize(("model", "page"), PAGES)
def test_changelist_with_null_byte_is_no_error(
    model: type[models.Model], page: Any, admin_client: Client
) -> None:
    answer = admin_client.get(address(model), {"id__exact": "\x00"})

    assert answer.status_code == 302


@pytest.mark.parametrize(("model", "page"), OUR_PAGES)
@pytest.mark.usefixtures("catalogue")
def test_change_page_opens_without_a_query_a_row(
    model: type[models.Model], page: Any, admin_client: Client
) -> None:
    row = model._default_manager.order_by("pk").first()
    assert row is not None

    with at_most_queries(20):
        answer = admin_client.get(
            reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk]),
            follow=True,
        )

    assert answer.status_code == 200


@pytest.mark.parametrize(("model", "page"), PAGES)
def test_add_page_opens_where_adding_is_allowed(
    model: type[models.Model], page: Any, admin_client: Client
) -> None:
    answer = admin_client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add"))

    assert answer.status_code == (200 if page.has_add_permission(answer.wsgi_request) else 403)


@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [
        ("/admin/accounts/user/", 403, "Your account may not do this here."),
        ("/admin/nothing/", 404, "There is nothing at this address."),
    ],
)
def test_refusal_of_a_page_says_why_and_leads_back(
    client: Client, address: str, status: int, sentence: str
) -> None:
    client.force_login(UserFactory.create(is_staff=True))

    answer = client.get(address)

    text = answer.content.decode()
    assert (answer.status_code, sentence in text, 'href="/admin/"' in text) == (status, True, True)
