"""One rule, several doors: the sentence of a broken rule is the same from a form and from a file."""

import pytest
from django.core.exceptions import ValidationError
from django.db.models import CheckConstraint

from catalog.imports.judgement.rules import rules_of
from catalog.models import Appearance, Item, MediaAsset, Production, Term
from catalog.tests.factories import ItemFactory
from catalog.tests.imports import run, table

pytestmark = pytest.mark.django_db

BROKEN = [
    pytest.param("vehicle", {"price": -5}, "-5", "A price cannot be negative.", id="price"),
    pytest.param("vehicle", {"production_years": [1700]}, "1700", "Production years must lie between 1880 and 2100.", id="years"),
    pytest.param("vehicle", {"currency": "usd"}, "usd", "The currency must be a code of three capital letters, such as USD.", id="currency"),
    pytest.param("vehicle", {"specs": [1]}, "[1]", "Specs must be labels and values.", id="specs"),
    pytest.param("vehicle", {"categories": ["Prop"]}, "Prop", "A vehicle has vehicle types, not categories.", id="categories"),
    pytest.param("tool", {"vehicle_types": ["Car"]}, "Car", "Only a vehicle has vehicle types.", id="vehicle-types"),
    pytest.param("tool", {"chassis_number": "1"}, "1", "Only a vehicle has a chassis number.", id="chassis-number"),
    pytest.param("vehicle", {"make": "x" * 101}, "x" * 101, "Ensure this value has at most 100 characters (it has 101).", id="length"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "broken", "cell", "sentence"), BROKEN)
def test_rule_says_the_same_in_a_form_and_in_a_file(tmp_path, kind, broken, cell, sentence):
    column = next(iter(broken))
    path = table(tmp_path / "t.csv", f"reference,name,{column}", ["A-1", "Car", cell])

    with pytest.raises(ValidationError) as error:
        ItemFactory.build(kind=kind, **broken).full_clean()
    result = run(path, kind)

    assert error.value.messages == [sentence]
    assert [(issue.column, issue.message) for issue in result.issues] == [(column, sentence)]


@pytest.mark.parametrize("model", [Item, Production, Appearance, Term, MediaAsset])
def test_every_check_constraint_has_a_sentence_of_its_own(model):
    rules = rules_of(model)

    checks = [rule for rule in model._meta.constraints if isinstance(rule, CheckConstraint)]
    assert [rule.name for rule in rules] == [constraint.name for constraint in checks]
    assert len({rule.message for rule in rules}) == len(rules)
    assert not [rule for rule in rules if "Constraint" in rule.message]


def test_rule_names_the_columns_that_it_looks_at():
    rule = next(rule for rule in rules_of(Item) if rule.name == "catalog_item_types_of_vehicles_only")

    assert rule.columns == ("kind", "vehicle_types")
