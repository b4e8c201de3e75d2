"""The steps of a run: who may take them, where it has to stand, and what comes of them."""

from functools import partial

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.tests.client import at_once
from catalog.imports import landing
from catalog.imports.life import runs, work
from catalog.models import Appearance, ImportLayout, ImportRun, Item
from catalog.tests.factories import ItemFactory
from catalog.tests.runs import CARS, brought, curator, jobs, landed, previewed, state_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucket")]


def test_run_goes_from_upload_to_landing():
    by = curator()

    run = landed(by)

    assert state_of(run) == ("done", "")
    assert set(Item.objects.values_list("reference", "name")) == {("A-1", "One"), ("A-2", "Two")}
    assert [entry for _, entry in run.log] == [
        "Being read", "Waiting for confirmation", f"Confirmed by {by}", "Landing",
        "Landed; 2 new, 0 changed, 0 rejected.",
    ]  # fmt: skip
    event = AuditEvent.objects.get(action="import")
    assert (event.actor_id, event.subject, event.detail["state"], event.detail["created"]) == (
        by.pk, "cars.csv", "done", 2,
    )  # fmt: skip


def test_run_confirmed_with_its_upload_lands_without_a_click():
    run = previewed(curator(), at_once=True)

    work.land_now(run.pk)

    assert state_of(run) == ("done", "")
    assert jobs()[1:] == [("catalog.tasks.land_import", {"run_id": run.pk})]


def test_run_confirmed_with_its_upload_waits_where_something_is_left_to_ask():
    run = previewed(curator(), CARS + "A-3,\n", at_once=True, on_error="abort")

    assert state_of(run) == ("ready", "")


def test_file_with_unknown_columns_waits_for_its_mapping():
    by = curator()
    run = previewed(by, "Stock No.,Car\nA-1,One\n")
    assert run.state == "mapping"
    mapping = {"reference": {"header": "Stock No."}, "name": {"header": "Car"}}

    runs.give_mapping(run, mappings={0: mapping}, remember=True, by=by)
    work.read_now(run.pk)

    assert state_of(run) == ("ready", "")
    assert ImportLayout.objects.get().mapping == mapping
    assert previewed(by, "Stock No.,Car\nA-2,Two\n").state == "ready"


def test_mapping_given_with_the_upload_is_used():
    run = previewed(
        curator(), "Stock No.,Car\nA-1,One\n",
        mapping={"reference": {"header": "Stock No."}, "name": {"header": "Car"}},
    )  # fmt: skip

    assert (run.state, run.created) == ("ready", 1)


def test_mapping_that_makes_no_sense_is_refused_and_the_run_waits_on():
    by = curator()
    run = previewed(by, "Stock No.,Car\nA-1,One\n")

    with pytest.raises(runs.RunRefused):
        runs.give_mapping(run, mappings={0: {"colour": {"header": "Car"}}}, remember=False, by=by)

    assert state_of(run)[0] == "mapping"
    assert len(jobs()) == 1


def test_mapping_of_a_sheet_that_is_not_there_is_refused():
    by = curator()
    run = previewed(by)

    with pytest.raises(runs.RunRefused, match="This import has no sheet 3"):
        runs.give_mapping(run, mappings={3: {}}, remember=False, by=by)


def test_rows_left_out_do_not_land_and_can_be_taken_back():
    by = curator()
    run = previewed(by, CARS + "A-3,Three\n")

    runs.leave_out(run, sheet=0, lines=[2, 3], by=by)
    work.read_now(run.pk)
    runs.leave_out(run, sheet=0, take_back=[2], by=by)
    work.read_now(run.pk)
    runs.confirm(run, by=by)
    work.land_now(run.pk)

    run.refresh_from_db()
    assert (run.state, run.created, run.left_out) == ("done", 2, 1)
    assert set(Item.objects.values_list("reference", flat=True)) == {"A-1", "A-3"}


def test_column_left_out_does_not_land():
    by = curator()
    ItemFactory.create(reference="A-1", name="Before", make="Before")
    run = previewed(by, "reference,name,make\nA-1,After,After\n")

    runs.leave_out(run, sheet=0, columns=["make"], by=by)
    work.read_now(run.pk)
    runs.confirm(run, by=by)
    work.land_now(run.pk)

    assert Item.objects.values_list("name", "make").get() == ("After", "Before")


@pytest.mark.parametrize(
    ("column", "sentence"),
    [("colour", "'colour' is no column of this import."), ("reference", "so it cannot be left out")],
)
def test_column_that_cannot_be_left_out_is_refused(column, sentence):
    by = curator()
    run = previewed(by)

    with pytest.raises(runs.RunRefused, match=sentence):
        runs.leave_out(run, sheet=0, columns=[column], by=by)

    assert state_of(run)[0] == "ready"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("empty_queue")
def test_two_confirmations_at_once_land_the_run_once():
    by = curator()
    run = previewed(by)
    copies = [ImportRun.objects.get(pk=run.pk) for _ in range(4)]

    at_once([partial(runs.confirm, copy, by=by) for copy in copies])

    assert [task for task, _ in jobs()].count("catalog.tasks.land_import") == 1
    at_once([lambda: work.land_now(run.pk)] * 2)
    assert state_of(run) == ("done", "")
    assert Item.objects.count() == 2
    assert AuditEvent.objects.filter(action="import").count() == 1


def test_run_that_its_own_rules_stop_cannot_be_confirmed():
    by = curator()
    run = previewed(by, CARS + "A-3,\n", on_error="abort")

    with pytest.raises(runs.RunRefused, match=r"Nothing lands, because rows were rejected."):
        runs.confirm(run, by=by)

    assert state_of(run)[0] == "ready"


@pytest.mark.parametrize(("number", "lands"), [(None, False), (0, False), (2, False), (1, True)])
def test_withdrawals_have_to_be_agreed_to_by_their_number(number, lands):
    by = curator("Publisher")
    for reference in ("B-1", *(f"A-{n}" for n in range(1, 40))):
        ItemFactory.create(reference=reference, status="published", published_at=timezone.now())
    stock = "reference,name\n" + "".join(f"A-{n},Car\n" for n in range(1, 40))
    run = previewed(by, stock, full_list=True)
    assert run.withdrawn == 1

    if lands:
        runs.confirm(run, by=by, withdraw=number)
        work.land_now(run.pk)
    else:
        with pytest.raises(
            runs.RunRefused, match=r"This import withdraws 1 items .* confirm it with that number: 1"
        ):
            runs.confirm(run, by=by, withdraw=number)

    assert state_of(run)[0] == ("done" if lands else "ready")
    assert (Item.objects.get(reference="B-1").status == "published") is not lands


def test_run_goes_back_to_its_preview_when_the_catalogue_moved_on():
    by = curator()
    run = previewed(by)
    ItemFactory.create(reference="A-1", name="Theirs")
    runs.confirm(run, by=by)

    work.land_now(run.pk)
    assert state_of(run)[0] == "queued"
    work.read_now(run.pk)

    state, message = state_of(run)
    run.refresh_from_db()
    assert (state, run.created, run.changed) == ("ready", 1, 1)
    assert message.startswith("The catalogue has moved on since this was previewed")
    assert Item.objects.get().name == "Theirs"


def test_run_goes_back_to_its_preview_when_what_a_row_refers_to_is_gone():
    by = curator("Publisher")
    item = ItemFactory.create(reference="A-1")
    ItemFactory.create(reference="A-2")
    text = "reference,title,year\nA-1,Goldfinger,1964\nA-2,Goldfinger,1964\n"
    run = previewed(by, text, target="appearance")
    runs.confirm(run, by=by)
    item.delete()

    work.land_now(run.pk)
    work.read_now(run.pk)

    state, message = state_of(run)
    run.refresh_from_db()
    assert (state, run.created, run.rejected) == ("ready", 1, 1)
    assert message.startswith("The catalogue has moved on since this was previewed")
    assert not Appearance.objects.exists()


@pytest.mark.parametrize("step", ["read", "land"])
def test_file_that_was_changed_in_the_bucket_does_not_land(step):
    by = curator()
    run = brought(by) if step == "read" else previewed(by)
    default_storage.delete(run.file_key)
    default_storage.save(run.file_key, ContentFile(CARS.replace("One", "Two").encode()))

    if step == "land":
        runs.confirm(run, by=by)
        work.land_now(run.pk)
    work.read_now(run.pk)

    assert state_of(run) == (
        "failed",
        "The file that the bucket keeps for cars.csv is not the one that was brought;"
        " nothing landed, bring it again.",
    )
    assert not Item.objects.exists()


def test_run_waits_for_another_confirmation_when_the_bucket_is_away(settings):
    by = curator()
    run = previewed(by)
    runs.confirm(run, by=by)
    address, settings.S3_ENDPOINT_URL = settings.S3_ENDPOINT_URL, "http://127.0.0.1:9"

    work.land_now(run.pk)

    state, message = state_of(run)
    assert (state, message.endswith("Nothing landed; confirm again later.")) == ("ready", True)
    settings.S3_ENDPOINT_URL = address
    runs.confirm(run, by=by)
    work.land_now(run.pk)
    assert state_of(run) == ("done", "")


def test_run_is_read_again_when_the_database_has_lost_what_was_staged():
    by = curator()
    run = previewed(by)
    runs.confirm(run, by=by)
    with connection.cursor() as cursor:  # what a crash of its server does to unlogged tables
        cursor.execute(f"TRUNCATE import_{run.pk}_0.import_text, import_{run.pk}_0.import_merged")

    work.land_now(run.pk)
    work.read_now(run.pk)

    run.refresh_from_db()
    assert (run.state, run.created) == ("ready", 2)
    assert run.message == "The database was restarted since this was previewed; look at it again."
    runs.confirm(run, by=by)
    work.land_now(run.pk)
    assert state_of(run) == ("done", "")
    assert Item.objects.count() == 2


def test_file_that_is_gone_from_the_bucket_ends_the_run_with_a_sentence():
    run = brought(curator())
    default_storage.delete(run.file_key)

    work.read_now(run.pk)

    assert state_of(run) == ("failed", "The bucket has lost the file cars.csv; bring it again.")


@pytest.mark.parametrize("stands", ["queued", "mapping", "ready", "confirmed"])
def test_run_that_nobody_is_at_is_cancelled_at_once(stands):
    by = curator()
    run = brought(by) if stands == "queued" else previewed(by)
    ImportRun.objects.filter(pk=run.pk).update(state=stands)

    runs.cancel(run, by=by)

    assert state_of(run) == ("cancelled", "Cancelled; nothing landed.")
    work.read_now(run.pk)
    work.land_now(run.pk)
    assert state_of(run)[0] == "cancelled"
    assert not Item.objects.exists()


def test_run_that_landed_cannot_be_cancelled():
    by = curator()
    run = landed(by)

    with pytest.raises(runs.RunRefused, match=r"This import cannot be cancelled any more: it is done."):
        runs.cancel(run, by=by)


def test_undo_asked_for_returns_what_the_run_wrote():
    by = curator("Publisher")
    run = landed(by)

    runs.undo(run, by=by)
    work.undo_now(run.pk)

    assert state_of(run)[0] == "undone"
    assert not Item.objects.exists()


def test_undo_that_cannot_be_leaves_the_run_done():
    by = curator("Publisher")
    run = landed(by)
    runs.undo(run, by=by)
    by.groups.clear()

    work.undo_now(run.pk)

    assert state_of(run) == (
        "done",
        "The account that undoes this import may not do so any more; nothing was undone.",
    )
    assert Item.objects.count() == 2


def test_undo_of_a_run_that_one_may_not_see_is_hidden():
    run = previewed(curator())

    with pytest.raises(runs.RunHidden):
        runs.undo(run, by=curator())


def test_fault_of_the_program_ends_the_run_with_a_sentence(monkeypatch):
    run = brought(curator())
    monkeypatch.setattr(landing, "stops", lambda run: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        work.read_now(run.pk)

    assert state_of(run) == ("failed", work.BROKEN)
