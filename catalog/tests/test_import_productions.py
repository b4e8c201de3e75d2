"""Productions: imported themselves, and named by items."""

import pytest

from catalog.models import Appearance, Production
from catalog.tests.factories import AppearanceFactory, ItemFactory, ProductionFactory
from catalog.tests.imports import counts, faults, run, table

pytestmark = pytest.mark.django_db


def test_production_is_changed_by_its_slug_alone(tmp_path):
    ProductionFactory.create(title="Goldfinger", slug="goldfinger")

    result = run(table(tmp_path / "t.csv", "slug,franchise", ["goldfinger", "Bond"]), "production")

    assert counts(result) == (0, 1, 0, 0)
    assert Production.objects.values_list("title", "franchise").get() == ("Goldfinger", "Bond")


def test_production_of_an_ambiguous_title_is_refused(tmp_path):
    ProductionFactory.create(title="The Italian Job", slug="the-italian-job-1969", years=[1969])
    ProductionFactory.create(title="The Italian Job", slug="the-italian-job-2003", years=[2003])
    path = table(tmp_path / "t.csv", "title,franchise", ["The Italian Job", "Heist"])

    result = run(path, "production")

    assert faults(result) == [
        (
            2,
            "title",
            "The Italian Job",
            "Several productions have this title; name the year, or the slug, of the one that is meant.",
        )
    ]
    assert not Production.objects.exclude(franchise="").exists()


def test_production_of_several_in_a_year_is_the_one_whose_slug_fits(tmp_path):
    ProductionFactory.create(title="Batman", slug="batman-1966", years=[1966])
    ProductionFactory.create(title="Batman", slug="batman-series", years=[1966, 1967, 1968])
    path = table(tmp_path / "t.csv", "title,years,franchise", ["Batman", "1966", "Batman"])

    first, second = run(path, "production"), run(path, "production")

    assert (counts(first), counts(second)) == ((0, 1, 0, 0), (0, 0, 1, 0))
    assert Production.objects.get(franchise="Batman").slug == "batman-1966"


def test_appearances_in_productions_without_a_year_are_named_by_their_slug(tmp_path):
    item = ItemFactory.create(reference="A-1")
    undated = ProductionFactory.create(title="Undated", slug="undated", years=[])
    AppearanceFactory.create(item=item, production=undated)
    AppearanceFactory.create(item=item, production=ProductionFactory.create(title="Dated", years=[1999]))
    same = table(tmp_path / "same.csv", "reference,appearances", ["A-1", "Dated (1999) | Undated [undated]"])
    fewer = table(tmp_path / "fewer.csv", "reference,appearances", ["A-1", "[undated]: hero"])

    results = [counts(run(path)) for path in (same, fewer)]

    assert results == [(0, 0, 1, 0), (0, 1, 0, 0)]
    assert list(Appearance.objects.values_list("production__title", flat=True)) == ["Undated"]


def test_production_whose_slug_belongs_to_another_title_is_refused(tmp_path):
    ProductionFactory.create(title="Dune: Part One", slug="dune-2021", years=[2021])

    result = run(table(tmp_path / "t.csv", "title,years", ["Dune", "2021"]), "production")

    sentence = "The slug 'dune-2021' belongs to the production 'Dune: Part One', not to 'Dune'."
    assert faults(result) == [(2, "title", "Dune", sentence)]
    assert Production.objects.get().title == "Dune: Part One"


def test_production_of_this_title_is_found_where_another_has_the_slug_that_it_makes(tmp_path):
    ProductionFactory.create(title="Ronin!", slug="ronin-special", years=[1998])
    ProductionFactory.create(title="Ronin", slug="ronin-1998", years=[1998])

    result = run(
        table(tmp_path / "t.csv", "title,years,franchise", ["Ronin!", "1998", "Found"]), "production"
    )

    assert faults(result) == []
    assert dict(Production.objects.values_list("slug", "franchise")) == {
        "ronin-special": "Found",
        "ronin-1998": "",
    }


def test_row_without_a_title_is_no_film_that_is_called_like_its_year(tmp_path):
    ProductionFactory.create(title="1917", slug="1917", years=[])

    result = run(table(tmp_path / "t.csv", "title,years,franchise", ["", "1917", "War"]), "production")

    assert [fault[-1] for fault in faults(result)] == ["A production needs a title."]
    assert Production.objects.get().franchise == ""
