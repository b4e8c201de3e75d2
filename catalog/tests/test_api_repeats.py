"""Answers that are asked for again: the same while nothing changes, new after any write by any door."""

import pickle
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.db import connection
from django.utils import timezone

from accounts.models import User
from accounts.tests.people import api, holder
from catalog import changes
from catalog.api import answers
from catalog.models import CatalogueChange, Item, MediaAsset, Production, Term
from catalog.tests.api import listed_slugs, staff_client
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
)
from marketplace import environment

pytestmark = pytest.mark.django_db
LIST = "/v1/vehicles/?genres=Action&count=exact"


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


@pytest.fixture
def car():
    return ItemFactory.create(published=True, slug="db5", name="DB5", genres=["Action"])


def again(client: Any, address: str, tag: str) -> Any:
    return client.get(address, headers={"If-None-Match": tag})


@pytest.mark.parametrize("address", [LIST, "/v1/items/", "/v1/productions/", "/v1/terms/", "/v1/items/db5/"])
def test_answer_that_the_client_has_is_not_sent_again(client, car, address):
    first = client.get(address)

    second = again(client, address, first["ETag"])

    assert (first.status_code, second.status_code, second.content) == (200, 304, b"")
    assert second["ETag"] == first["ETag"]
    assert not first["ETag"].startswith("W/")
    assert second["Vary"] == first["Vary"]
    assert second["Cache-Control"] == first["Cache-Control"]


def test_list_that_the_client_has_is_not_made(client, car, django_assert_num_queries):
    tag = client.get(LIST)["ETag"]

    with django_assert_num_queries(1) as made:  # the state of the catalogue
        answer = again(client, LIST, tag)

    assert answer.status_code == 304
    assert "catalog_foldedchanges" in made[0]["sql"]


def test_list_that_somebody_asked_for_is_not_made_again(client, car, django_assert_num_queries):
    first = client.get(LIST)

    with django_assert_num_queries(1):
        second = client.get(LIST)

    assert (second.content, second["ETag"]) == (first.content, first["ETag"])


def test_list_that_another_process_made_is_not_made_again(
    client, car, shared_cache, django_assert_num_queries
):
    first = client.get(LIST)
    caches.close_all()

    with django_assert_num_queries(1):
        second = client.get(LIST)

    assert (second.content, second["ETag"]) == (first.content, first["ETag"])
    assert shared_cache.dbsize() >= 1


def test_write_shows_at_once_where_answers_are_shared(client, car, shared_cache):
    listed_slugs(client, LIST)
    Item.objects.update(genres=["Noir"])

    assert listed_slugs(client, LIST) == []


def test_answers_are_made_while_the_shared_cache_is_away(client, car, shared_cache, settings, monkeypatch):
    monkeypatch.setattr(answers.shelf, "silent_until", 0.0)
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}

    assert [listed_slugs(client, LIST) for _ in range(2)] == [["db5"], ["db5"]]


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def copied(columns: str) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {columns} FROM STDIN") as rows:
        rows.write_row(("genre", "Heist", "heist", "{}", "2026-01-01Z", "2026-01-01Z"))


WRITES = {
    "save": lambda: Item.objects.get(slug="db5").save(),
    "update": lambda: Item.objects.update(price=1),
    "bulk SQL": lambda: sql("UPDATE catalog_item SET name = name || '!'"),
    "insert": lambda: ItemFactory.create(published=True),
    "delete": lambda: sql("DELETE FROM catalog_term"),
    "film": lambda: Production.objects.update(title="Another"),
    "appearance": lambda: sql("DELETE FROM catalog_appearance"),
    "picture": lambda: MediaAsset.objects.update(alt_text="seen from the left"),
    "MERGE": lambda: sql(
        "MERGE INTO catalog_item USING (SELECT 'db5' AS slug) AS given ON given.slug = catalog_item.slug"
        " WHEN MATCHED THEN UPDATE SET price = 2"
    ),
    "COPY": lambda: copied("catalog_term (vocabulary, name, slug, aliases, created_at, updated_at)"),
    "TRUNCATE": lambda: sql("TRUNCATE catalog_searchword"),
}


@pytest.mark.parametrize("door", WRITES)
def test_write_by_any_door_shows_at_once(client, car, door):
    AppearanceFactory.create(item=car)
    MediaAssetFactory.create(item=car)
    TermFactory.create()
    tag = client.get(LIST)["ETag"]

    WRITES[door]()
    answer = again(client, LIST, tag)

    assert (answer.status_code, answer["ETag"] == tag) == (200, False)


@pytest.mark.parametrize(
    "nothing",
    [
        lambda: Item.objects.filter(slug="no such").update(price=1),
        lambda: Item.objects.filter(slug="no such").delete(),
        changes.fold,
    ],
)
def test_statement_that_changes_nothing_leaves_answers_as_they_are(client, car, nothing):
    tag = client.get(LIST)["ETag"]

    nothing()

    assert again(client, LIST, tag).status_code == 304


OF_DRAFTS = {
    "new": lambda: ItemFactory.create(status="draft"),
    "changed": lambda: Item.objects.filter(status="draft").update(price=1),
    "deleted": lambda: Item.objects.filter(status="draft").delete(),
    "picture": lambda: MediaAssetFactory.create(item=Item.objects.get(status="draft")),
    "appearance": lambda: AppearanceFactory.create(
        item=Item.objects.get(status="draft"), production=Production.objects.get(slug="seen")
    ),
    "unassigned picture": lambda: MediaAssetFactory.create(item=None),
}


@pytest.mark.parametrize("write", OF_DRAFTS)
@pytest.mark.parametrize("address", ["/v1/items/", "/v1/productions/", "/v1/media/"])
def test_write_of_drafts_does_not_show_in_public_answers(client, car, address, write):
    AppearanceFactory.create(item=car, production=ProductionFactory.create(slug="seen"))
    ItemFactory.create(status="draft")
    staff = staff_client(
        "view_vehicle", "view_memorabilia", "view_tool", "view_production", "view_mediaasset"
    )
    before, staffs = client.get(address), staff.get(address)["ETag"]

    OF_DRAFTS[write]()
    after = client.get(address)

    assert (after["ETag"], after["Last-Modified"]) == (before["ETag"], before["Last-Modified"])
    assert staff.get(address)["ETag"] != staffs


def test_film_of_drafts_is_to_the_public_what_a_film_of_nothing_is(client):
    film, draft = ProductionFactory.create(slug="film"), ItemFactory.create(status="draft")
    before = client.get("/v1/productions/"), client.get("/v1/productions/film/")

    AppearanceFactory.create(item=draft, production=film)
    after = client.get("/v1/productions/"), client.get("/v1/productions/film/")

    assert [(answer.status_code, answer.content) for answer in after] == [
        (answer.status_code, answer.content) for answer in before
    ]
    assert (after[0].json()["count"], after[0]["ETag"], after[1].status_code) == (0, before[0]["ETag"], 404)


def test_item_whose_time_has_come_shows_without_a_write(client, car):
    later = ItemFactory.create(published=True, slug="dbs", published_at=timezone.now() + timedelta(hours=1))
    before = client.get("/v1/items/")["ETag"]

    sql("SET LOCAL session_replication_role = replica")  # no trigger sees it: as if an hour had passed
    Item.objects.filter(pk=later.pk).update(published_at=timezone.now() - timedelta(seconds=1))
    answer = again(client, "/v1/items/", before)

    assert answer.status_code == 200
    assert [row["slug"] for row in answer.json()["results"]] == ["dbs", "db5"]


def test_what_staff_read_is_not_told_to_others(client, car):
    ItemFactory.create(status="draft", slug="draft", genres=["Action"])
    staff = staff_client("view_vehicle")

    seen = listed_slugs(staff, LIST)
    tag = staff.get(LIST)["ETag"]

    assert sorted(seen) == ["db5", "draft"]
    assert listed_slugs(client, LIST) == ["db5"]
    assert again(client, LIST, tag).status_code == 200


def test_staff_who_may_see_more_since_get_another_answer(client, car):
    ItemFactory.create(status="draft", slug="draft", genres=["Action"])

    assert listed_slugs(api(holder()), LIST) == ["db5"]
    assert sorted(listed_slugs(staff_client("view_vehicle"), LIST)) == ["db5", "draft"]


def test_hosts_do_not_share_answers(client, car, settings):
    settings.ALLOWED_HOSTS = ["one.example", "two.example"]

    found = {host: client.get("/v1/items/", headers={"Host": host}) for host in settings.ALLOWED_HOSTS}

    assert [answer.json()["results"][0]["url"].split("/")[2] for answer in found.values()] == list(found)


def test_public_answers_may_be_kept_by_anybody_and_others_by_their_reader(client, car):
    anonymous, staff = client.get(LIST), staff_client("view_vehicle").get(LIST)

    assert (anonymous["Cache-Control"], staff["Cache-Control"]) == ("public, no-cache", "private, no-cache")
    assert "Authorization" in anonymous["Vary"]
    assert anonymous["Last-Modified"].endswith("GMT")


@pytest.mark.parametrize("address", ["/v1/items/?colour=red", "/v1/items/none/", "/v1/items/?page=7"])
def test_refusals_are_not_kept(client, car, address):
    found = [client.get(address), again(client, address, "*")]

    assert all(answer.status_code in {400, 404} and not answer.has_header("ETag") for answer in found)


def test_answer_that_is_too_large_is_made_each_time(client, car, monkeypatch):
    monkeypatch.setattr(answers, "LARGEST", 10)
    first = client.get(LIST)

    second = client.get(LIST)

    assert (second.content, second["ETag"]) == (first.content, first["ETag"])


@pytest.mark.parametrize("spelled", ["{}", "W/{}", '"other", {}', '"other",W/{}', "*"])
@pytest.mark.parametrize("address", [LIST, "/v1/items/db5/", "/v1/suggest/?q=db"])
def test_answer_that_the_client_names_among_others_is_not_sent_again(client, car, address, spelled):
    answer = again(client, address, spelled.format(client.get(address)["ETag"]))

    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize("spelled", ["other", '"', ",,", "db5" * 1000, '"other"'])
def test_answer_is_sent_to_who_names_another(client, car, spelled):
    assert again(client, LIST, spelled).status_code == 200


def test_time_of_the_answer_that_the_client_has_does_not_count(client, car):
    first = client.get(LIST)

    assert client.get(LIST, headers={"If-Modified-Since": first["Last-Modified"]}).status_code == 200


@pytest.mark.parametrize(
    "address", ["/v1/items/?include=history", "/v1/items/db5/?include=appearances,history"]
)
def test_history_tells_the_present_name_of_who_wrote(car, address):
    staff = staff_client("view_vehicle", "change_vehicle")
    staff.patch("/v1/items/db5/", {"price": "1.00"}, content_type="application/json")
    before = staff.get(address)

    User.objects.update(username="married")
    after = again(staff, address, before["ETag"] if before.has_header("ETag") else '"none"')

    assert (after.status_code, b"married" in before.content, b"married" in after.content) == (
        200,
        False,
        True,
    )


def test_head_has_the_headers_of_the_answer(client, car):
    first = client.get(LIST)

    head = client.head(LIST)

    assert (head.status_code, head.content, head["ETag"]) == (200, b"", first["ETag"])


def test_redis_is_given_and_believed_bytes_and_numbers_alone():
    plain = environment.Plain()

    assert [plain.loads(kept) for kept in (b"12", b'"tag"\n{}', pickle.dumps({}))] == [
        12,
        b'"tag"\n{}',
        pickle.dumps({}),
    ]
    assert [plain.dumps(value) for value in (b"x", 3, True)] == [b"x", 3, 1]


@pytest.mark.parametrize("rubbish", [b"", b"\x80\x04", b'"tag"', b'"t\xff"\n{}', 7])
def test_rubbish_in_the_cache_is_no_answer(rubbish):
    cache.set("key", rubbish)

    assert answers.shelf.get("key") is None


def test_folding_counts_changes_up_and_empties_the_table(car):
    before = changes.state(public=True)
    assert CatalogueChange.objects.exists()

    changes.fold()

    assert not CatalogueChange.objects.exists()
    assert changes.state(public=True) == before


def test_thousands_of_changes_are_folded_without_a_worker(car):
    for price in range(2_100):
        Item.objects.filter(pk=car.pk).update(price=price)

    noted = CatalogueChange.objects.count()
    counted = changes.state(public=True).name
    changes.fold()

    assert noted < 1_000
    assert changes.state(public=True).name == counted


def test_terms_change_their_list(client):
    term = TermFactory.create(vocabulary="genre", name="Heist")
    tag = client.get("/v1/terms/")["ETag"]

    Term.objects.filter(pk=term.pk).update(name="Capers")

    assert again(client, "/v1/terms/", tag).json()["results"][0]["name"] == "Capers"
