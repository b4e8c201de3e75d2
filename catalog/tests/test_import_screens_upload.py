"""The form that brings a file, in the admin."""

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from catalog.models import ImportRun
from catalog.tests.import_screens import (
    POLICIES,
    STOCK,
    address,
    importer,
    newest,
    person,
    signed_in,
    upload,
)

pytestmark = [pytest.mark.usefixtures("bucket"), pytest.mark.django_db]


def test_upload_makes_a_run_and_leads_to_its_page():
    client = importer()

    answer = upload(client, existing="add", on_error="limit", max_rejected="3")

    run = ImportRun.objects.get()
    assert answer["Location"] == address(run)
    assert (run.state, run.origin, run.target, run.file_name) == ("queued", "admin", "vehicle", "stock.csv")
    assert (run.options["existing"], run.options["on_error"], run.options["max_rejected"]) == (
        "add",
        "skip",
        3,
    )
    with default_storage.open(run.file_key) as kept:
        assert kept.read() == STOCK.encode()


def test_upload_form_names_columns_and_policies():
    text = importer().get(reverse("admin:catalog_vehicle_import")).content.decode()

    assert "production_years" in text
    assert 'name="max_withdrawn"' in text


@pytest.mark.parametrize(
    ("fields", "place", "sentence"),
    [
        ({"name": "stock.exe"}, "import_file", "The file must end in one of .csv, .ods, .tsv, .txt, .xlsm, .xlsx."),
        ({"content": ""}, "import_file", "The submitted file is empty."),
        ({"on_error": "limit"}, "max_rejected", "Say how many rows may be rejected."),
        ({"full_list_prefix": "D-"}, "full_list_prefix",
         "This counts for full stock lists only: tick that box, or empty this one."),
        ({"full_list": "on", "max_withdrawn": "101"}, "max_withdrawn",
         "Ensure this value is less than or equal to 100."),
        ({"target": "tool"}, "target", "Select a valid choice. tool is not one of the available choices."),
    ],
    ids=["ending", "empty", "limit", "prefix", "percent", "another kind"],
)  # fmt: skip
def test_upload_that_is_refused_says_why_beside_the_field(fields, place, sentence):
    answer = upload(importer(), **fields)

    assert answer.status_code == 200
    assert answer.context["form"].errors == {place: [sentence]}
    assert not ImportRun.objects.exists()


def test_upload_that_is_too_large_says_so(monkeypatch):
    monkeypatch.setattr("catalog.admin.imports.forms.MAX_BYTES", 10)

    answer = upload(importer())

    (sentence,) = answer.context["form"].errors["import_file"]
    assert sentence.replace("\xa0", " ") == "The file has 97 bytes; at most 10 bytes can be read."


def test_upload_by_who_may_not_make_terms_offers_to_refuse_unknown_words_only():
    client = signed_in(person("add_importrun", "add_vehicle", "change_vehicle"))

    form = client.get(reverse("admin:catalog_vehicle_import")).context["form"]

    assert [value for value, _ in form.fields["terms"].choices] == ["refuse"]


def test_form_for_any_file_offers_what_the_person_may_bring():
    client = signed_in(person("add_importrun", "add_vehicle", "change_vehicle"))

    form = client.get(reverse("admin:catalog_importrun_add")).context["form"]

    assert [value for value, _ in form.fields["target"].choices] == ["vehicle", "workbook"]


def test_form_for_any_file_makes_a_run():
    client = importer()
    file = SimpleUploadedFile("stock.csv", STOCK.encode())

    answer = client.post(
        reverse("admin:catalog_importrun_add"), {"target": "vehicle", "import_file": file, **POLICIES}
    )

    assert (answer["Location"], newest().target) == (address(newest()), "vehicle")
