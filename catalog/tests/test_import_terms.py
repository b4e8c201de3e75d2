"""Terms of the vocabularies from a file."""

import pytest

from catalog.models import Term
from catalog.tests.factories import TermFactory
from catalog.tests.imports import counts, faults, run, table

pytestmark = pytest.mark.django_db


def stored() -> list[tuple[str, str, str, list[str]]]:
    return list(Term.objects.order_by("id").values_list("vocabulary", "name", "slug", "aliases"))


def test_new_terms_land_with_slug_and_aliases(tmp_path):
    path = table(
        tmp_path / "t.csv",
        "vocabulary,name,slug,aliases",
        ["genre", "Sci-Fi", "", "Science Fiction | SF ; Science  Fiction"],
        ["Make", "Aston Martin", "aston", ""],
    )

    result = run(path, "term")

    assert (counts(result), faults(result)) == ((2, 0, 0, 0), [])
    assert stored() == [
        ("genre", "Sci-Fi", "sci-fi", ["Science Fiction", "SF", "Science  Fiction"]),
        ("make", "Aston Martin", "aston", []),
    ]


def test_term_is_known_by_vocabulary_and_name_whatever_the_letter_case(tmp_path):
    TermFactory.create(vocabulary="genre", name="Spy", slug="spy", aliases=["Espionage"])
    path = table(
        tmp_path / "t.csv",
        "vocabulary,name,aliases",
        ["genre", "SPY", "Espionage|Agents"],
        ["category", "Spy", ""],
    )

    first, second = run(path, "term"), run(path, "term")

    assert (counts(first), counts(second)) == ((1, 1, 0, 0), (0, 0, 2, 0))
    assert stored() == [("genre", "Spy", "spy", ["Espionage", "Agents"]), ("category", "Spy", "spy", [])]


def test_slug_that_the_vocabulary_has_gets_a_hash_behind_it(tmp_path):
    TermFactory.create(vocabulary="genre", name="Sci-Fi", slug="sci-fi")
    path = table(
        tmp_path / "t.csv", "vocabulary,name", ["genre", "Sci Fi"], ["genre", "Sci/Fi"], ["make", "Sci Fi"]
    )

    result = run(path, "term")

    slugs = list(Term.objects.order_by("id").values_list("slug", flat=True))
    assert counts(result) == (3, 0, 0, 0)
    assert slugs[0] == "sci-fi"
    assert [len(slug) for slug in slugs[1:]] == [17, 17, 6]
    assert len(set(slugs[:3])) == 3


CLASHES = [
    pytest.param(["genre", "Thriller", "Espionage"], ("aliases", "Espionage", "'Espionage' is already an alias of the term 'Spy'."), id="alias of another"),
    pytest.param(["genre", "Thriller", "SPY"], ("aliases", "SPY", "'SPY' is already the name of the term 'Spy'."), id="name of another"),
    pytest.param(["genre", "espionage", ""], ("name", "espionage", "'espionage' is already an alias of the term 'Spy'."), id="name that is an alias"),
    pytest.param(["genre", "Cop", "Police"], ("aliases", "Police", "'Police' is already an alias of the term 'Crime' (line 2)."), id="alias of an earlier line"),
    pytest.param(["genre", "Police", ""], ("name", "Police", "'Police' is already an alias of the term 'Crime' (line 2)."), id="name of an earlier line's alias"),
    pytest.param(["genre", "crime", ""], ("name", "crime", "Line 2 has the same name in this vocabulary."), id="the same term"),
    pytest.param(["genre", "", ""], ("name", "", "A term needs a name."), id="no name"),
    pytest.param(["", "Cop", ""], ("vocabulary", "", "The vocabulary must be genre, vehicle_type, category or make."), id="no vocabulary"),
    pytest.param(["genres", "Cop", ""], ("vocabulary", "genres", "The vocabulary must be genre, vehicle_type, category or make. Did you mean 'genre'?"), id="misspelled vocabulary"),
    pytest.param(["genre", "a|b", ""], ("name", "a|b", "A term cannot hold | or ;, which stand between the words of a cell."), id="separator"),
    pytest.param(["genre", "x" * 101, ""], ("name", "x" * 101, "Ensure this value has at most 100 characters (it has 101)."), id="long name"),
    pytest.param(["genre", "Cop", "y" * 101], ("aliases", "y" * 101, "An alias has at most 100 characters."), id="long alias"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "fault"), CLASHES)
def test_term_that_gets_in_the_way_of_another_is_rejected(tmp_path, row, fault):
    TermFactory.create(vocabulary="genre", name="Spy", slug="spy", aliases=["Espionage"])
    path = table(tmp_path / "t.csv", "vocabulary,name,aliases", ["genre", "Crime", "Police"], row)

    result = run(path, "term")

    assert counts(result) == (1, 0, 0, 1)
    assert faults(result) == [(3, *fault)]


def test_slug_of_another_term_is_rejected(tmp_path):
    TermFactory.create(vocabulary="genre", name="Spy", slug="spy")
    path = table(
        tmp_path / "t.csv", "vocabulary,name,slug",
        ["genre", "A", "spy"], ["make", "B", "spy"], ["genre", "C", "c"], ["genre", "D", "c"], ["genre", "E", "é"],
    )  # fmt: skip

    result = run(path, "term")

    assert counts(result) == (2, 0, 0, 3)
    assert faults(result) == [
        (2, "slug", "spy", "This vocabulary already has a term with that slug."),
        (5, "slug", "c", "Line 4 has the same slug in this vocabulary."),
        (6, "slug", "é", "A slug holds letters without accents, digits, hyphens and underscores only."),
    ]


def test_aliases_that_clash_in_the_catalogue_already_are_left_alone(tmp_path):
    TermFactory.create(vocabulary="genre", name="Spy", slug="spy", aliases=["Agents"])
    TermFactory.create(vocabulary="genre", name="Thriller", slug="thriller", aliases=["Agents"])
    rows = [["genre", "Spy", "Agents"], ["genre", "Thriller", "Agents"]]

    result = run(table(tmp_path / "t.csv", "vocabulary,name,aliases", *rows), "term")

    assert counts(result) == (0, 0, 2, 0)


def test_only_the_first_unknown_words_of_a_file_get_a_suggestion(tmp_path, monkeypatch):
    monkeypatch.setattr("catalog.imports.judgement.vocabularies.SUGGESTED", 2)
    TermFactory.create(vocabulary="genre", name="Western")
    rows = [[f"A-{number}", "Car", word] for number, word in enumerate(("Westerm", "Westren", "Vestern"))]

    result = run(table(tmp_path / "t.csv", "reference,name,genres", *rows), terms="refuse")

    assert [message for *_, message in faults(result)] == [
        "'Westerm' is not a known genre. Did you mean 'Western'?",
        "'Westren' is not a known genre. Did you mean 'Western'?",
        "'Vestern' is not a known genre.",
    ]


def test_row_that_the_policy_keeps_out_is_in_nobodys_way(tmp_path):
    TermFactory.create(vocabulary="genre", name="Spy", slug="spy")
    rows = [["genre", "Noir", "Agents"], ["genre", "Spy", "Agents"]]

    result = run(table(tmp_path / "t.csv", "vocabulary,name,aliases", *rows), "term", existing="update")

    assert (counts(result), result.left_out) == ((0, 1, 0, 0), 1)
    assert Term.objects.get().aliases == ["Agents"]
