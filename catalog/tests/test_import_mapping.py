"""How a header and a mapping become columns, and which mappings are refused."""

import json
import re
from pathlib import Path

import pytest

from catalog.imports.columns import TARGETS
from catalog.imports.errors import ImportRefused
from catalog.imports.mapping.binding import bind, check, recognised, titles, untitled
from catalog.imports.mapping.checks import check_rules

VEHICLE = TARGETS["vehicle"]


def picked(header, cells, mapping, target=VEHICLE):
    """Return the text of each column that the mapping makes of the cells."""
    bound = bind(header, target, mapping)
    return dict(zip([column.name for column in bound.staged], bound.pick(cells), strict=True))


def test_own_headers_need_no_mapping():
    bound = bind([" Name ", "Stock", "REFERENCE", "Production-Years"], VEHICLE, {})

    assert [column.name for column in bound.columns] == ["reference", "name", "production_years"]
    assert dict(zip([c.name for c in bound.staged], bound.pick(["n", "s", "r", "y"]), strict=True)) == {
        "name": "n", "reference": "r", "production_years": "y",
    }  # fmt: skip
    assert (bound.unknown, bound.missing, bound.repeated, bound.absent) == (("Stock",), (), (), ())
    assert bound.warnings == ("The column 'Stock' is unknown and was ignored.",)


def test_rule_beats_the_header_of_its_name():
    assert picked(["reference", "name", "Title"], ["r", "n", "t"], {"name": {"header": "title"}}) == {
        "reference": "r", "name": "t",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        pytest.param({"name": {"header": "car"}}, {"name": " 1964  Aston Martin DB5 "}, id="header as it stands"),
        pytest.param({"currency": {"constant": "EUR"}}, {"currency": "EUR"}, id="constant"),
        pytest.param(
            {"name": {"join": ["From", "Car", "Empty"], "with": ": "}}, {"name": "1964: 1964  Aston Martin DB5"}, id="join"
        ),
        pytest.param({"production_years": {"join": ["From", "To"], "with": "-"}}, {"production_years": "1964-1966"}, id="span"),
        pytest.param(
            {"specs": {"labels": {"Engine": "Motor", "None": "Empty", "Power": {"header": "PS", "factor": 0.98632, "unit": "bhp"}}}},
            {"specs": '{"Engine": "4,0 l | \\"R6\\"", "Power": "282 bhp"}'},
            id="labels",
        ),
        pytest.param({"specs": {"labels": {"None": "Empty"}}}, {"specs": ""}, id="labels of empty cells"),
        pytest.param({"name": {"header": "Column 7"}}, {"name": "nameless"}, id="column without a title"),
        pytest.param({"name": {"header": "Price (2)"}}, {"name": "second"}, id="second of a title"),
    ],
)  # fmt: skip
def test_rule_makes_the_columns_text(mapping, expected):
    header = ["reference", "Car", "From", "To", "Motor", "PS", "", "Price", "price", "Empty"]
    cells = [
        "r",
        " 1964  Aston Martin DB5 ",
        "1964",
        "1966",
        '4,0 l | "R6"',
        "286",
        "nameless",
        "first",
        "second",
        " ",
    ]

    assert picked(header, cells, mapping) == {"reference": "r"} | expected


def test_error_cell_of_a_joined_text_stays_an_error():
    mapping = {"name": {"join": ["a", "b"]}, "specs": {"labels": {"A": "a", "B": "b"}}}

    found = picked(["reference", "a", "b"], ["r", "x", "#REF!"], mapping)

    assert found == {"reference": "r", "name": "#REF!", "specs": "#REF!"}


def test_header_named_twice_waits_for_the_person():
    bound = bind(["reference", "price", "Price"], VEHICLE, {})

    assert [column.name for column in bound.columns] == ["reference"]
    assert (bound.unknown, bound.repeated) == (("price", "Price (2)"), ("price",))
    assert (
        bound.refusal(["reference", "price", "Price"], VEHICLE)
        == "The header names the column 'price' twice."
    )


def test_header_named_twice_is_settled_by_a_rule():
    header = ["reference", "price", "Price"]

    bound = bind(header, VEHICLE, {"price": {"header": "Price (2)"}})

    assert (bound.unknown, bound.repeated, bound.refusal(header, VEHICLE)) == ((), (), "")


def test_table_without_its_key_says_so():
    header = ["Lagernr.", "name"]

    bound = bind(header, VEHICLE, {})

    assert bound.missing == ("reference",)
    assert (
        bound.refusal(header, VEHICLE) == "The header has no 'reference' column; it has 'Lagernr.', 'name'."
    )


def test_ignored_headers_are_not_unknown_and_not_read():
    bound = bind(["reference", "name", "Notes", "Error"], VEHICLE, {"ignored": ["notes", "name"]})

    assert ([column.name for column in bound.columns], bound.unknown, bound.warnings) == (
        ["reference"],
        (),
        (),
    )


def test_rule_for_a_column_that_the_file_lacks_is_passed_over_with_a_sentence():
    bound = bind(
        ["reference"], VEHICLE, {"price": {"header": "Preis"}, "name": {"join": ["reference", "Titel"]}}
    )

    assert ([column.name for column in bound.columns], bound.absent) == (["reference"], ("Preis", "Titel"))
    assert bound.warnings == (
        "The mapping takes a column 'Preis', which the file does not have.",
        "The mapping takes a column 'Titel', which the file does not have.",
    )


def test_columns_left_out_are_staged_and_do_not_count():
    bound = bind(["reference", "name"], VEHICLE, {}).without(["name"])

    assert ([c.name for c in bound.staged], [c.name for c in bound.columns]) == (
        ["reference", "name"],
        ["reference"],
    )


def test_column_with_cells_and_without_a_title_is_named():
    header, rows = ["reference", "", " ", "", ""], [["A", "", "", "x"], ["B", " ", "y", "x", "z"]]

    found = untitled(header, rows, {"name": {"header": "Column 4"}, "ignored": ["Column 5"]})

    assert found == ["Column 3 has no title and was ignored."]


def test_titles_are_all_different():
    header = ["Price", " price ", "Price (2)", "", "", "a\nb"]

    assert titles(header) == ["Price", "price (2)", "Price (2) (2)", "Column 4", "Column 5", "a b"]


@pytest.mark.parametrize(
    ("cells", "count"),
    [
        pytest.param(["Stock No.", "Baujahr", "Preis", "x"], 3, id="languages"),
        pytest.param(["reference", "production years", "Fuel Type"], 3, id="ours and specs"),
        pytest.param(["Price", "price", "PRICE"], 1, id="the same"),
        pytest.param(["Autohaus Müller, Bestand", "", ""], 0, id="title row"),
        pytest.param(["12034", "1964", "Aston Martin DB5", "1.250.000,00 EUR"], 0, id="row"),
        pytest.param([], 0, id="nothing"),
    ],
)
def test_recognised_counts_the_titles_of_columns(cells, count):
    assert recognised(cells) == count


@pytest.mark.parametrize(
    "mapping",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"ignored": ["Preis", "no longer there"]}, id="ignored"),
        pytest.param(
            {
                "price": {"header": "Preis", "decimal": ",", "thousands": "", "values": {"VB": "on request", "-": ""}},
                "currency": {"header": "preis", "part": "currency", "otherwise": "EUR"},
                "published_at": {"header": "Preis", "date": "dmy"},
                "production_years": {"join": ["Preis", "Car"], "date": "ymd"},
                "genres": {"header": "Car", "separator": ","},
                "reference": {"header": "Car", "prefix": "EPA-"},
                "make": {"header": "Car", "part": "make"},
                "model": {"header": "Car", "part": "model"},
                "specs": {"labels": {"A": "Car", "B": {"header": "Preis", "decimal": ",", "factor": 2, "unit": "km"}}},
                "name": {"constant": "x"},
            },
            id="everything",
        ),
    ],
)  # fmt: skip
def test_check_accepts(mapping):
    assert check(mapping, ["Preis", "Car"], VEHICLE) == []


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        ([], "A mapping is a JSON object with a rule for each column."),
        (None, "A mapping is a JSON object with a rule for each column."),
        ({"pric": {"header": "Preis"}}, "pric: the table has no such column."),
        ({"price": "Preis"}, 'price: a rule is a JSON object, such as {"header": "Price"}.'),
        ({"price": {}}, "price: a rule needs exactly one of header, join, labels and constant."),
        ({"price": {"header": "a", "constant": "b"}}, "price: a rule needs exactly one of header, join, labels and constant."),
        ({"price": {"constant": "b", "decimal": ","}}, "price: beside 'constant' a rule can hold nothing else."),
        ({"price": {"header": ""}}, "price: 'header' must be a text of 1 to 500 characters."),
        ({"price": {"header": ["Preis"]}}, "price: 'header' must be a text of 1 to 500 characters."),
        ({"price": {"header": "Preis\x1f"}}, "price: 'header' holds a control character."),
        ({"price": {"header": "Pries"}}, "price: the file has no column 'Pries'."),
        ({"price": {"header": "Preis", "decimal": ";"}}, "price: 'decimal' must be one of ',', '.'."),
        ({"price": {"header": "Preis", "decimal": {}}}, "price: 'decimal' must be one of ',', '.'."),
        ({"price": {"header": "Preis", "decimal": ",", "thousands": ","}}, "price: 'thousands' and 'decimal' must differ."),
        ({"price": {"header": "Preis", "thousands": "."}}, "price: 'thousands' makes sense only beside 'decimal'."),
        ({"price": {"header": "Preis", "decimal": ",", "date": "dmy"}}, "price: 'date' and 'decimal' cannot be used together."),
        ({"name": {"header": "Preis", "decimal": ","}}, "name: 'decimal' is for the price, and inside labels."),
        ({"name": {"header": "Preis", "date": "dmy"}}, "name: 'date' is for columns of times and of years."),
        ({"published_at": {"header": "Preis", "date": "dym"}}, "published_at: 'date' must be one of 'dmy', 'mdy', 'ymd'."),
        ({"name": {"header": "Preis", "part": "make"}}, "name: 'part' is for columns of years, make, model and currency."),
        ({"make": {"header": "Preis", "part": "model"}}, "make: 'part' must be one of 'make'."),
        ({"make": {"header": "Preis", "part": "make", "otherwise": "EUR"}}, "make: 'otherwise' is for the currency."),
        ({"currency": {"header": "Preis", "part": "currency", "otherwise": "€"}}, "currency: 'otherwise' must be a code such as EUR."),
        ({"name": {"header": "Preis", "separator": ","}}, "name: 'separator' is for columns that hold lists."),
        ({"genres": {"header": "Preis", "separator": ""}}, "genres: 'separator' must be what stands between the values, such as ','."),
        ({"price": {"header": "Preis", "prefix": "x"}}, "price: 'prefix' is for columns of text."),
        ({"name": {"header": "Preis", "prefix": 3}}, "name: 'prefix' must be a text of 1 to 500 characters."),
        ({"name": {"header": "Preis", "values": ["x"]}}, "name: 'values' must be an object: what stands in the file, and what it becomes."),
        ({"name": {"header": "Preis", "values": {"x": None}}}, "name: 'values' must be a text of 0 to 500 characters."),
        ({"name": {"join": []}}, "name: 'join' must be a list of the file's columns."),
        ({"name": {"join": "Preis"}}, "name: 'join' must be a list of the file's columns."),
        ({"name": {"join": ["Preis", "Titel"]}}, "name: the file has no column 'Titel'."),
        ({"name": {"labels": {"A": "Preis"}}}, "name: 'labels' are for a column of labels and values, such as specs."),
        ({"specs": {"labels": {}}}, "specs: 'labels' must be an object of labels, each with the file's column that it takes."),
        ({"specs": {"labels": {"A": 3}}}, "specs: label 'A': it needs the file's column, as a text or as an object with 'header'."),
        ({"specs": {"labels": {"A": {"header": "Preis", "factor": "2"}}}}, "specs: label 'A': 'factor' must be a number above 0."),
        ({"specs": {"labels": {"A": {"header": "Preis", "factor": 10**400}}}}, "specs: label 'A': 'factor' must be a number above 0."),
        ({"specs": {"labels": {"A": {"header": "Preis", "factor": float("nan")}}}}, "specs: label 'A': 'factor' must be a number above 0."),
        ({"specs": {"labels": {"A": {"header": "Preis", "by": 2}}}}, "specs: label 'A': 'by' is not known; there are decimal, factor, header and unit."),
        ({"ignored": "Preis"}, "'ignored' must be a list of the file's columns."),
        ({"ignored": [1]}, "'ignored' must be a list of the file's columns."),
        ({"name": {"header": "Preis", "values": {"\0": "x"}}}, "A mapping holds at most 1,000,000 characters, and no NUL or half characters."),
        ({"name": {"header": "Preis", "values": {"\ud800": "x"}}}, "A mapping holds at most 1,000,000 characters, and no NUL or half characters."),
        ({"ignored": ["x" * 1_000_000]}, "A mapping holds at most 1,000,000 characters, and no NUL or half characters."),
    ],
)  # fmt: skip
def test_check_refuses_with_a_sentence(mapping, sentence):
    assert check(mapping, ["Preis", "Car"], VEHICLE) == [sentence]


def test_check_names_everything_that_is_wrong():
    mapping = {"pric": {}, "name": {"header": ""}, "make": {"header": "Car", "part": "year"}}

    assert [sentence.split(":")[0] for sentence in check(mapping, ["Car"], VEHICLE)] == [
        "pric",
        "name",
        "make",
    ]


@pytest.mark.parametrize(
    "value", [None, 0, 1.5, True, "", "x", [], [[]], {}, {"": {}}, {"header": None}, "\U0001f697" * 600]
)
@pytest.mark.parametrize(
    "place", ["header", "constant", "join", "labels", "values", "with", "part", "date", "decimal", "thousands", "separator",
              "prefix", "otherwise", "what", ""]
)  # fmt: skip
def test_check_takes_any_json(place, value):
    mapping = {name: {"header": "Car", place: value} for name in VEHICLE.by_name} | {
        place: value,
        "ignored": value,
    }

    assert all(
        isinstance(sentence, str) for sentence in check(json.loads(json.dumps(mapping)), ["Car"], VEHICLE)
    )


def test_bind_refuses_a_stored_mapping_that_is_none():
    with pytest.raises(ImportRefused) as refused:
        bind(["reference"], VEHICLE, {"name": {"header": 3}})

    assert str(refused.value) == (
        "The mapping of the columns cannot be used: name: 'header' must be a text of 1 to 500 characters."
    )


def test_mappings_in_the_documentation_can_be_used():
    text = (Path(__file__).resolve().parents[2] / "docs" / "importing.md").read_text(encoding="utf-8")
    examples = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]

    assert len(examples) == 3
    assert [check_rules(example, VEHICLE) for example in examples] == [[], [], []]
