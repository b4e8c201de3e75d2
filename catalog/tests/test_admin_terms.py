"""Pages of the vocabularies: counts, merging, look-alikes, renaming, and what is not deleted."""

import threading
from typing import Any

import pytest
from django.core import signing
from django.db import connections, transaction
from django.test import Client

from accounts.tests.people import api, browser, member
from catalog import spellings, upkeep
from catalog.admin.merges import BUSY
from catalog.models import Item, Term, Vocabulary, WordsApart
from catalog.tests.factories import ItemFactory, ProductionFactory, TermFactory, VehicleFactory
from catalog.vocabularies import Pair, look_alikes

pytestmark = pytest.mark.django_db

LIST = "/admin/catalog/term/"
ALIKE = f"{LIST}look-alikes/"
MERGE = f"{LIST}merge/"


def messages(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def makes(*names: str) -> list[Term]:
    return [TermFactory.create(name=name, vocabulary=Vocabulary.MAKE) for name in names]


def test_list_shows_how_often_terms_are_used_and_leads_to_it(admin_client: Client) -> None:
    TermFactory.create(name="Spy")
    ItemFactory.create_batch(2, genres=["Spy"])
    ProductionFactory.create(genres=["Spy"])

    page = admin_client.get(LIST).content.decode()

    assert '<a href="/admin/catalog/item/?genres=Spy" class="list-link">2</a>' in page
    assert '<a href="/admin/catalog/production/?genres=Spy" class="list-link">1</a>' in page


def test_list_orders_by_use(admin_client: Client) -> None:
    for name, number in (("Spy", 2), ("Action", 3), ("Drama", 0)):
        TermFactory.create(name=name)
        ItemFactory.create_batch(number, genres=[name])
    upkeep.take_in_changes()

    answer = admin_client.get(LIST, {"o": "-3"})

    assert [term.name for term in answer.context["cl"].result_list] == ["Action", "Spy", "Drama"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Aston Martin", "Aston-Martin"),
        ("Citroën", "CITROEN"),
        ("Ferrari", "Ferraris"),
        ("Ferrari", "Ferarri"),
        ("Comedies", "Comedy"),
        ("Martin Aston", "Aston Martin"),
        ("Mercedes-Benz", "Mercedes"),
        ("Aston Martin", "Astin Martin"),
        ("Москвич", "МОСКВИЧ."),
    ],
)
def test_look_alikes_are_found(one: str, other: str) -> None:
    first, second = makes(one, other)
    makes("Fiat", "Lotus")

    assert look_alikes(Vocabulary.MAKE) == ([Pair(first, second)], False)


@pytest.mark.parametrize(
    "names",
    [
        ("Mk 1", "Mk 2"),
        ("Model 10", "Model 11"),
        ("BMW", "BMC"),
        ("Ford", "Fort"),
        ("Aston Cars", "Aston Works"),
        ("!", "?"),
    ],
)
def test_what_differs_is_no_pair(names: tuple[str, str]) -> None:
    makes(*names)

    assert look_alikes(Vocabulary.MAKE) == ([], False)


@pytest.mark.parametrize(("used", "names"), [("no", ["Action"]), ("yes", ["Spy"]), ("", ["Action", "Spy"])])
def test_list_of_terms_that_are_used_or_not(admin_client: Client, used: str, names: list[str]) -> None:
    for name in ("Spy", "Action"):
        TermFactory.create(name=name)
    ItemFactory.create(genres=["Spy"])
    upkeep.take_in_changes()

    answer = admin_client.get(LIST, {"used": used})

    assert [term.name for term in answer.context["cl"].result_list] == names


def test_page_of_a_term_tells_its_use(admin_client: Client) -> None:
    term = TermFactory.create(name="Spy")
    ItemFactory.create(genres=["Spy"])

    page = admin_client.get(f"{LIST}{term.pk}/change/").content.decode()

    assert '<dd><a href="/admin/catalog/item/?genres=Spy" class="list-link">1</a></dd>' in page


def test_look_alikes_are_bounded() -> None:
    TermFactory.create_batch(1, name="Aston Martin", vocabulary=Vocabulary.MAKE)
    makes(*(f"Aston Martin{'!' * number}" for number in range(1, 12)))

    pairs, are_more = look_alikes(Vocabulary.MAKE)

    assert (len(pairs), are_more) == (50, True)


def test_look_alikes_are_shown_with_their_counts(admin_client: Client) -> None:
    first, second = makes("Aston Martin", "Aston-Martin")
    VehicleFactory.create_batch(2, make="Aston-Martin")

    (row,) = admin_client.get(ALIKE).context["rows"]

    assert [(term, found.items) for term, found in (row["first"], row["second"])] == [(first, 0), (second, 2)]


def test_look_alikes_of_other_vocabularies_are_no_pair(admin_client: Client) -> None:
    TermFactory.create(name="Racing")
    makes("Racings")

    assert admin_client.get(ALIKE, {"vocabulary": "genre"}).context["rows"] == []


def test_terms_said_to_differ_are_not_shown_again(admin_client: Client) -> None:
    first, second = makes("Aston Martin", "Aston Martins")

    for _ in range(2):
        answer = admin_client.post(ALIKE, {"first": second.pk, "second": first.pk}, follow=True)

    assert answer.context["rows"] == []
    assert list(WordsApart.objects.values_list("first", "second")) == [(first.pk, second.pk)]


@pytest.mark.parametrize("values", [{}, {"first": "x", "second": "1"}, {"first": "1" * 30, "second": "2"}])
def test_nothing_is_told_apart_by_nonsense(admin_client: Client, values: dict[str, str]) -> None:
    answer = admin_client.post(ALIKE, values, follow=True)

    assert messages(answer) == ["One of these terms is not there any more."]


def test_merge_page_keeps_the_commonest_and_says_what_changes(admin_client: Client) -> None:
    rare, common = makes("Aston-Martin", "Aston Martin")
    VehicleFactory.create_batch(2, make="Aston Martin")
    VehicleFactory.create(make="Aston-Martin")

    context = admin_client.get(MERGE, {"term": [rare.pk, common.pk]}).context

    assert (context["kept"], context["items_text"], context["productions_text"]) == (common, "1", "0")


def test_merge_confirmed(admin_client: Client) -> None:
    rare, common = makes("Aston-Martin", "Aston Martin")
    VehicleFactory.create(make="Aston-Martin")
    address = f"{MERGE}?term={rare.pk}&term={common.pk}&into={common.pk}"
    question = admin_client.get(address)

    answer = admin_client.post(address, {"seen": question.context["seen"]}, follow=True)

    assert messages(answer) == [
        "Merged Aston-Martin. Items changed: 1; productions changed: 0. The names are aliases now."
    ]
    assert list(Term.objects.values_list("name", "aliases")) == [("Aston Martin", ["Aston-Martin"])]
    assert Item.objects.get().make == "Aston Martin"


def test_merge_twice_merges_once(admin_client: Client) -> None:
    first, second = makes("Aston-Martin", "Aston Martin")
    address = f"{MERGE}?term={first.pk}&term={second.pk}&into={second.pk}"
    seen = admin_client.get(address).context["seen"]
    admin_client.post(address, {"seen": seen})

    answer = admin_client.post(address, {"seen": seen}, follow=True)

    assert messages(answer)[1].startswith("Meanwhile somebody has renamed, merged or deleted")
    assert list(Term.objects.values_list("name", "aliases")) == [("Aston Martin", ["Aston-Martin"])]


def test_merge_without_the_question_asks_it(admin_client: Client) -> None:
    first, second = makes("Aston-Martin", "Aston Martin")
    forged = signing.dumps([first.pk, [[first.pk, "x"]]], salt="another")

    for seen in ("", forged):
        answer = admin_client.post(f"{MERGE}?term={first.pk}&term={second.pk}", {"seen": seen})
        assert (answer.status_code, messages(answer)) == (200, ["Look at what would change, then confirm."])
    assert Term.objects.count() == 2


def test_action_of_the_list_leads_to_the_question(admin_client: Client) -> None:
    first, second = makes("Aston-Martin", "Aston Martin")

    one = admin_client.post(LIST, {"action": "merge", "_selected_action": [first.pk]}, follow=True)
    both = admin_client.post(
        LIST, {"action": "merge", "_selected_action": [first.pk, second.pk]}, follow=True
    )

    assert messages(one) == ["Choose from 2 to 50 terms to merge."]
    assert [choice.term for choice in both.context["choices"]] == [second, first]


def test_merge_of_terms_that_are_gone_leads_back(admin_client: Client) -> None:
    answer = admin_client.get(MERGE, {"term": ["1", "x"], "into": "9" * 40}, follow=True)

    assert messages(answer) == ["Choose at least two terms of one vocabulary that are still there."]


def test_curator_sees_look_alikes_and_no_button_to_merge() -> None:
    first, second = makes("Aston-Martin", "Aston Martin")
    curator = browser(member("Curator"))

    page = curator.get(ALIKE).content.decode()

    assert "They are different" in page
    assert f"{MERGE}?term={first.pk}" not in page
    assert curator.get(MERGE, {"term": [first.pk, second.pk]}).status_code == 403


def test_term_in_use_is_not_deleted_and_says_why(admin_client: Client) -> None:
    term = TermFactory.create(name="Spy", slug="spy")
    ItemFactory.create_batch(2, genres=["Spy", "Spy"])
    ProductionFactory.create(genres=["Spy"])
    sentence = "The term 'Spy' is used (items: 2, productions: 1); merge it into another, or take it from them first."

    page = admin_client.post(f"{LIST}{term.pk}/delete/", {"post": "yes"})
    refusal = api(member("Administrator")).delete("/v1/terms/genre/spy/")

    assert (page.status_code, sentence in page.content.decode().replace("&#x27;", "'")) == (200, True)
    assert (refusal.status_code, refusal.json()["detail"]) == (409, sentence)
    assert Term.objects.count() == 1


def test_term_without_use_is_deleted(admin_client: Client) -> None:
    term = TermFactory.create()

    admin_client.post(f"{LIST}{term.pk}/delete/", {"post": "yes"})

    assert not Term.objects.exists()


def rename(client: Client, term: Term, name: str, **given: str) -> Any:
    form = {"name": name, "slug": term.slug, "aliases": "", **given}
    return client.post(f"{LIST}{term.pk}/change/", form, follow=True)


def test_new_name_in_the_form_goes_to_all_items(admin_client: Client) -> None:
    term = TermFactory.create(name="Spy")
    item = ItemFactory.create(genres=["Action", "Spy"])

    answer = rename(admin_client, term, "Espionage")

    item.refresh_from_db()
    term.refresh_from_db()
    assert messages(answer)[0] == "Renamed. Items changed: 1; productions changed: 0. Spy is an alias now."
    assert (item.genres, term.name, term.aliases) == (["Action", "Espionage"], "Espionage", ["Spy"])


@pytest.mark.django_db(transaction=True)
def test_form_of_a_term_says_that_others_are_at_the_vocabularies(admin_client: Client) -> None:
    term = TermFactory.create(name="Spy")
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            spellings.settle()
            held.set()
            over.wait(timeout=30)
        connections.close_all()

    other = threading.Thread(target=hold)
    other.start()
    assert held.wait(timeout=30)
    try:
        answer = rename(admin_client, term, "Espionage")
    finally:
        over.set()
        other.join()

    assert messages(answer) == [BUSY]
    assert Term.objects.get().name == "Spy"
