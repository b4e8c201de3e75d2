"""Rows that the preview called unchanged, and that somebody else writes before the run is confirmed."""

import threading

import pytest
from django.db import connection, transaction

from catalog.imports.life import runs, work
from catalog.models import Appearance, Item, MediaAsset, Processing, Production, Term
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
)
from catalog.tests.runs import curator, in_background, previewed, state_of
from marketplace.tests.stack import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("bucket", "empty_queue"),
]
CARS = "reference,name,appearances\nA-1,One,Ronin (1998): hero\nA-2,Two,\nA-3,Three,\n"
MOVED = "The catalogue has moved on since this was previewed: {}. Nothing landed; look at it again."


@pytest.fixture
def ronin():
    """A-1, who appears in Ronin, and A-2, as the file has them; A-3 is new."""
    film = ProductionFactory.create(title="Ronin", slug="ronin-1998", years=[1998])
    AppearanceFactory.create(item=ItemFactory.create(reference="A-1", name="One"), production=film)
    ItemFactory.create(reference="A-2", name="Two")
    return film


def outcome(edit, text=CARS, target="vehicle") -> tuple[str, str, int]:
    """Preview a file, let somebody edit the catalogue, confirm; return the state, its message and how many landed."""
    by = curator("Publisher")
    run = previewed(by, text, target=target)
    runs.confirm(run, by=by)
    edit()
    work.land_now(run.pk)
    state, message = state_of(run)
    return state, message, Item.objects.filter(reference="A-3").count()


def test_edit_of_an_unchanged_row_brings_the_preview_back(ronin):
    done = outcome(lambda: Item.objects.filter(reference="A-2").update(name="Theirs"))

    told = MOVED.format("1 of its rows was changed, added or deleted in the catalogue")
    assert done == ("queued", told, 0)


def test_deleted_unchanged_row_brings_the_preview_back(ronin):
    done = outcome(lambda: Item.objects.filter(reference="A-2").delete())

    assert (done[0], done[2]) == ("queued", 0)


@pytest.mark.parametrize("what", ["added", "changed", "deleted"])
def test_edit_of_an_unchanged_rows_appearances_brings_the_preview_back(ronin, what):
    edits = {
        "added": lambda: Appearance.objects.create(
            item=Item.objects.get(reference="A-1"), production=ronin, role="stunt"
        ),
        "changed": lambda: Appearance.objects.update(role="stunt"),
        "deleted": lambda: Appearance.objects.all().delete(),
    }

    done = outcome(edits[what])

    assert (done[0], done[2]) == ("queued", 0)


def test_edit_of_what_the_file_does_not_name_lets_it_land(ronin):
    other = ItemFactory.create()

    done = outcome(lambda: Item.objects.filter(pk=other.pk).update(name="Theirs"))

    assert done == ("done", "", 1)


def test_edit_before_the_preview_lets_it_land(ronin):
    Item.objects.filter(reference="A-2").update(name="Two")

    assert outcome(lambda: None) == ("done", "", 1)


def test_edit_that_is_committed_while_the_run_writes_is_not_lost(ronin):
    by = curator("Publisher")
    run = previewed(by, "reference,name,make\nA-1,,Aston\nA-3,Three,\n")
    runs.confirm(run, by=by)
    written = threading.Event()

    def edit():
        with transaction.atomic():
            Item.objects.filter(reference="A-1").update(name="Theirs")
            written.set()
            wait_until(somebody_waits_for_this, seconds=30)

    with in_background(edit) as edited:
        assert written.wait(30)
        work.land_now(run.pk)

    edited.result()
    told = MOVED.format("what it writes was written by somebody else in this very moment")
    assert state_of(run) == ("queued", told)
    assert dict(Item.objects.values_list("name", "make")) == {"Theirs": "", "Two": ""}


def somebody_waits_for_this() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])


def test_run_lands_at_the_second_confirmation(ronin):
    by = curator("Publisher")
    run = previewed(by, CARS)
    Item.objects.filter(reference="A-2").update(name="Theirs")
    runs.confirm(run, by=by)
    work.land_now(run.pk)
    work.read_now(run.pk)

    run.refresh_from_db()
    shown = (run.state, run.created, run.changed)
    runs.confirm(run, by=by)
    work.land_now(run.pk)

    assert (shown, state_of(run)[0]) == (("ready", 1, 1), "done")
    assert Item.objects.get(reference="A-2").name == "Two"


TABLES = {
    "term": (
        "vocabulary,name,aliases\ngenre,Spy,Agents\ngenre,New,\n",
        lambda: TermFactory.create(name="Spy", slug="spy", aliases=["Agents"]),
        lambda: Term.objects.filter(name="Spy").update(aliases=["Theirs"]),
    ),
    "production": (
        "slug,franchise\ndune-1984,Dune\nronin-1998,New\n",
        lambda: (
            ProductionFactory.create(slug="dune-1984", franchise="Dune"),
            ProductionFactory.create(slug="ronin-1998"),
        ),
        lambda: Production.objects.filter(slug="dune-1984").update(franchise="Theirs"),
    ),
    "appearance": (
        "reference,title,year,notes\nA-1,Film,1964,mine\nA-1,New,1999,\n",
        lambda: AppearanceFactory.create(
            item=ItemFactory.create(reference="A-1"),
            production=ProductionFactory.create(title="Film", slug="film-1964"),
            notes="mine",
        ),
        lambda: Appearance.objects.filter(notes="mine").update(notes="Theirs"),
    ),
    "image": (
        "key,caption\n1.jpg,mine\n2.jpg,new\n",
        lambda: (
            MediaAssetFactory.create(key="1.jpg", caption="mine"),
            MediaAssetFactory.create(key="2.jpg"),
        ),
        lambda: MediaAsset.objects.filter(key="1.jpg").update(caption="Theirs"),
    ),
}


@pytest.mark.parametrize("target", TABLES)
def test_edit_of_an_unchanged_row_of_another_table_brings_the_preview_back(target):
    text, arrange, edit = TABLES[target]
    arrange()

    assert outcome(edit, text, target)[0] == "queued"


@pytest.mark.parametrize("target", TABLES)
def test_row_of_another_table_that_nobody_edits_lands(target):
    text, arrange, _ = TABLES[target]
    arrange()

    assert outcome(lambda: None, text, target)[0] == "done"


@pytest.mark.parametrize("caption", [pytest.param("mine", id="unchanged"), pytest.param("", id="changed")])
def test_image_that_the_worker_reads_meanwhile_lands(caption):
    asset = MediaAssetFactory.create(key="1.jpg", caption=caption)
    MediaAssetFactory.create(key="2.jpg")

    def read() -> None:
        MediaAsset.objects.filter(pk=asset.pk).update(width=640, height=480, processing=Processing.READY)

    assert outcome(read, "key,caption\n1.jpg,mine\n2.jpg,new\n", "image")[0] == "done"
    asset.refresh_from_db()
    assert (asset.caption, asset.width) == ("mine", 640)
