"""Lists as each person likes them: columns, saved views, counts of values."""

from typing import Any

import pytest
from django.test import Client

from accounts.tests.people import browser, member
from catalog.models import ListLayout, SavedView
from catalog.tests.factories import MemorabiliaFactory, VehicleFactory
from catalog.upkeep import take_in_changes

pytestmark = pytest.mark.django_db

LIST = "/admin/catalog/vehicle/"
PERSONAL = f"{LIST}personal/"


@pytest.fixture
def curator() -> Any:
    return member("Curator")


def shown(client: Client, address: str = LIST) -> list[str]:
    """Return the columns that the list shows, without the boxes to tick."""
    answer = client.get(address)
    assert answer.status_code == 200
    return [name for name in answer.context["cl"].list_display if name != "action_checkbox"]


def sentences(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_columns_are_remembered_for_the_person_and_the_page(curator: Any) -> None:
    client, other = browser(curator), browser(member("Viewer"))

    client.post(PERSONAL, {"do": "columns", "columns": ["price_shown", "title", "genres_shown", "nonsense"]})

    assert shown(client) == ["price_shown", "title", "genres_shown"]
    assert "cover" in shown(client, "/admin/catalog/tool/")
    assert "cover" in shown(other)


def test_column_that_opens_the_row_stays(curator: Any) -> None:
    client = browser(curator)

    client.post(PERSONAL, {"do": "columns", "columns": ["price_shown"]})

    assert shown(client) == ["title", "price_shown"]


def test_columns_as_usual_again(curator: Any) -> None:
    client = browser(curator)
    usual = shown(client)
    client.post(PERSONAL, {"do": "columns", "columns": ["title"]})

    client.post(PERSONAL, {"do": "reset"})

    assert shown(client) == usual
    assert not ListLayout.objects.exists()


def test_no_column_at_all_is_refused(curator: Any) -> None:
    answer = browser(curator).post(PERSONAL, {"do": "columns", "columns": ["nonsense"]}, follow=True)

    assert sentences(answer) == ["Choose at least one column."]


def test_order_stays_where_columns_move(curator: Any) -> None:
    client = browser(curator)

    answer = client.post(
        PERSONAL, {"do": "columns", "columns": ["title", "price_shown"], "query": "o=-5&genres=Spy"}
    )

    assert answer.headers["Location"] == f"{LIST}?genres=Spy&o=-2"


def save(client: Client, name: str, query: str, **more: str) -> Any:
    return client.post(PERSONAL, {"do": "save", "name": name, "query": query, **more}, follow=True)


def test_view_keeps_filters_order_and_columns(curator: Any) -> None:
    client = browser(curator)
    VehicleFactory.create(name="Cheap", genres=["Spy"], price=1)
    VehicleFactory.create(name="Dear", genres=["Spy"], price=2)
    VehicleFactory.create(name="Other")
    client.post(PERSONAL, {"do": "columns", "columns": ["price_shown", "title"]})
    save(client, "Spies", "genres=Spy&o=-1&p=1")
    client.post(PERSONAL, {"do": "reset"})

    answer = client.get(f"{PERSONAL}?view={SavedView.objects.get().pk}", follow=True)

    assert [item.name for item in answer.context["cl"].result_list] == ["Dear", "Cheap"]
    assert answer.context["cl"].list_display[-2:] == ["price_shown", "title"]
    assert 'aria-current="page">Spies' in answer.content.decode()


def test_view_saved_under_its_name_again_is_replaced(curator: Any) -> None:
    client = browser(curator)
    save(client, "Spies", "genres=Spy")

    answer = save(client, " Spies  ", "genres=Action")

    assert SavedView.objects.get().query == "genres=Action"
    assert sentences(answer)[-1] == "The view Spies is saved."


@pytest.mark.parametrize(("role", "is_shared"), [("Curator", True), ("Viewer", False)])
def test_view_is_shared_by_those_who_may_change_items(role: str, is_shared: bool) -> None:
    save(browser(member(role)), "Spies", "genres=Spy", shared="1")

    assert SavedView.objects.get().is_shared is is_shared


def test_private_view_is_its_owners_alone_and_a_shared_one_everybodys(curator: Any) -> None:
    save(browser(curator), "Mine", "genres=Spy")
    save(browser(curator), "Ours", "genres=Spy", shared="1")
    other = browser(member("Viewer"))

    answer = other.get(LIST)

    assert [view.name for view in answer.context["personal"].views] == ["Ours"]
    mine = SavedView.objects.get(name="Mine")
    assert sentences(other.get(f"{PERSONAL}?view={mine.pk}", follow=True)) == [
        "This view is not there any more."
    ]


def test_shared_view_of_somebody_else_is_not_deleted_by_a_curator(curator: Any) -> None:
    save(browser(curator), "Ours", "genres=Spy", shared="1")
    view = SavedView.objects.get()

    answer = browser(member("Publisher")).post(PERSONAL, {"do": "delete", "query": f"view={view.pk}"})

    assert answer.status_code == 403
    assert browser(curator).post(PERSONAL, {"do": "delete", "query": f"view={view.pk}"}).status_code == 302
    assert not SavedView.objects.exists()


def test_view_that_asks_for_what_is_gone_opens_without_it_and_says_so(curator: Any) -> None:
    VehicleFactory.create(genres=["Spy"])
    view = SavedView.objects.create(
        owner=curator,
        page="vehicle",
        name="Old",
        query="genres=Spy&wheels=4",
        order=["-horses", "title"],
        columns=["title", "horses"],
    )

    answer = browser(curator).get(f"{PERSONAL}?view={view.pk}", follow=True)

    assert answer.status_code == 200
    assert sentences(answer) == [
        "The view Old asks for what this list does not have any more: wheels, horses."
    ]
    assert len(answer.context["cl"].result_list) == 1


def test_views_go_with_their_owner(curator: Any) -> None:
    save(browser(curator), "Mine", "genres=Spy")

    curator.delete()

    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    "data",
    [
        {"do": "save", "name": "", "query": "genres=Spy"},
        {"do": "save", "name": "\x00", "query": "genres=%00"},
        {"do": "save", "name": "x" * 900, "query": "genres=" + "x" * 9000 + "&o=99999999999999999999.-.x"},
        {"do": "columns", "columns": ["\x00"], "query": "o=-"},
        {"do": "delete", "query": "view=99999999999999999999"},
        {"do": "nonsense"},
    ],
)
def test_nonsense_is_no_error(data: Any, curator: Any) -> None:
    assert browser(curator).post(PERSONAL, data, follow=True).status_code == 200


@pytest.fixture
def garage() -> None:
    VehicleFactory.create(
        genres=["Spy", "Action"], status="published", published_at="2026-01-01T00:00Z", price=5
    )
    VehicleFactory.create(genres=["Spy"], production_years=[1964], make="Aston Martin")
    VehicleFactory.create(genres=["Comedy"], make="Fiat")
    VehicleFactory.create()
    MemorabiliaFactory.create(genres=["Spy"])


@pytest.mark.usefixtures("garage")
@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param(
            "", {"Spy": "2", "Action": "1", "Comedy": "1", "no value": "1"}, id="all statuses, one kind"
        ),
        pytest.param("status__exact=published", {"Spy": "1", "Action": "1"}, id="status"),
        pytest.param("production_years_from=1960&production_years_to=1970", {"Spy": "1"}, id="years"),
        pytest.param("price_from=1", {"Spy": "1", "Action": "1"}, id="price"),
        pytest.param("make_starts=fi", {"Comedy": "1"}, id="make, which bitmaps cannot say"),
        pytest.param("q=aston", {"Spy": "1"}, id="search"),
        pytest.param(
            "genres=Comedy",
            {"Comedy": "1", "Spy": "2", "Action": "1", "no value": "1"},
            id="its own values count without it",
        ),
    ],
)
def test_counts_of_values(query: str, found: dict[str, str], settled: bool, admin_client: Client) -> None:
    if settled:
        take_in_changes()

    answer = admin_client.get(f"{LIST}counts/genres/?{query}")

    assert {value.label: value.count_text for value in answer.context["values"]} == found


@pytest.mark.usefixtures("garage")
def test_counts_are_of_the_kinds_that_one_sees(client: Client, django_user_model: Any) -> None:
    viewer = django_user_model.objects.create_user("tools", is_staff=True)
    viewer.user_permissions.set(
        member("Curator").groups.get().permissions.filter(codename="view_memorabilia")
    )
    client.force_login(viewer)

    answer = client.get("/admin/catalog/item/counts/genres/")

    assert {value.label: value.count_text for value in answer.context["values"]} == {"Spy": "1"}


@pytest.mark.usefixtures("garage")
def test_chosen_value_is_taken_out_by_its_link_and_another_added(admin_client: Client) -> None:
    answer = admin_client.get(f"{LIST}counts/genres/?genres=Spy&p=3&genres__mode=all")

    links = {value.label: (value.address, value.is_chosen) for value in answer.context["values"]}
    assert links["Spy"] == ("?genres__mode=all", True)
    assert links["Action"] == ("?genres=Spy&genres=Action&genres__mode=all", False)


def test_counts_of_no_array_are_not_there(admin_client: Client) -> None:
    assert admin_client.get(f"{LIST}counts/price/").status_code == 404
