"""Terms that become one: items, productions, aliases, history; two at once."""

import json
import threading
import time
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection, connections, transaction

from accounts.models import User
from catalog import upkeep
from catalog.finding.tallies import Usage, usage
from catalog.merging import Merge, MergeRefused, merge, merge_later, merge_terms
from catalog.models import Item, Kind, Production, Term, Vocabulary
from catalog.tests.factories import ItemFactory, ProductionFactory, TermFactory, VehicleFactory
from catalog.wording import Rename, rename_term

pytestmark = pytest.mark.django_db

ALL = Kind.values


def genres(*names: str) -> list[Term]:
    return [TermFactory.create(name=name) for name in names]


def seen(*terms: Term) -> list[tuple[int, str]]:
    return [(term.pk, term.name) for term in terms]


def test_merge_rewrites_items_and_productions_in_order_and_once() -> None:
    kept, first, second = genres("Espionage", "Spy", "Spies")
    held = [["Spy", "Action"], ["Action", "Spies", "Espionage", "Spy"], ["Espionage"], ["Comedy"]]
    for words in held:
        VehicleFactory.create(genres=words)
    ProductionFactory.create(genres=["Spies", "Spy"])

    done = merge_terms(into=kept.pk, seen=seen(kept, first, second), by=None)

    assert done == Merge(2, 1, ("Spy", "Spies"))
    assert list(Item.objects.order_by("pk").values_list("genres", flat=True)) == [
        ["Espionage", "Action"],
        ["Action", "Espionage"],
        ["Espionage"],
        ["Comedy"],
    ]
    assert list(Production.objects.values_list("genres", flat=True)) == [["Espionage"]]


def test_merged_names_and_their_aliases_are_aliases() -> None:
    kept = TermFactory.create(name="Espionage", aliases=["Agents"])
    other = TermFactory.create(name="Spy", aliases=["AGENTS", "Secret agents", "espionage"])

    merge_terms(into=kept.pk, seen=seen(kept, other), by=None)

    assert list(Term.objects.values_list("name", "aliases")) == [
        ("Espionage", ["Spy", "Agents", "Secret agents"])
    ]


def test_makes_are_merged() -> None:
    kept, other = (
        TermFactory.create(name=name, vocabulary=Vocabulary.MAKE) for name in ("Aston Martin", "Aston-Martin")
    )
    VehicleFactory.create(make="Aston-Martin")
    VehicleFactory.create(make="Fiat")

    done = merge_terms(into=kept.pk, seen=seen(kept, other), by=None)

    assert done == Merge(1, 0, ("Aston-Martin",))
    assert set(Item.objects.values_list("make", flat=True)) == {"Aston Martin", "Fiat"}


def test_merge_stands_in_the_history_under_the_persons_name() -> None:
    curator = User.objects.create_user("curator")
    kept, other = genres("Espionage", "Spy")
    item = ItemFactory.create(genres=["Spy"])

    merge_terms(into=kept.pk, seen=seen(kept, other), by=curator)

    change = item.events.get(pgh_label="update")  # type: ignore[attr-defined]
    assert change.pgh_context.metadata == {"user": curator.pk, "action": "merge terms"}


def test_merge_of_what_is_not_what_was_seen_is_refused() -> None:
    kept, other = genres("Espionage", "Spy")
    known = seen(kept, other)
    rename_term(term=other, name="Agents", by=None)

    with pytest.raises(MergeRefused, match="Meanwhile somebody has renamed"):
        merge_terms(into=kept.pk, seen=known, by=None)

    assert set(Term.objects.values_list("name", flat=True)) == {"Espionage", "Agents"}


@pytest.mark.parametrize(
    ("number", "sentence"), [(1, "Choose from 2 to 50 terms"), (51, "Choose from 2 to 50 terms")]
)
def test_merge_of_too_few_or_too_many_is_refused(number: int, sentence: str) -> None:
    terms = TermFactory.create_batch(number)

    with pytest.raises(MergeRefused, match=sentence):
        merge_terms(into=terms[0].pk, seen=seen(*terms), by=None)


def test_merge_across_vocabularies_is_refused() -> None:
    kept = TermFactory.create(name="Racing")
    other = TermFactory.create(name="Racing", vocabulary=Vocabulary.VEHICLE_TYPE)

    with pytest.raises(MergeRefused, match="one vocabulary"):
        merge_terms(into=kept.pk, seen=seen(kept, other), by=None)


def test_merge_of_many_items_is_left_to_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.merging.AT_ONCE", 1)
    curator = User.objects.create_superuser("curator")
    kept, other = genres("Espionage", "Spy")
    ItemFactory.create_batch(2, genres=["Spy"])

    assert merge(into=kept.pk, seen=seen(kept, other), by=curator) is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'catalog.tasks.merge_terms'")
        ((args,),) = cursor.fetchall()
    assert Item.objects.filter(genres=["Spy"]).count() == 2

    assert merge_later(**json.loads(args)) == Merge(2, 0, ("Spy",))


def test_worker_merges_nothing_for_who_may_not_any_more() -> None:
    curator = User.objects.create_user("curator", is_staff=True)
    kept, other = genres("Espionage", "Spy")

    with pytest.raises(MergeRefused, match="may not do so any more"):
        merge_later(into=kept.pk, seen=seen(kept, other), by=curator.pk)


def test_rename_goes_by_the_name_in_the_database() -> None:
    (term,) = genres("Spy")
    item = ItemFactory.create(genres=["Spy"])
    stale = Term.objects.get(pk=term.pk)
    rename_term(term=term, name="Agents", by=None)

    done = rename_term(term=stale, name="Espionage", by=None)

    item.refresh_from_db()
    assert (done, item.genres) == (Rename(1, 0), ["Espionage"])


def test_rename_to_a_word_that_an_item_holds_leaves_it_there_once() -> None:
    (term,) = genres("Spy")
    item = ItemFactory.create(genres=["Espionage", "Spy"])

    rename_term(term=term, name="Espionage", by=None)

    item.refresh_from_db()
    assert item.genres == ["Espionage"]


@pytest.mark.django_db(transaction=True)
def test_merge_and_rename_at_once_leave_no_word_without_a_term() -> None:
    kept, other = genres("Espionage", "Spy")
    VehicleFactory.create_batch(20, genres=["Action", "Spy"])
    known = seen(kept, other)
    start = threading.Barrier(2)
    refused: list[Exception] = []

    def at_once(write: Callable[[], object]) -> None:
        start.wait()
        try:
            write()
        except (MergeRefused, Term.DoesNotExist) as error:
            refused.append(error)
        finally:
            connections.close_all()

    writes: list[Callable[[], object]] = [
        lambda: merge_terms(into=kept.pk, seen=known, by=None),
        lambda: rename_term(term=other, name="Agents", by=None),
    ]
    threads = [threading.Thread(target=at_once, args=[write]) for write in writes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    names = set(Term.objects.values_list("name", flat=True))
    held = {word for words in Item.objects.values_list("genres", flat=True) for word in words}
    assert len(refused) == 1
    assert held - {"Action"} <= names


def waiting_backend() -> int:
    """Return the process of a statement that waits for a lock, once there is one."""
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if row := cursor.fetchone():
                return int(row[0])
        time.sleep(0.01)
    raise AssertionError("No statement waits.")


@pytest.mark.django_db(transaction=True)
def test_merge_that_is_killed_half_way_is_as_if_it_had_not_begun() -> None:
    kept, other = genres("Espionage", "Spy")
    items = VehicleFactory.create_batch(3, genres=["Spy"])
    film = ProductionFactory.create(genres=["Spy"])
    known, ended = seen(kept, other), []

    def work() -> None:
        try:
            merge_terms(into=kept.pk, seen=known, by=None)
        except OperationalError as error:
            ended.append(error)
        finally:
            connections.close_all()

    with transaction.atomic():  # the items are rewritten when the film is waited for
        Production.objects.select_for_update().get(pk=film.pk)
        worker = threading.Thread(target=work)
        worker.start()
        killed = waiting_backend()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [killed])
        worker.join()

    assert len(ended) == 1
    assert set(Term.objects.values_list("name", flat=True)) == {"Espionage", "Spy"}
    assert Item.objects.filter(genres=["Spy"]).count() == len(items)

    assert merge_terms(into=kept.pk, seen=known, by=None) == Merge(3, 1, ("Spy",))


@pytest.mark.parametrize("taken_in", [True, False])
def test_usage_counts_what_bitmaps_know_and_what_they_do_not(taken_in: bool) -> None:
    spy, action = genres("Spy", "Action")
    make = TermFactory.create(name="Spy", vocabulary=Vocabulary.MAKE)
    ItemFactory.create(genres=["Spy"], make="Spy")
    ItemFactory.create(genres=["Spy", "Action"], published=True)
    ItemFactory.create(genres=["Spy"], kind=Kind.TOOL)
    ProductionFactory.create(genres=["Spy"])
    if taken_in:
        upkeep.take_in_changes()

    found = usage([spy, action, make], kinds=ALL)
    tools = usage([spy], kinds=[Kind.TOOL])
    nothing = usage([spy], kinds=[], productions=False)

    assert found == {spy.pk: Usage(3, 1), action.pk: Usage(1, 0), make.pk: Usage(1, 0)}
    assert (tools, nothing) == ({spy.pk: Usage(1, 1)}, {spy.pk: Usage()})


def test_usage_takes_four_queries(django_assert_max_num_queries: Callable[[int], object]) -> None:
    terms = [TermFactory.create(vocabulary=name) for name in Vocabulary.values for _ in range(5)]
    ItemFactory.create_batch(5, genres=["Spy"])

    with django_assert_max_num_queries(4):  # type: ignore[attr-defined]
        usage(terms, kinds=ALL)
