"""Landed runs that cannot be undone: no button, and a sentence that says why."""

import pytest

from accounts.tests.people import api, browser, holder
from catalog.imports.undoing.undo import GONE, NOTHING
from catalog.models import ImportRun
from catalog.tests.api_imports import IMPORTS, RIGHTS, VEHICLES, post, told
from catalog.tests.import_screens import address as page_address
from catalog.tests.runs import landed, state_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucket")]
NEVER = "History does not tell what this import wrote, so it cannot be undone."


def told_of(by, run):
    """Return what the run's detail, its page and a try to undo it say."""
    detail, page = (
        api(by).get(f"{IMPORTS}{run.pk}/").json(),
        browser(by).get(page_address(run)).content.decode(),
    )
    offered = detail["links"]["undo"], page_address(run, "undo") in page
    return detail["not_undoable"], offered, page


def importer():
    return holder(*RIGHTS, *VEHICLES)


def test_run_that_can_be_undone_offers_it():
    by = importer()
    run = landed(by)

    why, (link, is_shown), page = told_of(by, run)

    assert (why, link, is_shown) == ("", f"http://testserver{IMPORTS}{run.pk}/undo/", True)
    assert "not-undoable" not in page


CASES = [
    pytest.param({"history_context": None}, NEVER, id="history never kept"),
    pytest.param({"history_context": None, "created": 0}, NOTHING, id="nothing written"),
    pytest.param({"history_context": "00000000-0000-0000-0000-000000000000"}, GONE, id="history gone"),
]


@pytest.mark.parametrize(("changes", "sentence"), CASES)
def test_run_that_cannot_be_undone_says_why_instead(changes, sentence):
    by = importer()
    run = landed(by)
    ImportRun.objects.filter(pk=run.pk).update(**changes)

    why, offered, page = told_of(by, run)
    tried = post(api(by), f"{IMPORTS}{run.pk}/undo/")

    assert (why, offered) == (sentence, (None, False))
    assert f'id="not-undoable">{sentence}</p>' in page
    assert (tried.status_code, tried.json()["detail"]) == (409, sentence)
    assert state_of(run) == ("done", "")


def test_file_that_changed_nothing_cannot_be_undone():
    by = importer()
    landed(by)
    run = landed(by)

    assert told(api(by), f"{IMPORTS}{run.pk}/", "not_undoable") == (NOTHING,)


def test_run_that_waits_has_nothing_to_say_of_its_undo():
    by = importer()
    run = ImportRun.objects.create(target="vehicle", file_name="a.csv", started_by=by, state="queued")

    assert told(api(by), f"{IMPORTS}{run.pk}/", "not_undoable") == ("",)
