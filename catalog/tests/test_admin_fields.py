"""The form fields of words, years and specs."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from catalog.admin.fields import LinesField, SpecsField, TermsField, YearsField, specs_text, years_text
from catalog.models import Vocabulary
from catalog.tests.factories import TermFactory


@pytest.mark.parametrize(
    ("text", "years"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("1964, 1965", [1964, 1965], id="list"),
        pytest.param("1965;1964 | 1964", [1964, 1965], id="unordered and twice"),
        pytest.param("1964, 1970-1972", [1964, 1970, 1971, 1972], id="span"),
        pytest.param("1970 \u2013 1971", [1970, 1971], id="span with a typographer's dash"),
    ],
)
def test_years_field_reads(text: str, years: list[int]) -> None:
    assert YearsField().clean(text) == years


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("soon", '"soon" is not a year; write years such as 1964, 1970-1972.', id="word"),
        pytest.param("64", '"64" is not a year; write years such as 1964, 1970-1972.', id="two digits"),
        pytest.param(
            "1972-1970",
            '"1972-1970" does not lie between 1880 and 2100, the earlier year first.',
            id="backwards",
        ),
        pytest.param(
            "0001-9999", '"0001-9999" does not lie between 1880 and 2100, the earlier year first.', id="all"
        ),
    ],
)
def test_years_field_refuses(text: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        YearsField().clean(text)

    assert refused.value.messages == [sentence]


def test_years_text_shortens_runs() -> None:
    assert years_text([1972, 1964, 1970, 1971, 1980, 1981]) == "1964, 1970-1972, 1980, 1981"


def test_years_field_same_years_written_otherwise_is_unchanged() -> None:
    assert not YearsField().has_changed([1964, 1965, 1966], "1964-1966")


@pytest.mark.parametrize(
    ("text", "specs"),
    [
        pytest.param("", {}, id="empty"),
        pytest.param(
            "Engine: V8\r\nColour : Silver: metallic",
            {"Engine": "V8", "Colour": "Silver: metallic"},
            id="lines",
        ),
        pytest.param('{"Power": 282, "Doors": [1, 2]}', {"Power": 282, "Doors": [1, 2]}, id="json"),
    ],
)
def test_specs_field_reads(text: str, specs: dict[str, Any]) -> None:
    assert SpecsField().clean(text) == specs


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("V8", '"V8" must read "Label: value".', id="no label"),
        pytest.param("Engine: V8\nEngine: V6", '"Engine" stands twice.', id="label twice"),
        pytest.param("{Engine}", "This is not a JSON object: see line 1, column 2.", id="broken json"),
        pytest.param("{" * 100_000, "This is not a JSON object: see line 1, column 2.", id="many braces"),
        pytest.param('{"a":' * 100_000, "This is nested too deeply.", id="deep"),
        pytest.param('{"a":' * 201 + "1" + "}" * 201, "This is nested too deeply.", id="many objects"),
        pytest.param('{"A": ' + "1" * 309 + "}", "A number has at most 308 digits.", id="long number"),
        pytest.param('{"A": ' + "1" * 5000 + "}", "A number has at most 308 digits.", id="endless number"),
        pytest.param(
            '{"Power": NaN}', "Infinity, NaN and null characters cannot be kept.", id="not a number"
        ),
        pytest.param('{"Power": 1e999}', "Infinity, NaN and null characters cannot be kept.", id="infinity"),
        pytest.param(
            '{"A": "\\u0000"}', "Infinity, NaN and null characters cannot be kept.", id="null character"
        ),
        pytest.param(
            '{"A": "\\ud800"}', "Infinity, NaN and null characters cannot be kept.", id="half a character"
        ),
    ],
)
def test_specs_field_refuses(text: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SpecsField().clean(text)

    assert refused.value.messages == [sentence]


@pytest.mark.parametrize(
    "specs",
    [
        pytest.param({}, id="empty"),
        pytest.param({"Engine": "V8"}, id="text"),
        pytest.param({"Power": 282}, id="number"),
        pytest.param({"Colour": ""}, id="empty value"),
        pytest.param({"Note: 1": "x"}, id="colon in the label"),
        pytest.param({"Note": "two\nlines"}, id="line break"),
        pytest.param({"{Note": "x"}, id="brace"),
    ],
)
def test_specs_text_reads_back_the_same(specs: dict[str, Any]) -> None:
    assert SpecsField().clean(specs_text(specs)) == specs


def test_lines_field_drops_blanks_and_repeats() -> None:
    assert LinesField().clean(" Sci-Fi \r\n\r\nSF\nSF") == ["Sci-Fi", "SF"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "word", ["Science Fiction", "science fiction", " Science Fiction ", "Sci-Fi", "SCI-FI"]
)
def test_terms_field_spelled_otherwise_gives_the_name(word: str) -> None:
    TermFactory.create(name="Science Fiction", aliases=["Sci-Fi"])

    assert TermsField(Vocabulary.GENRE).clean([word]) == ["Science Fiction"]


@pytest.mark.django_db
def test_terms_field_two_spellings_of_one_term_give_it_once() -> None:
    TermFactory.create(name="Science Fiction", aliases=["Sci-Fi"])
    TermFactory.create(name="Action")

    assert TermsField(Vocabulary.GENRE).clean(["Sci-Fi", "Action", "Science Fiction"]) == [
        "Science Fiction",
        "Action",
    ]


@pytest.mark.django_db
def test_terms_field_unknown_word_is_refused() -> None:
    TermFactory.create(name="Car", vocabulary=Vocabulary.VEHICLE_TYPE)

    with pytest.raises(ValidationError) as refused:
        TermsField(Vocabulary.GENRE).clean(["Car", "Spionage"])

    assert refused.value.messages == [
        '"Car", "Spionage": not in the vocabulary of genres. Choose from the list, or add the term first.'
    ]


@pytest.mark.django_db
def test_terms_field_word_of_the_row_stays_without_its_term() -> None:
    field = TermsField(Vocabulary.GENRE)
    field.kept = frozenset({"Forgotten"})

    assert field.clean(["Forgotten"]) == ["Forgotten"]
