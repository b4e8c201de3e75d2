"""Every rule of every table that imports fill has a row here that breaks it, and none of these rows is stored."""

import pytest
from django.db.models import UniqueConstraint

from catalog.imports.columns import TARGETS, Reading
from catalog.imports.judgement.rules import rules_of
from catalog.models import RESERVED, Appearance, Item, MediaAsset, Production, Term
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
)
from catalog.tests.imports import run, table

pytestmark = pytest.mark.django_db

ROLES = "hero, stunt, camera, background, promotional, replica, other"
YEARS = "{} must be years such as 1964, or ranges such as 1964-1966, with | or ; between them."
SEVERAL = "Ensure this value has at most {} characters (it has {})."
# What breaks each rule: target, columns, cells, the column that is blamed, and the sentence.
BROKEN = {
    "catalog_item_reference_unique": ("vehicle", "reference,name", ["N-1", "Car"], "reference", "Line 2 has the same reference."),
    "catalog_item_reference_given": ("vehicle", "reference,name", ["", "Car"], "reference", "The reference is missing; it tells which item the row is."),
    "catalog_item_name_given": ("vehicle", "reference,name", ["N-2", ""], "name", "An item needs a name."),
    "catalog_item_slug_given": ("vehicle", "reference,name,slug", ["N-2", "Car", "é"], "slug", "A slug holds letters without accents, digits, hyphens and underscores only."),
    "catalog_item_slug_free": ("vehicle", "reference,name,slug", ["N-2", "Car", "bulk"], "slug", RESERVED),
    "slug of another item": ("vehicle", "reference,name,slug", ["N-2", "Car", "taken"], "slug", "Item with this Slug already exists."),
    "catalog_item_kind_known": ("vehicle", "reference,name,kind", ["N-2", "Car", "vehical"], "kind", "The kind must be vehicle, memorabilia or tool. Did you mean 'vehicle'?"),
    "kind of what exists": ("vehicle", "reference,name,kind", ["A-1", "Car", "tool"], "reference", "This reference belongs to an item of the kind vehicle, and an import does not change the kind."),
    "catalog_item_status_known": ("vehicle", "reference,name,status", ["N-2", "Car", "publish"], "status", "The status must be draft, published or archived. Did you mean 'published'?"),
    "catalog_item_availability_known": ("vehicle", "reference,name,availability", ["N-2", "Car", "soled"], "availability", "The availability must be available, reserved, sold or not_for_sale. Did you mean 'sold'?"),
    "catalog_item_condition_known": ("vehicle", "reference,name,condition", ["N-2", "Car", "exelent"], "condition", "The condition is not one of those offered. Use concours, excellent, very_good, good, fair, project. Did you mean 'excellent'?"),
    "catalog_item_authenticity_known": ("vehicle", "reference,name,authenticity", ["N-2", "Car", "zzz"], "authenticity", "The authenticity is not one of those offered. Use screen_used, stunt, production_made, promotional, replica, same_model."),
    "catalog_item_types_of_vehicles_only": ("tool", "reference,name,vehicle_types", ["N-2", "Jack", "Car"], "vehicle_types", "Only a vehicle has vehicle types."),
    "catalog_item_chassis_of_vehicles_only": ("tool", "reference,name,chassis_number", ["N-2", "Jack", "1"], "chassis_number", "Only a vehicle has a chassis number."),
    "catalog_item_categories_of_others_only": ("vehicle", "reference,name,categories", ["N-2", "Car", "Prop"], "categories", "A vehicle has vehicle types, not categories."),
    "catalog_item_price_not_negative": ("vehicle", "reference,name,price", ["N-2", "Car", "-5"], "price", "A price cannot be negative."),
    "digits of a price": ("vehicle", "reference,name,price", ["N-2", "Car", "1234567890123"], "price", "A price has at most 12 digits before the point."),
    "catalog_item_currency_code": ("vehicle", "reference,name,currency", ["N-2", "Car", "usd"], "currency", "The currency must be a code of three capital letters, such as USD."),
    "catalog_item_years_plausible": ("vehicle", "reference,name,production_years", ["N-2", "Car", "1700"], "production_years", "Production years must lie between 1880 and 2100."),
    "catalog_item_no_blank_values": ("vehicle", "reference,name,genres", ["N-2", "Car", '[""]'], "genres", "A list in brackets holds words in quotation marks, none of them empty."),
    "catalog_item_specs_object": ("vehicle", "reference,name,specs", ["N-2", "Car", "[1]"], "specs", "Specs must be labels and values."),
    "catalog_item_published_has_time": ("vehicle", "reference,name,status,published_at", ["N-2", "Car", "published", "2026-13-01"], "published_at", "A time must be written as 2026-01-31 or 2026-01-31T18:30:00Z."),
    "length of a make": ("vehicle", "reference,name,make", ["N-2", "Car", "x" * 101], "make", SEVERAL.format(100, 101)),
    "catalog_production_title_given": ("production", "slug,title", ["n-2", ""], "title", "A production needs a title."),
    "catalog_production_slug_free": ("production", "slug,title", ["bulk", "New"], "slug", RESERVED),
    "catalog_production_kind_known": ("production", "slug,title,kind", ["n-2", "New", "movie"], "kind", "A production is a film or a series."),
    "catalog_production_years_plausible": ("production", "slug,title,years", ["n-2", "New", "1700"], "years", "Years must lie between 1880 and 2100."),
    "catalog_production_external_ids_object": ("production", "slug,title,external_ids", ["n-2", "New", "[1]"], "external_ids", "External ids must be an object of names and values."),
    "years of a production": ("production", "slug,title,years", ["n-2", "New", "[1999, null]"], "years", YEARS.format("years")),
    "catalog_appearance_once": ("appearance", "reference,production", ["A-1", "film"], "reference", "Line 2 has the same item, production and role."),
    "catalog_appearance_role_known": ("appearance", "reference,production,role", ["A-1", "film", "stund"], "role", f"The role is not one of those offered. Use {ROLES}. Did you mean 'stunt'?"),
    "catalog_term_name_unique": ("term", "vocabulary,name", ["genre", "NEW"], "name", "Line 2 has the same name in this vocabulary."),
    "catalog_term_slug_unique": ("term", "vocabulary,name,slug", ["genre", "Other", "spy"], "slug", "This vocabulary already has a term with that slug."),
    "catalog_term_name_given": ("term", "vocabulary,name", ["genre", ""], "name", "A term needs a name."),
    "catalog_term_name_separable": ("term", "vocabulary,name", ["genre", "a;b"], "name", "A term cannot hold | or ;, which stand between the words of a cell."),
    "catalog_term_vocabulary_known": ("term", "vocabulary,name", ["genus", "Other"], "vocabulary", "The vocabulary must be genre, vehicle_type, category or make. Did you mean 'genre'?"),
    "catalog_mediaasset_key_given": ("image", "key,caption", ["", "x"], "key", "The key is missing; it tells which file the row is."),
    "catalog_mediaasset_focal_point_inside": ("image", "key,focal_x", ["1.jpg", "1.01"], "focal_x", "The focal point must lie inside the picture."),
}  # fmt: skip
FIRST = {"vehicle": {"reference": "N-1", "name": "First"}, "tool": {"reference": "N-1", "name": "First"}, "production": {"slug": "n-1", "title": "First"}, "appearance": {"reference": "A-1", "production": "film"}, "term": {"vocabulary": "genre", "name": "New"}, "image": {"key": "2.jpg"}}  # fmt: skip
MODELS = (Item, Production, Appearance, Term, MediaAsset)


def rows() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in MODELS}


@pytest.fixture
def there():
    item = ItemFactory.create(reference="A-1")
    ItemFactory.create(reference="A-2", slug="taken")
    AppearanceFactory.create(item=item, production=ProductionFactory.create(slug="film"), role="other")
    TermFactory.create(vocabulary="genre", name="Spy", slug="spy")
    MediaAssetFactory.create(key="1.jpg")
    MediaAssetFactory.create(key="2.jpg")


@pytest.mark.parametrize("rule", BROKEN)
def test_row_that_breaks_a_rule_is_rejected_with_its_sentence_and_not_stored(tmp_path, there, rule):
    target, header, cells, column, sentence = BROKEN[rule]
    good = [FIRST[target].get(name, "") for name in header.split(",")]
    before = rows()

    result = run(table(tmp_path / "t.csv", header, good, cells), target)

    assert [(issue.line, issue.column, issue.message) for issue in result.issues] == [(3, column, sentence)]
    assert (result.rows, result.rejected) == (2, 1)
    assert sum(rows().values()) - sum(before.values()) == result.created <= 1
    assert not MediaAsset.objects.exclude(caption="", focal_x=0.5).exists()


@pytest.mark.parametrize("target", TARGETS.values(), ids=str)
def test_every_constraint_that_an_import_can_break_has_a_row_that_breaks_it(target):
    checks = {rule.name for rule in rules_of(target.model) if set(rule.columns) <= target.by_name.keys()}
    unique = {rule.name for rule in target.model._meta.constraints if isinstance(rule, UniqueConstraint)}

    assert sorted((checks | unique) - BROKEN.keys()) == []


@pytest.mark.parametrize("target", TARGETS.values(), ids=str)
def test_constraint_that_no_import_is_judged_by_is_about_columns_that_none_writes(target):
    written = {column.stored for column in target.columns}
    others = [rule for rule in rules_of(target.model) if not set(rule.columns) <= target.by_name.keys()]

    assert [rule.name for rule in others if set(rule.columns) & written] == []


@pytest.mark.parametrize("target", TARGETS.values(), ids=str)
def test_every_column_is_stored_in_a_field_or_is_known_to_have_none(target):
    fields = {field.name for field in target.model._meta.get_fields()}

    none = {column.name for column in target.columns if not column.stored}
    assert {column.stored for column in target.columns if column.stored} <= fields
    assert none <= {"appearances", "title", "year"}
    assert all(isinstance(column.reading, Reading) for column in target.columns)
