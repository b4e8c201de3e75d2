"""What the public sees is changed by those who have the right to publish the kind, by whatever door."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from accounts.tests.people import browser, holder, member
from catalog.imports.reach import Reach
from catalog.models import Appearance, Item, Production, Status, Term
from catalog.tests import import_screens
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    ProductionFactory,
    TermFactory,
    ToolFactory,
    VehicleFactory,
)
from catalog.tests.imports import counts, faults, run, table
from catalog.tests.publication import PUBLISHED, act
from catalog.tests.test_admin_forms import form_data

pytestmark = pytest.mark.django_db

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
STATUS = {"status": "published", "published_at_0": "2026-02-02", "published_at_1": "00:00:00"}
READY = {"price": "5", "description": "Seen.", "no_production_reason": "Built for the museum."}
NOT_HIS = (
    "Publishing and withdrawing need the right catalog.publish_vehicle; without it the status and the time of"
    " publication stay as they are, and a new item is a draft."
)
CURATES = [f"catalog.{verb}_{kind}" for verb in ("view", "add", "change") for kind in ("vehicle", "tool")]
IMPORTS = [f"catalog.{verb}_importrun" for verb in ("add", "preview", "confirm")]


def stands(item):
    return Item.objects.values_list("status", "published_at").get(pk=item.pk)


# Forms


@pytest.mark.parametrize(("role", "status"), [("Curator", "draft"), ("Publisher", "published")])
def test_item_is_published_by_those_with_the_right(role, status):
    car = VehicleFactory.create(ready=True)

    answer = browser(member(role)).post(
        f"/admin/catalog/vehicle/{car.pk}/change/", form_data(**STATUS, **READY)
    )

    assert (answer.status_code, Item.objects.get().status) == (302, status)


@pytest.mark.parametrize("page", ["vehicle", "memorabilia", "tool"])
def test_publication_is_only_shown_to_those_without_the_right(page):
    shown = browser(member("Curator")).get(f"/admin/catalog/{page}/add/").content.decode()

    assert "Publication" in shown
    assert not [field for field in STATUS if f'name="{field}"' in shown]


@pytest.mark.parametrize("fields", [{}, {"published": True}, {"status": Status.ARCHIVED}], ids=str)
def test_forged_publication_changes_nothing(fields):
    car = VehicleFactory.create(**fields)
    before = stands(car)

    answer = browser(member("Curator")).post(
        f"/admin/catalog/vehicle/{car.pk}/change/", form_data(**STATUS, name="Seen to")
    )

    assert (answer.status_code, Item.objects.get().name, stands(car)) == (302, "Seen to", before)


def test_right_to_one_kind_is_not_one_to_another():
    client = browser(holder(*CURATES, "catalog.publish_vehicle"))
    car, tool = VehicleFactory.create(ready=True), ToolFactory.create(ready=True)

    client.post(f"/admin/catalog/vehicle/{car.pk}/change/", form_data(**STATUS, **READY))
    client.post(f"/admin/catalog/tool/{tool.pk}/change/", form_data(**STATUS, **READY, reference="T-1"))

    assert [stands(item)[0] for item in (car, tool)] == ["published", "draft"]


# Actions


@pytest.mark.parametrize("action", ["publish", "withdraw", "archive"])
@pytest.mark.parametrize("page", ["vehicle", "item"])
def test_action_is_not_offered_without_the_right(action, page):
    client = browser(member("Curator"))
    cars = [VehicleFactory.create(), VehicleFactory.create(published=True)]
    before = [stands(car) for car in cars]

    shown = client.get(f"/admin/catalog/{page}/").content.decode()
    act(client, action, *cars, page=page)

    assert f'value="{action}"' not in shown
    assert [stands(car) for car in cars] == before


@pytest.mark.parametrize(
    ("action", "status"), [("publish", "published"), ("withdraw", "draft"), ("archive", "archived")]
)
@pytest.mark.parametrize("page", ["vehicle", "item"])
def test_action_with_the_right(action, status, page):
    cars = [VehicleFactory.create(ready=True), VehicleFactory.create(published=True)]

    act(browser(member("Publisher")), action, *cars, page=page)

    assert {stands(car)[0] for car in cars} == {status}


def test_action_on_all_kinds_leaves_alone_what_is_not_his():
    car, tool = VehicleFactory.create(ready=True), ToolFactory.create(ready=True)
    client = browser(holder("catalog.view_item", "catalog.publish_vehicle"))

    asked, done = act(client, "publish", car, tool, page="item")

    assert [stands(item)[0] for item in (car, tool)] == ["published", "draft"]
    assert (asked.context["preview"].changing, asked.context["preview"].forbidden) == (1, 1)
    assert done.context["edit"].message == PUBLISHED.format(1)


# Spreadsheets

CURATOR = Reach(publish_kinds=())


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("reference,name,status", ["N-1", "New", "published"]),
        ("reference,name,status", ["N-1", "New", "archived"]),
        ("reference,name,published_at", ["N-1", "New", "2026-01-01"]),
        ("reference,status", ["D-1", "published"]),
        ("reference,status", ["P-1", "draft"]),
        ("reference,status", ["P-1", "[clear]"]),
        ("reference,published_at", ["P-1", "2026-02-02"]),
        ("reference,published_at", ["D-1", "2026-02-02"]),
        ("reference,status,published_at", ["P-1", "published", "2026-02-02"]),
    ],
)
def test_row_that_publishes_needs_the_right(tmp_path, header, row):
    drafted = VehicleFactory.create(reference="D-1")
    published = VehicleFactory.create(reference="P-1", status="published", published_at=NEW_YEAR)

    result = run(table(tmp_path / "t.csv", header, row), reach=CURATOR)

    assert counts(result) == (0, 0, 0, 1)
    assert [(fault[0], fault[3]) for fault in faults(result)] == [(2, NOT_HIS)]
    assert (stands(drafted), stands(published)) == (("draft", None), ("published", NEW_YEAR))
    assert Item.objects.count() == 2


@pytest.mark.parametrize(
    ("header", "row", "done"),
    [
        ("reference,name,status", ["N-1", "New", "draft"], (1, 0, 0, 0)),
        ("reference,name,status", ["N-1", "New", ""], (1, 0, 0, 0)),
        ("reference,name,status", ["P-1", "Seen to", "published"], (0, 1, 0, 0)),
        ("reference,name,status,published_at", ["P-1", "Seen to", "", ""], (0, 1, 0, 0)),
        ("reference,status,published_at", ["P-1", "published", "2026-01-01"], (0, 0, 1, 0)),
    ],
)
def test_row_that_leaves_the_publication_alone_lands(tmp_path, header, row, done):
    car = VehicleFactory.create(reference="P-1", status="published", published_at=NEW_YEAR)

    result = run(table(tmp_path / "t.csv", header, row), reach=CURATOR)

    assert (counts(result), stands(car)) == (done, ("published", NEW_YEAR))


def test_blank_cells_that_clear_the_status_need_the_right(tmp_path):
    car = VehicleFactory.create(reference="P-1", status="published", published_at=NEW_YEAR)

    result = run(table(tmp_path / "t.csv", "reference,status", ["P-1", ""]), blank="clear", reach=CURATOR)

    assert (counts(result), stands(car)) == ((0, 0, 0, 1), ("published", NEW_YEAR))


def test_right_to_publish_counts_for_the_kind_of_the_row(tmp_path):
    rows = [["V-1", "Car", "vehicle", "published"], ["T-1", "Tool", "tool", "published"]]

    result = run(
        table(tmp_path / "t.csv", "reference,name,kind,status", *rows), reach=Reach(publish_kinds=("tool",))
    )

    assert [(fault[0], fault[3]) for fault in faults(result)] == [(2, NOT_HIS)]
    assert list(Item.objects.values_list("reference", "status")) == [("T-1", "published")]


def test_new_terms_are_refused_without_the_right(tmp_path):
    TermFactory.create(name="Spy")
    file = table(
        tmp_path / "t.csv", "reference,name,genres", ["A-1", "One", "Spy"], ["A-2", "Two", "Western"]
    )

    result = run(file, terms="create", reach=Reach(new_terms=False))

    assert faults(result) == [(3, "genres", "Western", "'Western' is not a known genre.")]
    assert (list(Term.objects.values_list("name", flat=True)), Item.objects.count()) == (["Spy"], 1)


def test_new_productions_are_refused_without_the_right(tmp_path):
    ProductionFactory.create(title="Goldfinger", slug="goldfinger-1964")
    rows = [["A-1", "One", "Goldfinger (1964)"], ["A-2", "Two", "Goldfinger (1964) | GoldenEye (1995)"]]

    result = run(
        table(tmp_path / "t.csv", "reference,name,appearances", *rows), reach=Reach(new_productions=False)
    )

    sentence = (
        "A film or series here is not in the catalogue, and adding it needs the right catalog.add_production."
    )
    assert [(fault[0], fault[1], fault[3]) for fault in faults(result)] == [(3, "appearances", sentence)]
    assert (Production.objects.count(), Item.objects.count()) == (1, 1)


def test_appearances_are_refused_without_the_right(tmp_path):
    seen = AppearanceFactory.create(
        item=VehicleFactory.create(reference="A-1"),
        production=ProductionFactory.create(title="Goldfinger", slug="goldfinger-1964"),
    )
    rows = [
        ["A-1", "Seen to", "Goldfinger (1964)"],
        ["A-2", "Two", "Goldfinger (1964)"],
        ["A-3", "Three", ""],
    ]

    result = run(
        table(tmp_path / "t.csv", "reference,name,appearances", *rows), reach=Reach(appearances=False)
    )

    sentence = "Appearances need the rights catalog.add_appearance and catalog.delete_appearance."
    assert [(fault[0], fault[3]) for fault in faults(result)] == [(3, sentence)]
    assert (counts(result), list(Appearance.objects.all())) == ((1, 1, 0, 1), [seen])


NOTHING_ELSE = dict.fromkeys(
    ("new_terms", "new_productions", "appearances", "appearance_notes", "productions", "terms", "images"),
    False,
)


@pytest.mark.parametrize(
    ("roles", "reach"),
    [
        (["Viewer"], Reach((), (), **NOTHING_ELSE)),
        (["Operator"], Reach((), (), **NOTHING_ELSE)),
        (["Curator"], Reach(("memorabilia", "tool", "vehicle"), ())),
        (["Publisher"], Reach(("memorabilia", "tool", "vehicle"), ("memorabilia", "tool", "vehicle"))),
    ],
)
def test_reach_of_a_role(roles, reach):
    assert Reach.of(member(*roles)) == reach


def test_reach_obeys_the_limit_of_the_request():
    user = member("Publisher")
    user.limit = lambda permission: permission.endswith("_tool")

    assert Reach.of(user) == Reach(("tool",), ("tool",), **NOTHING_ELSE, every_production=False)


@pytest.mark.usefixtures("bucket", "empty_queue")
@pytest.mark.django_db(transaction=True)
def test_screen_lets_a_curator_bring_in_drafts_alone(tmp_path):
    client = browser(member("Curator"))
    rows = [["A-1", "One", "published", ""], ["A-2", "Two", "draft", "Western"]]
    file = table(tmp_path / "t.csv", "reference,name,status,genres", *rows)

    brought = import_screens.landed(client, file, terms="create")

    assert NOT_HIS in import_screens.page(client, brought, outcome="rejected")
    assert list(Item.objects.values_list("reference", "status", "genres")) == [("A-2", "draft", ["Western"])]


@pytest.mark.usefixtures("bucket", "empty_queue")
@pytest.mark.django_db(transaction=True)
def test_screen_offers_terms_to_those_who_may_add_them(tmp_path):
    client = browser(holder(*CURATES, *IMPORTS))
    file = table(tmp_path / "t.csv", "reference,name,genres", ["A-1", "One", "Western"], ["A-2", "Two", ""])

    form = client.get(reverse("admin:catalog_vehicle_import")).context["form"]
    forged = import_screens.upload(client, file, terms="create")
    import_screens.landed(client, file, terms="refuse")

    assert [value for value, _ in form.fields["terms"].choices] == ["refuse"]
    assert "terms" in forged.context["form"].errors
    assert (Term.objects.count(), list(Item.objects.values_list("reference", flat=True))) == (0, ["A-2"])


# A group of the house's own, for one kind


@pytest.fixture
def curator_of_vehicles():
    """The group that docs/roles.md shows."""
    group = Group.objects.create(name="Curator of vehicles")
    group.permissions.set(
        holder(
            *(f"catalog.{verb}_vehicle" for verb in ("view", "add", "change")),
            *(f"catalog.view_{name}" for name in ("production", "term", "mediaasset", "appearance")),
            "catalog.change_mediaasset",
            *(f"catalog.{verb}_appearance" for verb in ("add", "change", "delete")),
            *IMPORTS,
        ).user_permissions.all()
    )
    return browser(member(group.name))


def test_curator_of_vehicles_edits_vehicles_alone(curator_of_vehicles):
    car, tool = VehicleFactory.create(), ToolFactory.create()

    pages = {
        page: curator_of_vehicles.get(f"/admin/catalog/{page}").status_code
        for page in ("vehicle/", f"vehicle/{car.pk}/change/", "vehicle/import/", "tool/", f"tool/{tool.pk}/change/",
                     "tool/import/", "tool/export/", "memorabilia/", f"vehicle/{car.pk}/delete/", "term/add/")
    }  # fmt: skip

    assert [page for page, status in pages.items() if status == 200] == [
        "vehicle/", f"vehicle/{car.pk}/change/", "vehicle/import/",
    ]  # fmt: skip
    assert {status for status in pages.values() if status != 200} == {403}


def test_curator_of_vehicles_meets_no_item_of_another_kind(curator_of_vehicles):
    film = ProductionFactory.create()
    car, tool = VehicleFactory.create(name="Mine"), ToolFactory.create(name="Canary")
    for item in (car, tool):
        AppearanceFactory.create(item=item, production=film)
    asked = {"app_label": "catalog", "model_name": "mediaasset", "field_name": "item", "term": ""}

    answers = [
        curator_of_vehicles.get("/admin/catalog/item/"),
        curator_of_vehicles.get("/admin/autocomplete/", asked),
        curator_of_vehicles.get(f"/admin/catalog/production/{film.pk}/change/"),
        curator_of_vehicles.get("/admin/catalog/production/"),
    ]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert ["Mine" in answer.content.decode() for answer in answers] == [True, True, True, False]
    assert not [answer for answer in answers if "Canary" in answer.content.decode()]
    assert answers[-1].context["cl"].result_list[0].item_count == 1


def test_item_of_another_kind_leads_nowhere(curator_of_vehicles):
    tool = ItemFactory.create(kind="tool")

    answer = curator_of_vehicles.get(f"/admin/catalog/item/{tool.pk}/change/")

    assert (answer.status_code, answer.url) == (302, "/admin/")
