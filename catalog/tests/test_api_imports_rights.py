"""Who sees an import over the API, who may do what with it, and two who do it at once."""

import pytest
from django.test import Client

from accounts.tests.factories import ApiKeyFactory, text_of
from accounts.tests.people import api, holder, member
from catalog.imports.life import work
from catalog.models import ImportLayout, ImportRun, Item
from catalog.tests.api_imports import IMPORTS, RIGHTS, VEHICLES, importer, landed, post, read, told, upload

pytestmark = [
    pytest.mark.usefixtures("bucket"),
    pytest.mark.django_db,
]
STEPS = {
    "": "get", "rows/": "get", "rejected/": "get", "mapping/": "put", "leave-out/": "post", "confirm/": "post",
    "cancel/": "post", "undo/": "post",
}  # fmt: skip


def answers(client, address):
    return {
        step: post(client, f"{address}{step}", method=method).status_code for step, method in STEPS.items()
    }


def test_import_that_waits_does_not_exist_for_others():
    address = read(importer())

    found = answers(importer(), address)

    assert found == dict.fromkeys(STEPS, 404)
    assert importer().get(IMPORTS).json()["count"] == 0


def test_import_that_waits_does_not_exist_for_superusers():
    address = read(importer())

    assert api(member(is_superuser=True)).get(address).status_code == 404


def test_import_that_landed_is_seen_by_those_who_view_imports():
    address = landed(importer())
    viewer = api(holder("catalog.view_importrun"))

    assert viewer.get(f"{address}rows/").json()["count"] == 2
    assert [run["url"] for run in viewer.get(IMPORTS).json()["results"]] == [address]
    links = viewer.get(address).json()["links"]
    assert [name for name, link in links.items() if link] == ["rows", "file"]


def test_import_that_landed_does_not_exist_for_those_who_only_bring_their_own():
    address = landed(importer())

    assert api(holder("catalog.add_importrun")).get(address).status_code == 404


@pytest.mark.parametrize(
    ("left", "refused"),
    [
        ("add", {"cancel/"}),
        ("preview", {"rows/", "rejected/", "mapping/", "leave-out/"}),
        ("confirm", {"confirm/"}),
        ("undo", {"undo/"}),
    ],
)
def test_step_without_its_right_is_forbidden(left, refused):
    owner = holder(*RIGHTS, *VEHICLES)
    address = read(api(owner))
    owner.user_permissions.remove(*owner.user_permissions.filter(codename=f"{left}_importrun"))

    found = answers(api(owner), address)

    assert {step for step, status in found.items() if status == 403} == refused


def test_upload_that_lands_at_once_needs_the_right_to_confirm():
    client = api(holder("catalog.add_importrun", "catalog.preview_importrun", *VEHICLES))

    assert upload(client, land="at_once").status_code == 403
    assert not ImportRun.objects.exists()


def test_upload_that_lands_at_once_is_confirmed_where_nothing_is_to_be_decided():
    address = read(importer(), land="at_once")

    [run] = ImportRun.objects.all()
    assert address.endswith(f"/{run.pk}/")
    assert (run.state, run.confirmed_by) == ("confirmed", run.started_by)


def test_upload_that_lands_at_once_waits_where_something_is_to_be_decided():
    client = importer()

    address = read(client, b"reference,name,Farbe\nA-1,DB5,silver\n", land="at_once")

    assert told(client, address, "state", "confirmed_by") == ("mapping", None)


def test_account_that_is_not_staff_is_forbidden():
    client = api(holder(*RIGHTS, *VEHICLES, is_staff=False))

    assert [client.get(IMPORTS).status_code, upload(client).status_code] == [403, 403]


def test_nobody_is_asked_to_sign_in():
    answer = upload(Client())

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [
        (["read"], {"list": 200, "upload": 403}),
        (["write"], {"list": 200, "upload": 202}),
        (["catalog.add_importrun"], {"list": 200, "upload": 202}),
        (["catalog.view_vehicle"], {"list": 403, "upload": 403}),
    ],
    ids=str,
)
def test_key_imports_by_its_scopes(scopes, statuses):
    key = ApiKeyFactory.create(owner=holder(*RIGHTS, *VEHICLES), scopes=scopes)
    client = Client(headers={"authorization": f"Api-Key {text_of(key)}"})

    assert {"list": client.get(IMPORTS).status_code, "upload": upload(client).status_code} == statuses


IMPORTING = ["catalog.add_importrun", "catalog.preview_importrun", "catalog.confirm_importrun"]
PUBLISHED = b"reference,name,status\nA-1,Aston Martin DB5,published\nA-2,Lotus Esprit,\n"


def key_client(owner, scopes):
    return Client(
        headers={"authorization": f"Api-Key {text_of(ApiKeyFactory.create(owner=owner, scopes=scopes))}"}
    )


@pytest.mark.parametrize(
    ("more", "references"),
    [
        ([], []),
        ([*VEHICLES], ["A-2"]),  # the row that publishes is rejected
        ([*VEHICLES, "catalog.publish_vehicle"], ["A-1", "A-2"]),
    ],
    ids=["no vehicles", "vehicles", "publishing"],
)
def test_import_by_a_key_does_no_more_than_its_scopes(more, references):
    owner = holder(*RIGHTS, *VEHICLES, "catalog.publish_vehicle")

    landed(key_client(owner, [*IMPORTING, *more]), PUBLISHED)

    assert list(Item.objects.order_by("reference").values_list("reference", flat=True)) == references


def test_key_confirms_nothing_that_reaches_farther_than_its_scopes():
    owner = holder(*RIGHTS, *VEHICLES, "catalog.publish_vehicle")
    address = read(api(owner), PUBLISHED)
    key = key_client(owner, [*IMPORTING, *VEHICLES])

    statuses = [post(key, f"{address}{step}").status_code for step in ("confirm/", "cancel/")]

    assert statuses == [403, 202]


def test_undo_by_a_key_does_no_more_than_its_scopes():
    owner = holder(*RIGHTS, *VEHICLES)
    address = landed(api(owner))

    answer = post(key_client(owner, ["catalog.view_importrun", "catalog.undo_importrun"]), f"{address}undo/")
    work.undo_now(answer.json()["id"])

    assert (answer.status_code, Item.objects.count()) == (202, 2)


def test_list_costs_the_same_however_long_it_is(django_assert_num_queries):
    user = holder(*RIGHTS)
    client = api(user)
    for number in range(30):
        ImportRun.objects.create(target="vehicle", file_name=f"{number}.csv", started_by=user)

    with django_assert_num_queries(5):  # the session, two of permissions, the page, the count
        answer = client.get(f"{IMPORTS}?page_size=25")

    assert [run["file"]["name"] for run in answer.json()["results"]] == [f"{n}.csv" for n in range(29, 4, -1)]


def test_list_is_narrowed_by_state_and_target():
    user = holder(*RIGHTS)
    for state, target in [("ready", "vehicle"), ("ready", "tool"), ("failed", "tool"), ("done", "tool")]:
        ImportRun.objects.create(target=target, file_name="a.csv", started_by=user, state=state)

    found = api(user).get(f"{IMPORTS}?state=ready,failed&target=tool").json()["results"]

    assert [(run["state"], run["target"]) for run in found] == [("failed", "tool"), ("ready", "tool")]


# Layouts


@pytest.fixture
def layout():
    return ImportLayout.objects.create(
        target="vehicle", signature="x", name="dealer.csv", header=["Stock No."]
    )


def test_layouts_are_listed_and_forgotten(layout):
    client = api(holder("catalog.view_importlayout", "catalog.delete_importlayout"))
    [listed] = client.get(f"{IMPORTS}layouts/").json()["results"]
    one = client.get(listed["url"]).json()

    answer = client.delete(listed["url"])

    assert one == listed
    assert (listed["id"], listed["name"], listed["header"]) == (layout.pk, "dealer.csv", ["Stock No."])
    assert (answer.status_code, ImportLayout.objects.exists()) == (204, False)
    assert client.delete(listed["url"]).status_code == client.get(listed["url"]).status_code == 404


def test_layout_is_forgotten_by_right_only(layout):
    client = api(holder("catalog.view_importlayout"))

    assert client.delete(f"{IMPORTS}layouts/{layout.pk}/").status_code == 403
    assert ImportLayout.objects.exists()


def test_layout_is_renamed_and_mapped_anew(layout):
    client = api(holder("catalog.change_importlayout"))
    mapping = {"reference": {"header": "Stock No.", "prefix": "D-"}}

    named = patch(client, layout, {"name": "Dealer in Ulm"})
    mapped = patch(client, layout, {"mapping": mapping})

    assert (named.status_code, named.json()["name"], named.json()["mapping"]) == (200, "Dealer in Ulm", {})
    assert (mapped.status_code, mapped.json()["name"], mapped.json()["mapping"]) == (
        200,
        "Dealer in Ulm",
        mapping,
    )


def test_layout_that_was_changed_counts_for_the_next_file():
    client = importer("catalog.change_importlayout")
    first = read(client, b"Stock No.,Car\nA-1,DB5\n")
    said = {"reference": {"header": "Stock No."}, "name": {"header": "Car"}}
    post(client, f"{first}mapping/", {"sheets": [{"position": 0, "mapping": said}], "remember": True}, "put")

    patch(
        client, ImportLayout.objects.get(), {"mapping": said | {"name": {"header": "Car", "prefix": "Our "}}}
    )
    [row] = client.get(f"{read(client, b'Stock No.,Car' + chr(10).encode() + b'A-2,DB6')}rows/").json()[
        "results"
    ]

    assert row["title"] == "Our DB6 (A-2)"


BAD_LAYOUTS = [
    ({"mapping": {"name": {"header": "Car"}}}, "/mapping/name", "name: the file has no column 'Car'."),
    ({"mapping": {"wheels": {"header": "Stock No."}}}, "/mapping", "wheels: the table has no such column."),
    ({"mapping": {"price": {"header": "Stock No.", "decimal": ";"}}}, "/mapping/price",
     "price: 'decimal' must be one of ',', '.'."),
    ({"mapping": []}, "/mapping", "It must be a JSON object."),
    ({"name": ""}, "/name", "This field may not be blank."),
    ({"name": "x" * 256}, "/name", "Ensure this field has no more than 255 characters."),
    ({"name": None}, "/name", "This field may not be null."),
    ({"target": "tool"}, "/target", "'target' is not a field of this body."),
]  # fmt: skip


@pytest.mark.parametrize(("body", "pointer", "sentence"), BAD_LAYOUTS, ids=str)
def test_layout_is_not_changed_into_what_cannot_be_used(layout, body, pointer, sentence):
    answer = patch(api(holder("catalog.change_importlayout")), layout, body)

    [fault] = answer.json()["errors"]
    assert (answer.status_code, fault["pointer"], fault["detail"]) == (400, pointer, sentence)
    layout.refresh_from_db()
    assert (layout.name, layout.mapping, layout.target) == ("dealer.csv", {}, "vehicle")


@pytest.mark.parametrize("column", ["name", "wheels"])
def test_mapping_that_the_file_does_not_allow_is_told_from_one_of_the_wrong_shape(layout, column):
    body = {"mapping": {column: {"header": "Car"}}}

    answer = patch(api(holder("catalog.change_importlayout")), layout, body)

    assert [fault["code"] for fault in answer.json()["errors"]] == ["rule"]


@pytest.mark.parametrize(
    "rights", [[], ["catalog.view_importlayout", "catalog.delete_importlayout"]], ids=str
)
def test_layout_is_changed_by_right_only(layout, rights):
    assert patch(api(holder(*rights)), layout, {"name": "mine"}).status_code == 403


def test_layout_that_is_gone_is_not_changed(layout):
    ImportLayout.objects.all().delete()

    assert patch(api(holder("catalog.change_importlayout")), layout, {"name": "mine"}).status_code == 404


def patch(client, layout, body):
    return post(client, f"{IMPORTS}layouts/{layout.pk}/", body, "patch")
