"""The file of a run as it was brought: who may have it, for how long, and that each download is on record."""

import pytest
from django.core.files.storage import default_storage

from accounts.models import Action, AuditEvent
from accounts.tests.people import api, browser, holder, member
from catalog.imports.pages.original import original_file
from catalog.models import ImportRun
from catalog.tests.api_imports import IMPORTS, RIGHTS, VEHICLES, told
from catalog.tests.import_screens import address as page_address
from catalog.tests.runs import CARS, brought, landed, previewed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucket")]
BAD = "reference,name,price,Margin\nA-1,One,cheap,12\nA-2,Two,,\n"


def owner():
    return holder(*RIGHTS, *VEHICLES)


def address(run):
    return f"{IMPORTS}{run.pk}/file/"


def content(answer):
    return b"".join(answer.streaming_content)


def doors(user, run):
    """Return the answers of the API and of the admin to who asks for the file."""
    return [api(user).get(address(run)), browser(user).get(page_address(run, "original"))]


def test_file_is_given_byte_for_byte_as_a_download():
    by = owner()
    run = brought(by, b"\xef\xbb\xbfreference;name\r\nA-1;One\r\n", 'D\u00e4ler "2".csv')

    for answer in doors(by, run):
        assert content(answer) == b"\xef\xbb\xbfreference;name\r\nA-1;One\r\n"
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Content-Disposition"] == "attachment; filename*=utf-8''D%C3%A4ler%20%222%22.csv"
        assert answer["X-Content-Type-Options"] == "nosniff"


def test_file_of_a_page_is_never_shown_as_one():
    by = owner()
    run = brought(by, "<script>alert(1)</script>", "x.html\r\nSet-Cookie: a=b.csv")

    answer = api(by).get(address(run))

    assert content(answer) == b"<script>alert(1)</script>"
    assert answer["Content-Disposition"] == 'attachment; filename="x.htmlSet-Cookie: a=b.csv"'
    assert answer["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize("superuser", [False, True])
def test_file_of_an_unfinished_run_is_its_owners_alone(superuser):
    by = owner()
    run = previewed(by)
    other = member("Publisher", is_superuser=superuser)

    assert [answer.status_code for answer in doors(other, run)] == [404, 404]
    assert told(api(by), f"{IMPORTS}{run.pk}/", "links")[0]["file"]


def test_file_of_a_landed_run_is_for_those_who_may_view_it():
    run = landed(owner(), BAD, mapping={"ignored": ["Margin"]})
    viewer, uploader = holder("catalog.view_importrun"), holder("catalog.add_importrun")

    assert [content(answer) for answer in doors(viewer, run)] == [BAD.encode()] * 2
    assert [answer.status_code for answer in doors(uploader, run)] == [404, 404]
    assert told(api(viewer), f"{IMPORTS}{run.pk}/", "links")[0]["file"] == f"http://testserver{address(run)}"
    assert page_address(run, "original") in browser(viewer).get(page_address(run)).content.decode()


def test_file_that_came_to_nothing_is_its_owners_still():
    by = owner()
    run = previewed(by, "%PDF-1.7", "stock.xlsx")

    assert run.state == "failed"
    assert content(api(by).get(address(run))) == b"%PDF-1.7"
    assert api(holder("catalog.view_importrun")).get(address(run)).status_code == 404


def test_each_download_is_on_record():
    run = landed(owner())
    viewer = holder("catalog.view_importrun")

    content(api(viewer).get(address(run)))

    [event] = AuditEvent.objects.filter(action=Action.EXPORT)
    assert (event.actor, event.subject, event.detail["run"]) == (viewer.username, "cars.csv", run.pk)


def test_file_that_is_not_kept_any_more_says_so():
    by = owner()
    run = landed(by)
    ImportRun.objects.update(file_key="")

    of_api, of_admin = doors(by, run)

    assert (of_api.status_code, of_api.json()["detail"]) == (
        409,
        "The file of this import is not kept any more.",
    )
    assert of_admin["Location"] == page_address(run)
    assert told(api(by), f"{IMPORTS}{run.pk}/", "links")[0]["file"] is None
    assert page_address(run, "original") not in browser(by).get(page_address(run)).content.decode()


def test_file_that_the_bucket_has_lost_or_changed_says_so():
    by = owner()
    run, other = brought(by), brought(by, CARS * 2, "other.csv")
    default_storage.delete(run.file_key)
    ImportRun.objects.filter(pk=other.pk).update(file_sha256="0" * 64)

    found = [doors(by, each)[0] for each in (run, other)]

    assert [answer.status_code for answer in found] == [409, 409]
    assert "The bucket has lost the file cars.csv; bring it again." in found[0].json()["detail"]
    assert "is not the one that was brought" in found[1].json()["detail"]


def test_download_that_breaks_off_leaves_no_copy(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    by = owner()

    file = original_file(brought(by), by=by)
    next(file.chunks)
    file.chunks.close()

    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
