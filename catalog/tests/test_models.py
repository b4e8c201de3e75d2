"""Every rule of the tables, broken once on purpose; the sentence is the one that people see."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from catalog.models import Appearance, Item, MediaAsset, Production, Term, Tool, Vehicle
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    MediaAssetFactory,
    MemorabiliaFactory,
    ProductionFactory,
    TermFactory,
    ToolFactory,
    VehicleFactory,
)

pytestmark = pytest.mark.django_db

BROKEN_RULES = [
    pytest.param(ItemFactory, "item_reference_given", {"reference": "  "}, id="reference blank"),
    pytest.param(ItemFactory, "item_name_given", {"name": ""}, id="name blank"),
    pytest.param(ItemFactory, "item_slug_given", {"slug": ""}, id="slug blank"),
    pytest.param(ItemFactory, "item_kind_known", {"kind": "boat"}, id="kind unknown"),
    pytest.param(ItemFactory, "item_status_known", {"status": "hidden"}, id="status unknown"),
    pytest.param(ItemFactory, "item_availability_known", {"availability": "gone"}, id="availability unknown"),
    pytest.param(ItemFactory, "item_condition_known", {"condition": "shiny"}, id="condition unknown"),
    pytest.param(ItemFactory, "item_authenticity_known", {"authenticity": "real"}, id="authenticity unknown"),
    pytest.param(
        ToolFactory, "item_types_of_vehicles_only", {"vehicle_types": ["Car"]}, id="tool with a type"
    ),
    pytest.param(
        MemorabiliaFactory, "item_chassis_of_vehicles_only", {"chassis_number": "1"}, id="poster with chassis"
    ),
    pytest.param(
        VehicleFactory, "item_categories_of_others_only", {"categories": ["Poster"]}, id="vehicle in category"
    ),
    pytest.param(ItemFactory, "item_price_not_negative", {"price": -1}, id="price negative"),
    pytest.param(ItemFactory, "item_currency_code", {"currency": "usd"}, id="currency in small letters"),
    pytest.param(
        ItemFactory, "item_years_plausible", {"production_years": [1964, 1879]}, id="year too early"
    ),
    pytest.param(ItemFactory, "item_years_plausible", {"production_years": [2101]}, id="year too late"),
    pytest.param(ItemFactory, "item_no_blank_values", {"genres": ["Action", ""]}, id="blank genre"),
    pytest.param(ItemFactory, "item_no_blank_values", {"production_years": [None]}, id="null year"),
    pytest.param(ItemFactory, "item_specs_object", {"specs": ["V8"]}, id="specs a list"),
    pytest.param(
        ItemFactory, "item_published_has_time", {"status": "published"}, id="published without a time"
    ),
    pytest.param(ProductionFactory, "production_title_given", {"title": " "}, id="title blank"),
    pytest.param(ProductionFactory, "production_kind_known", {"kind": "play"}, id="production kind unknown"),
    pytest.param(
        ProductionFactory, "production_years_plausible", {"years": [12]}, id="production year too early"
    ),
    pytest.param(
        ProductionFactory, "production_external_ids_object", {"external_ids": []}, id="external ids a list"
    ),
    pytest.param(TermFactory, "term_name_given", {"name": ""}, id="term without a name"),
    pytest.param(TermFactory, "term_name_separable", {"name": "Cars | vans"}, id="term with a separator"),
    pytest.param(TermFactory, "term_vocabulary_known", {"vocabulary": "mood"}, id="vocabulary unknown"),
    pytest.param(AppearanceFactory, "appearance_role_known", {"role": "villain"}, id="role unknown"),
    pytest.param(ItemFactory, "item_slug_free", {"slug": "bulk"}, id="slug of an address"),
    pytest.param(
        ProductionFactory, "production_slug_free", {"slug": "bulk"}, id="slug of an address of films"
    ),
    pytest.param(MediaAssetFactory, "mediaasset_key_given", {"key": ""}, id="key empty"),
    pytest.param(MediaAssetFactory, "mediaasset_kind_known", {"kind": "sound"}, id="media kind unknown"),
    pytest.param(MediaAssetFactory, "mediaasset_state_known", {"state": "lost"}, id="media state unknown"),
    pytest.param(
        MediaAssetFactory, "mediaasset_focal_point_inside", {"focal_x": 1.1}, id="focal point outside"
    ),
    pytest.param(MediaAssetFactory, "mediaasset_size_not_negative", {"size": -1}, id="size negative"),
    pytest.param(
        MediaAssetFactory, "mediaasset_processing_known", {"processing": "half"}, id="processing unknown"
    ),
    pytest.param(
        MediaAssetFactory,
        "mediaasset_refusal_told",
        {"processing": "refused"},
        id="refusal without a sentence",
    ),
    pytest.param(
        MediaAssetFactory, "mediaasset_colour_is_hex", {"colour": "red"}, id="colour without digits"
    ),
]


@pytest.mark.parametrize(("factory", "constraint", "values"), BROKEN_RULES)
def test_rule_is_held_by_the_database(factory: Any, constraint: str, values: dict[str, Any]):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        factory.create(**values)

    assert f'"catalog_{constraint}"' in str(refusal.value)


def test_every_check_constraint_is_broken_above_and_has_a_sentence():
    checks = {
        constraint.name: str(constraint.violation_error_message)
        for model in (Item, Production, Appearance, Term, MediaAsset)
        for constraint in model._meta.constraints
        if isinstance(constraint, models.CheckConstraint)
    }

    assert {f"catalog_{parameters.values[1]}" for parameters in BROKEN_RULES} == set(checks)
    assert all(sentence.endswith(".") and "Constraint" not in sentence for sentence in checks.values())


@pytest.mark.parametrize("reference", ["b-0042", " B-0042 ", "\uff22-0042"])
def test_reference_is_unique_whatever_its_case_and_form(reference: str):
    ItemFactory.create(reference="B-0042")
    twin = Vehicle(reference=reference, name="Twin")

    with pytest.raises(ValidationError) as refusal:
        twin.full_clean()

    assert refusal.value.message_dict == {"__all__": ["Another item has this reference."]}


def test_slug_is_made_of_name_and_reference():
    item = Vehicle(reference="A/1", name="Citroën DS 21")

    item.full_clean()

    assert item.slug == "citroen-ds-21-a-1"


def test_slug_of_letters_outside_latin_is_a_hash():
    item = Vehicle(reference="日", name="日本")

    item.full_clean()

    assert item.slug == "item-3edddd85ac"


def test_slug_that_another_item_had_is_not_given_again():
    earlier = ItemFactory.create(slug="db5-b-1")
    earlier.slug = "elsewhere"
    earlier.save()
    later = Vehicle(reference="B 1", name="DB5")

    later.full_clean()

    assert later.slug == "db5-b-1-dd7fb8d537"


def test_old_slug_is_kept_when_a_bulk_statement_changes_it():
    item = ItemFactory.create(slug="before")

    Item.objects.update(slug="after")

    assert list(item.old_slugs.values_list("slug", flat=True)) == ["before"]


def test_proxies_hold_their_kind():
    tool = Tool.objects.create(reference="T-1", name="Crane", slug="crane")
    VehicleFactory.create()

    assert list(Tool.objects.all()) == [tool]
    assert Item.objects.get(pk=tool.pk).kind == "tool"


def test_search_finds_words_without_accents():
    item = ItemFactory.create(name="Citroën", genres=["Sci-Fi"])

    found = Item.objects.filter(search__words="citroen")

    assert list(found) == [item]
