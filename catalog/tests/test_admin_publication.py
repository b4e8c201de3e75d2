"""Publication in the admin: the panel of an item, the question before it, the form, the list, the preview."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.people import browser, holder, member
from catalog.models import BulkEdit, Item
from catalog.tests.factories import MediaAssetFactory, ToolFactory, VehicleFactory
from catalog.tests.publication import act, act_on_one, confirmed
from catalog.tests.test_admin_forms import form_data

pytestmark = pytest.mark.django_db

LIST = "/admin/catalog/vehicle/"
NEEDS = [
    "It needs a cover: a picture that is in the bucket and has been read.",
    'It needs a price, or "on request" ticked.',
    "It needs a film or series in which it appears, or the reason for none.",
    "It needs a description.",
]


@pytest.fixture
def publisher() -> Client:
    return browser(member("Publisher"))


def status(item: Any) -> str:
    return Item.objects.get(pk=item.pk).status


def panel(client: Client, item: Any) -> dict[str, Any]:
    page = client.get(f"/admin/catalog/{item.kind}/{item.pk}/change/")
    found = [each for each in page.context["panels"] if each.template.endswith("publication.html")]
    context: dict[str, Any] = found[0].context
    return context


# The panel


@pytest.mark.parametrize(
    ("fields", "standing", "buttons"),
    [
        ({}, "draft", ["publish", "archive"]),
        ({"status": "published", "published_at": datetime(2099, 1, 1, tzinfo=UTC)}, "scheduled",
         ["publish", "withdraw", "archive"]),
        ({"published": True}, "published", ["withdraw", "archive"]),
        ({"status": "archived"}, "archived", ["publish", "withdraw"]),
    ],
)  # fmt: skip
def test_panel_offers_what_can_become_of_an_item(
    fields: Any, standing: str, buttons: list[str], publisher: Client
) -> None:
    car = VehicleFactory.create(ready=True, **fields)

    shown = panel(publisher, car)

    addresses = [f"{LIST}{car.pk}/publication/{verb}/" for verb in buttons]
    assert (shown["standing"], shown["missing"]) == (standing, [])
    assert [button["address"] for button in shown["buttons"]] == addresses
    assert [publisher.get(address).status_code for address in addresses] == [200] * len(addresses)


def test_panel_of_an_unfinished_draft_says_what_it_needs_and_does_not_offer_to_publish(
    publisher: Client,
) -> None:
    shown = panel(publisher, VehicleFactory.create())

    assert shown["missing"] == NEEDS
    assert [button["title"] for button in shown["buttons"]] == ["Archive"]


def test_panel_shows_readers_no_buttons() -> None:
    car = VehicleFactory.create(ready=True)
    viewer = browser(member("Viewer"))

    assert panel(viewer, car)["buttons"] == []
    assert viewer.get(f"{LIST}{car.pk}/publication/publish/").status_code == 403
    assert viewer.post(f"{LIST}{car.pk}/publication/publish/", {"step": "confirm"}).status_code == 403
    assert status(car) == "draft"


def test_right_to_another_kind_opens_no_question() -> None:
    someone = browser(holder("catalog.view_vehicle", "catalog.view_tool", "catalog.publish_tool"))
    car, tool = VehicleFactory.create(ready=True), ToolFactory.create(ready=True)

    answers = [
        someone.get(f"/admin/catalog/{each.kind}/{each.pk}/publication/publish/") for each in (car, tool)
    ]

    assert [answer.status_code for answer in answers] == [403, 200]


# One item


@pytest.mark.parametrize(
    ("verb", "becomes", "sentence"),
    [
        ("publish", "published", "It is public now."),
        ("withdraw", "draft", "It is a draft again."),
        ("archive", "archived", "It is put away."),
    ],
)
def test_one_item(verb: str, becomes: str, sentence: str, publisher: Client) -> None:
    scheduled = {"status": "published", "published_at": datetime(2099, 1, 1, tzinfo=UTC)}
    car = VehicleFactory.create(ready=True, **scheduled)

    _, done = act_on_one(publisher, verb, car)

    assert done.redirect_chain == [(f"{LIST}{car.pk}/change/", 302)]
    assert [str(each) for each in done.context["messages"]] == [sentence]
    assert status(car) == becomes


def test_one_item_at_a_time_that_lies_ahead(publisher: Client) -> None:
    car = VehicleFactory.create(ready=True)

    _, done = act_on_one(publisher, "publish", car, at="2099-01-01T18:30")

    told = [str(each) for each in done.context["messages"]]
    assert told == ["It is scheduled, and will be public by itself at its time."]
    assert Item.objects.values_list("status", "published_at").get() == (
        "published",
        datetime(2099, 1, 1, 18, 30, tzinfo=UTC),
    )
    assert panel(publisher, car)["standing"] == "scheduled"


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        ("2001-01-01T18:30", "This time has passed; leave it empty to publish at once."),
        ("soon", "A time is written like 2030-01-31T18:00."),
        ("\x00", "A time is written like 2030-01-31T18:00."),
        ("99999-01-01T00:00", "A time is written like 2030-01-31T18:00."),
    ],
)
def test_bad_time_is_told_and_nothing_is_published(at: str, sentence: str, publisher: Client) -> None:
    car = VehicleFactory.create(ready=True)

    _, done = act_on_one(publisher, "publish", car, at=at)

    assert (done.status_code, done.context["form"].errors["at"]) == (200, [sentence])
    assert status(car) == "draft"


def test_item_that_lacks_something_is_refused_with_the_same_sentences(publisher: Client) -> None:
    car = VehicleFactory.create()

    asked, done = act_on_one(publisher, "publish", car)

    assert [each["sentences"] for each in asked.context["unready"]] == [NEEDS]
    assert "Nothing would be changed." in asked.content.decode()
    told = [str(each) for each in done.context["messages"]]
    assert told == ["It was not published, because meanwhile it lacks something: see below."]
    assert status(car) == "draft"


def test_item_that_is_not_there_or_another_verb_is_not_found(publisher: Client) -> None:
    car = VehicleFactory.create()

    addresses = [
        f"{LIST}999999/publication/publish/",
        f"{LIST}{car.pk}/publication/burn/",
        f"{LIST}999999/preview/",
    ]

    assert [publisher.get(address).status_code for address in addresses] == [404] * 3


# Many items


def test_question_counts_what_would_happen(publisher: Client) -> None:
    drafts = VehicleFactory.create_batch(2, ready=True)
    put_away = VehicleFactory.create(ready=True, status="archived")
    public, bare = VehicleFactory.create(published=True), VehicleFactory.create()

    asked, done = act(publisher, "publish", *drafts, put_away, public, bare)

    found = asked.context["preview"]
    assert (found.matched, found.changing, found.not_ready, found.unchanged) == (5, 3, 1, 1)
    assert asked.context["standings"] == {"drafts": 2, "archived": 1}
    assert [(each["item"].pk, each["address"]) for each in asked.context["unready"]] == [
        (bare.pk, f"{LIST}{bare.pk}/change/")
    ]
    assert done.context["edit"].message == (
        "3 items changed; 1 not ready to be published and left as they were; 1 were so already, or are gone."
    )
    assert [status(each) for each in (*drafts, put_away, public, bare)] == ["published"] * 4 + ["draft"]


def test_whole_filtered_list_is_archived(publisher: Client) -> None:
    rome = VehicleFactory.create_batch(3, genres=["Action"])
    other = VehicleFactory.create()

    act(publisher, "archive", rome[0], query="?genres=Action", select_across="1")

    assert [status(each) for each in (*rome, other)] == ["archived"] * 3 + ["draft"]
    assert BulkEdit.objects.get().selection == "the whole list with genres: Action"


def test_what_differs_from_the_question_is_asked_again(publisher: Client) -> None:
    first, second = VehicleFactory.create_batch(2, ready=True)
    asked, _ = act_on_one(publisher, "withdraw", first)
    body = {"action": "publish", "_selected_action": [first.pk, second.pk]}
    asked = publisher.post(LIST, body)
    Item.objects.filter(pk=second.pk).update(description="")

    answer = publisher.post(LIST, body | confirmed(asked))

    assert [str(each) for each in answer.context["messages"]] == [
        "Something is different from what you saw; look again."
    ]
    assert (answer.context["preview"].not_ready, status(first)) == (1, "draft")


def test_question_asks_few_queries_whatever_the_number(publisher: Client) -> None:
    few, many = VehicleFactory.create_batch(2), VehicleFactory.create_batch(12, ready=True)
    publisher.get(LIST)

    def queries(items: list[Any]) -> int:
        with CaptureQueriesContext(connection) as asked:
            publisher.post(LIST, {"action": "publish", "_selected_action": [each.pk for each in items]})
        return len(asked)

    assert queries(few) == queries([*few, *many]) <= 12


# The form


def test_form_that_publishes_what_is_not_ready_saves_all_but_that(publisher: Client) -> None:
    car = VehicleFactory.create()

    answer = publisher.post(
        f"{LIST}{car.pk}/change/", form_data(name="Seen to", status="published"), follow=True
    )

    assert f"Saved, but not published. {' '.join(NEEDS)}" in [
        str(each) for each in answer.context["messages"]
    ]
    assert Item.objects.values_list("name", "status", "published_at").get() == ("Seen to", "draft", None)


def test_form_that_gives_what_was_missing_publishes(publisher: Client) -> None:
    car = VehicleFactory.create()
    cover = MediaAssetFactory.create(item=car, rendered=True)
    rows = {
        "media-TOTAL_FORMS": "1", "media-INITIAL_FORMS": "1", "media-0-id": cover.pk, "media-0-item": car.pk,
        "media-0-position": "0", "media-0-alt_text": "A silver car", "media-0-caption": "",
    }  # fmt: skip
    given = {
        "description": "Seen.",
        "price_on_request": "on",
        "no_production_reason": "Built for the museum.",
    }

    publisher.post(f"{LIST}{car.pk}/change/", form_data(status="published", **given, **rows))

    assert Item.objects.published().get().price_on_request


def test_new_item_that_is_not_ready_is_added_as_a_draft(publisher: Client) -> None:
    answer = publisher.post(f"{LIST}add/", form_data(status="published"), follow=True)

    assert Item.objects.get().status == "draft"
    assert "Saved, but not published." in str([str(each) for each in answer.context["messages"]])


def test_form_leaves_what_is_public_as_it_is(publisher: Client) -> None:
    car = VehicleFactory.create(published=True)

    publisher.post(
        f"{LIST}{car.pk}/change/",
        form_data(status="published", published_at_0="2026-01-01", published_at_1="00:00:00", name="Seen to"),
    )

    assert Item.objects.published().get().name == "Seen to"


def test_price_and_on_request_are_one_or_the_other(publisher: Client) -> None:
    car = VehicleFactory.create(price_on_request=True)

    publisher.post(f"{LIST}{car.pk}/change/", form_data(price="5", price_on_request="on"))
    answer = publisher.post(f"{LIST}{car.pk}/change/", form_data(price="6", price_on_request="on"))

    car.refresh_from_db()
    assert (str(car.price), car.price_on_request) == ("5.00", False)
    assert answer.context["adminform"].form.errors["price_on_request"] == [
        "It has a price: take that away, or do not tick this."
    ]


# The list


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ("", ["Bare", "Ready", "Wordless"]),
        ("ready", ["Ready"]),
        ("unready", ["Bare", "Wordless"]),
        ("price", ["Bare"]),
        ("alt_text", ["Wordless"]),
    ],
)
def test_list_by_readiness(chosen: str, names: list[str], publisher: Client) -> None:
    VehicleFactory.create(name="Bare")
    VehicleFactory.create(name="Ready", ready=True)
    VehicleFactory.create(name="Wordless", ready=True).media.update(alt_text="")

    shown = publisher.get(f"{LIST}?readiness={chosen}")

    assert sorted(item.name for item in shown.context["cl"].result_list) == names


def test_list_tells_what_each_item_needs(publisher: Client) -> None:
    VehicleFactory.create(ready=True)
    VehicleFactory.create(ready=True, price=None, description="")

    page = publisher.get(LIST).content.decode()

    assert ["Needs price, description" in page, "Ready" in page] == [True, True]


# The preview


def test_preview_is_the_answer_of_the_api(publisher: Client, client: Client) -> None:
    car = VehicleFactory.create(ready=True, published=True, specs={"Engine": "4.0 l"}, genres=["Spy"])

    shown = publisher.get(f"{LIST}{car.pk}/preview/")

    assert json.loads(shown.context["answer"]) == client.get(f"/v1/vehicles/{car.slug}/").json()
    assert shown.context["is_public"]


def test_preview_of_a_draft_is_as_if_it_were_public(publisher: Client) -> None:
    car = VehicleFactory.create(ready=True)

    shown = publisher.get(f"{LIST}{car.pk}/preview/")

    told = json.loads(shown.context["answer"])
    assert (told["status"], told["published_at"] is not None) == ("published", True)
    assert not shown.context["is_public"]
    assert status(car) == "draft"
