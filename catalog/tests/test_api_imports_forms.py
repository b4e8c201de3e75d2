"""Uploads that cannot be used: each is answered by a sentence that names what is wrong, none by a 500."""

import dataclasses
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog.api import uploads
from catalog.api.import_serializers import UploadSerializer
from catalog.imports.options import ImportOptions
from catalog.models import ImportRun
from catalog.tests.api_imports import IMPORTS, importer, pointers, post, upload

pytestmark = pytest.mark.django_db


def test_policies_of_the_form_are_those_of_a_run():
    policies = {field.name for field in dataclasses.fields(ImportOptions)}

    assert set(UploadSerializer().fields) == policies | {"file", "target", "land", "mapping"}


FORMS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no file": ({"file": ""}, ["/file"]),
    "text in place of the file": ({"file": "reference,name"}, ["/file"]),
    "an empty file": ({"file": SimpleUploadedFile("stock.csv", b"")}, ["/file"]),
    "a file of another kind": ({"file": SimpleUploadedFile("stock.pdf", b"%PDF")}, ["/file"]),
    "a name without an ending": ({"file": SimpleUploadedFile(".csv", b"a")}, ["/file"]),
    "no target": ({"target": ""}, ["/target"]),
    "an unknown target": ({"target": "boats"}, ["/target"]),
    "an unknown field": ({"on_errors": "skip"}, ["/on_errors"]),
    "a policy given twice": ({"on_error": ["skip", "abort"]}, ["/on_error"]),
    "an unknown policy": ({"on_error": "perhaps"}, ["/on_error"]),
    "a number below zero": ({"max_rejected": "-1"}, ["/max_rejected"]),
    "a huge number": ({"max_rejected": "9" * 400}, ["/max_rejected"]),
    "no number": ({"max_rejected": "many"}, ["/max_rejected"]),
    "more than all of them": ({"max_withdrawn": "101"}, ["/max_withdrawn"]),
    "not a number": ({"max_withdrawn": "nan"}, ["/max_withdrawn"]),
    "infinity": ({"max_withdrawn": "Infinity"}, ["/max_withdrawn"]),
    "a flag that is none": ({"full_list": "perhaps"}, ["/full_list"]),
    "NUL in a text": ({"full_list_prefix": "A\0"}, ["/full_list_prefix"]),
    "a long text": ({"full_list_prefix": "A" * 300}, ["/full_list_prefix"]),
    "an unknown way to land": ({"land": "softly"}, ["/land"]),
    "a mapping that is no JSON": ({"mapping": "{"}, ["/mapping"]),
    "a mapping that is no object": ({"mapping": "[]"}, ["/mapping"]),
    "a mapping nested too deep": ({"mapping": '{"a":' * 9000}, ["/mapping"]),
    "a mapping closed too deep": ({"mapping": '{"a":' * 400 + "1" + "}" * 400}, ["/mapping"]),
    "NUL in a mapping": ({"mapping": '{"name": {"constant": "\\u0000"}}'}, ["/mapping"]),
    "half a letter in a mapping": ({"mapping": '{"name": {"constant": "\\ud800"}}'}, ["/mapping"]),
    "a number beyond all": ({"mapping": '{"name": {"constant": 1e999}}'}, ["/mapping"]),
    "a rule for no column": ({"mapping": '{"colour": {"header": "Farbe"}}'}, ["/mapping"]),
    "a rule that is none": ({"mapping": '{"name": 1}'}, ["/mapping/name"]),
    "a mapping of a workbook": ({"target": "workbook", "mapping": '{"name": {"header": "N"}}'}, ["/mapping"]),
}


@pytest.mark.parametrize(("form", "named"), FORMS.values(), ids=FORMS)
def test_form_that_cannot_be_used(form, named):
    answer = upload(importer(), **form)

    assert pointers(answer) == named
    assert not ImportRun.objects.exists()


def test_upload_without_a_form():
    client = importer()

    answers = [
        post(client, IMPORTS, {"target": "vehicle"}),
        client.post(IMPORTS, b"reference,name", content_type="text/csv"),
    ]

    assert [pointers(answer, 415) for answer in answers] == [[], []]


BOUNDARY = "multipart/form-data; boundary=X"
TORN: dict[str, tuple[str, bytes]] = {
    "no boundary": ("multipart/form-data", b"--X--\r\n"),
    "a boundary of no use": ("multipart/form-data; boundary=\xff", b"--X--\r\n"),
    "an empty body": (BOUNDARY, b""),
    "no parts": (BOUNDARY, b"--X--\r\n"),
    "a part that never ends": (
        BOUNDARY,
        b'--X\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\na',
    ),
    "a part without a name": (BOUNDARY, b"--X\r\nContent-Disposition: form-data\r\n\r\na\r\n--X--\r\n"),
    "a name in an unknown encoding": (
        BOUNDARY,
        b"--X\r\nContent-Disposition: form-data; name*=bogus''a; filename*=bogus''a.csv\r\n\r\na\r\n--X--\r\n",
    ),
    "a text in an unknown encoding": (
        BOUNDARY,
        b'--X\r\nContent-Disposition: form-data; name="target"\r\nContent-Type: text/plain; charset=bogus\r\n\r\nvehicle\r\n--X--\r\n',
    ),
    "base64 that is none": (
        BOUNDARY,
        b'--X\r\nContent-Disposition: form-data; name="target"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n--X--\r\n',
    ),
    "too many files": (
        BOUNDARY,
        b'--X\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\na\r\n' * 21
        + b"--X--\r\n",
    ),
    "too many fields": (
        BOUNDARY,
        b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\na\r\n' * 5001 + b"--X--\r\n",
    ),
}


@pytest.mark.parametrize(("kind", "body"), TORN.values(), ids=TORN)
def test_form_that_is_torn(kind, body):
    answer = importer().generic("POST", IMPORTS, body, content_type=kind)

    pointers(answer)


def test_form_whose_texts_are_too_large():
    answer = upload(importer(), full_list_prefix="A" * 2**20)

    assert pointers(answer, 413) == []


def test_file_that_is_too_large(monkeypatch):
    monkeypatch.setattr("catalog.api.imports.MAX_BYTES", 10)

    answer = upload(importer())

    assert pointers(answer, 413) == []
    assert not ImportRun.objects.exists()


def test_body_that_is_too_large_is_refused_unread(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 10)
    monkeypatch.setattr(uploads, "FORM_BYTES", 10)

    answer = upload(importer())

    assert answer.json()["detail"] == "The file is too large; an import takes up to 512 MiB."
    assert pointers(answer, 413) == []


def test_upload_with_a_query():
    answer = importer().post(f"{IMPORTS}?dry_run=1")

    assert answer.status_code == 400
    assert [fault["parameter"] for fault in answer.json()["errors"]] == ["dry_run"]
