"""An import in the admin, step by step: what each form takes, shows and refuses."""

from datetime import UTC, datetime

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import ImportRun, ImportState, Item, Vehicle
from catalog.tests.factories import TermFactory, VehicleFactory
from catalog.tests.import_screens import (
    STOCK,
    address,
    importer,
    landed,
    newest,
    page,
    previewed,
    step,
    told,
    upload,
    worked,
)
from marketplace.tests.database import database_address

pytestmark = [pytest.mark.usefixtures("bucket"), pytest.mark.django_db]

# A test's one transaction would make all of it the work of the import, as history and `xmin` tell it.
committed = pytest.mark.django_db(transaction=True)
LONG_AGO = datetime(2001, 2, 3, tzinfo=UTC)

# Progress


def test_page_of_a_waiting_run_asks_for_progress_by_itself():
    client = importer()
    upload(client)

    text = page(client, newest())

    assert f'hx-get="{address(newest(), "progress")}"' in text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in text
    assert "The file waits for the worker." in text


def test_progress_tells_the_rows_read():
    client = importer()
    upload(client)
    ImportRun.objects.update(state=ImportState.READING, rows_read=12_000)

    answer = client.get(address(newest(), "progress"))

    assert "12,000 rows read and judged so far." in answer.content.decode()
    assert "HX-Refresh" not in answer


def test_progress_of_a_run_that_waits_for_a_person_loads_the_page_anew():
    client = importer()

    answer = client.get(address(previewed(client), "progress"))

    assert answer["HX-Refresh"] == "true"


def test_cancel_ends_the_run():
    client = importer()
    upload(client)

    answer = step(client, newest(), "cancel")

    assert (answer["Location"], newest().state) == (address(newest()), "cancelled")
    assert "Cancelled; nothing landed." in page(client, newest())


def test_file_that_cannot_be_read_ends_in_its_sentence():
    client = importer()
    upload(client, "%PDF-1.7", name="stock.xlsx")

    run = worked()

    assert run.state == "failed"
    assert "stock.xlsx is a PDF document, not a workbook." in page(client, run)


# Preview


def test_preview_shows_outcomes_with_their_counts():
    VehicleFactory.create(reference="A-2", name="Lotus", make="Lotus", price=90000)
    client = importer()
    run = previewed(client, STOCK + "A-3,,Lotus,1\n")

    context = client.get(address(run)).context

    assert [(tab.label, tab.count) for tab in context["outcomes"]] == [
        ("New", 1), ("Changed", 1), ("Unchanged", 0), ("Rejected", 1), ("Left out", 0),
    ]  # fmt: skip
    assert (context["confirm_label"], Item.objects.count()) == ("Land 2 rows", 1)


def test_preview_of_changed_rows_shows_before_and_after_side_by_side():
    car = VehicleFactory.create(reference="A-2", name="Lotus", make="Lotus", price=90000)
    client = importer()
    run = previewed(client, STOCK.replace("Lotus Esprit", "<b>Esprit</b>"))

    text = page(client, run, outcome="changed")

    assert "<b>name</b><del>Lotus</del><ins>&lt;b&gt;Esprit&lt;/b&gt;</ins>" in text
    assert reverse("admin:catalog_item_change", args=[car.pk]) in text
    assert "<code>name</code> 1" in text


def test_preview_of_rejected_rows_says_what_is_wrong():
    client = importer()
    run = previewed(client, "reference,name,price\nA-1,DB5,<i>cheap\n")

    text = page(client, run, outcome="rejected")

    assert "<b>price</b> “&lt;i&gt;cheap”:" in text


@pytest.mark.parametrize(
    "query",
    [
        {"page": "999"},
        {"page": "-1"},
        {"page": "x"},
        {"outcome": "nothing"},
        {"sheet": "7"},
        {"page": "9" * 40},
    ],
)
def test_preview_at_an_odd_address_shows_rows(query):
    client = importer()

    text = page(client, previewed(client), **query)

    assert "Aston Martin DB5" in text


def test_preview_of_wide_rows_stays_small():
    cells = ["'\"<&" * 100, "\U0001f697" * 300, "x" * 5000]
    lines = [
        ",".join(f'"{cell}"' for cell in [f"A-{n}", *[c.replace('"', '""') for c in cells]])
        for n in range(120)
    ]
    client = importer()
    run = previewed(client, "\n".join(["reference,name,description,provenance", *lines]))

    answer = client.get(address(run))

    assert len(answer.context["rows"]) == 50
    assert len(answer.content) < 200_000


def test_preview_takes_as_many_queries_for_many_rows_as_for_few():
    client = importer()
    found = []
    for rows in (60, 1_500):
        lines = [f"A-{n},Car {n}" for n in range(rows)]
        run = previewed(client, "\n".join(["reference,name", *lines]), name=f"{rows}.csv")
        with CaptureQueriesContext(connection) as captured:
            page(client, run, page=2)
        found.append(len(captured))

    assert found[0] == found[1]
    assert found[0] <= 25


def test_rows_left_out_and_taken_back():
    client = importer()
    run = previewed(client)

    answer = step(
        client, run, "leave_out", {"sheet": 0, "line": [2], "do": "leave_out"}, outcome="new", page="1"
    )
    left = worked()
    step(client, run, "leave_out", {"sheet": 0, "line": [2], "do": "take_back"})
    back = worked()

    assert answer["Location"] == f"{address(run)}?outcome=new&page=1"
    assert (left.created, left.left_out, back.created, back.left_out) == (1, 1, 2, 0)


def test_leaving_out_without_a_tick_says_so():
    client = importer()
    run = previewed(client)

    answer = step(client, run, "leave_out", {"sheet": 0, "line": ["x", "9" * 30], "do": "leave_out"})

    assert (told(answer), newest().state) == (["Tick the rows first."], "ready")


def test_columns_left_out_are_judged_again_without_them():
    VehicleFactory.create(reference="A-2", name="Lotus", make="Lotus", price=90000)
    client = importer()
    run = previewed(client)

    step(
        client,
        run,
        "leave_out_columns",
        {"sheet": 0, "offered": ["name", "make", "price"], "column": ["make", "price"]},
    )
    run = worked()

    assert run.sheets.get().left_out_columns == ["name"]
    assert (run.unchanged, run.rejected) == (1, 1)


# Landing


def test_confirmed_run_lands():
    client = importer()
    run = previewed(client)

    answer = step(client, run, "confirm")
    run = worked()

    assert (answer["Location"], run.state) == (address(run), "done")
    assert set(Vehicle.objects.values_list("reference", flat=True)) == {"A-1", "A-2"}
    assert "It has landed." in page(client, run)


def test_run_confirmed_twice_lands_once():
    client = importer()
    run = previewed(client)

    answers = [step(client, run, "confirm") for _ in range(2)]
    worked()

    assert [(answer.status_code, told(answer)) for answer in answers] == [(302, []), (302, [])]
    assert (newest().state, newest().created, Item.objects.count()) == ("done", 2, 2)


def test_run_that_its_policy_stops_offers_nothing_to_confirm():
    client = importer()
    run = previewed(client, STOCK + "A-3,,,\n", on_error="abort")

    text = page(client, run)
    answer = step(client, run, "confirm")

    assert "Nothing lands, because rows were rejected." in text
    assert 'id="confirm"' not in text
    assert (told(answer), newest().state) == (["Nothing lands, because rows were rejected."], "ready")


def test_run_that_would_change_nothing_says_so():
    client = importer()
    landed(client)
    run = previewed(client)

    assert "Nothing would change, so there is nothing to confirm." in page(client, run)


@pytest.mark.parametrize("typed", ["", "2", "three"])
def test_withdrawals_do_not_land_with_another_number(typed):
    VehicleFactory.create_batch(3, status="published", published_at=LONG_AGO)
    client = importer("publish_vehicle")
    run = previewed(client, full_list="on", max_withdrawn="100")

    answer = step(client, run, "confirm", {"withdraw": typed})

    assert told(answer) == [
        "This import withdraws 3 items that the file does not name; to agree, confirm it with that number: 3."
    ]
    assert newest().state == "ready"


def test_withdrawals_are_listed_and_land_with_their_number():
    VehicleFactory.create_batch(3, status="published", published_at=LONG_AGO)
    client = importer("publish_vehicle")
    run = previewed(client, full_list="on", max_withdrawn="100")

    asked = page(client, run, outcome="withdrawn")
    step(client, run, "confirm", {"withdraw": " 3 "})
    run = worked()

    assert "Type 3 to agree that they are withdrawn" in asked
    assert asked.count("<b>status</b><del>published</del><ins>draft</ins>") == 3
    assert (run.state, Item.objects.filter(status="published").count()) == ("done", 0)


@committed
@pytest.mark.usefixtures("empty_queue")
def test_run_whose_catalogue_moved_on_asks_to_look_again():
    car = VehicleFactory.create(reference="A-2", name="Lotus")
    client = importer()
    run = previewed(client)
    Item.objects.filter(pk=car.pk).update(name="Edited meanwhile")

    step(client, run, "confirm")
    worked()
    run = worked()

    assert run.state == "ready"
    assert "The catalogue has moved on since this was previewed" in page(client, run)
    assert Item.objects.get(pk=car.pk).name == "Edited meanwhile"


def test_landed_run_still_shows_its_rows_and_who_and_when():
    client = importer()
    run = landed(client)

    text = page(client, run, outcome="new")

    assert "Aston Martin DB5" in text
    assert "Confirmed by" in text
    assert "Landed; 2 new" in text


def test_rejected_rows_come_as_a_file_with_what_is_wrong():
    client = importer()
    run = previewed(client, STOCK + "A-3,,Lotus,1\n")

    answer = client.get(address(run, "rejected"))

    lines = b"".join(answer).decode("utf-8-sig").splitlines()
    assert 'filename="stock' in answer["Content-Disposition"]
    assert lines[0] == "reference,name,make,price,error"
    assert lines[1].startswith("A-3,,Lotus,1,")


def test_rejected_rows_of_a_run_without_any_lead_back():
    client = importer()
    run = previewed(client)

    answer = client.get(address(run, "rejected"))

    assert (answer["Location"], told(answer)) == (address(run), ["No row of this import was rejected."])


# Undo


def test_undo_asks_first_and_then_takes_the_rows_back():
    client = importer()
    run = landed(client)

    question = client.get(address(run, "undo")).content.decode()
    step(client, run, "undo")
    run = worked()

    assert "2 rows of the catalogue return to what they were before this import" in question
    assert (run.state, Item.objects.count()) == ("undone", 0)
    assert "2 removed" in page(client, run)


@committed
@pytest.mark.usefixtures("empty_queue")
@pytest.mark.parametrize(("force", "name"), [({}, "Edited since"), ({"force": "1"}, "Lotus")])
def test_undo_leaves_rows_edited_since_alone_unless_forced(force, name):
    car = VehicleFactory.create(reference="A-2", name="Lotus")
    client = importer()
    run = landed(client)
    Item.objects.filter(pk=car.pk).update(name="Edited since")

    question = client.get(address(run, "undo")).content.decode()
    step(client, run, "undo", force)
    worked()

    assert "Changed since: name." in question
    assert Item.objects.get(pk=car.pk).name == name


@committed
@pytest.mark.usefixtures("empty_queue")
def test_undo_does_not_wait_for_another_import_that_lands():
    client = importer()
    run = landed(client)

    with psycopg.connect(database_address()) as landing:
        landing.execute("SELECT pg_advisory_xact_lock(hashtext('catalog import'))")
        text = client.get(address(run, "undo")).content.decode()

    assert "Another import is landing or being undone right now; look again in a moment." in text
    assert 'id="undo"' not in text


def test_undo_of_a_run_that_has_not_landed_is_refused():
    client = importer()
    run = previewed(client)

    answer = step(client, run, "undo")

    assert told(answer) == ["Only an import that has landed, and is not undone yet, can be undone."]


def test_unknown_words_become_terms_when_the_form_says_so():
    TermFactory.create(name="Spy")
    client = importer()

    run = landed(client, "reference,name,genres\nA-1,DB5,Spy | Heist\n", terms="create")

    assert (run.state, Item.objects.get().genres) == ("done", ["Spy", "Heist"])
