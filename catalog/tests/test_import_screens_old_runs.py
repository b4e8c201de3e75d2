"""The page of a run of an earlier version, or of one whose rows are not kept any more."""

import pytest
from django.urls import reverse

from catalog.models import ImportRun
from catalog.tests.import_screens import importer, page

pytestmark = pytest.mark.django_db


def test_run_whose_rows_are_gone_still_names_what_was_rejected():
    run = ImportRun.objects.create(target="vehicle", file_name="old.csv", state="done", rows=1, rejected=1)
    run.issues.create(line=3, column="name", message="An item needs a name.")
    client = importer()

    text = page(client, run)
    answer = client.get(reverse("admin:catalog_importrun_rejected", args=[run.pk]), follow=True)

    assert "line 3, name: &quot;&quot; — An item needs a name." in text
    assert "The rejected rows of this import are not kept any more" in answer.content.decode()
