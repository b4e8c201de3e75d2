"""What an item needs before it is published: each rule, and the rules together, in SQL."""

from typing import Any

import pytest

from catalog import readiness
from catalog.models import Item
from catalog.tests.factories import AppearanceFactory, MediaAssetFactory, VehicleFactory

pytestmark = pytest.mark.django_db


def missing(item: Item) -> list[str]:
    found: list[str] = Item.objects.values_list(readiness.missing(), flat=True).get(pk=item.pk)
    return found


def test_item_with_nothing_lacks_all_but_the_words_for_a_cover() -> None:
    car = VehicleFactory.create()

    assert missing(car) == ["cover", "price", "production", "description"]
    assert readiness.what_is_missing(car) == [
        "It needs a cover: a picture that is in the bucket and has been read.",
        'It needs a price, or "on request" ticked.',
        "It needs a film or series in which it appears, or the reason for none.",
        "It needs a description.",
    ]


def test_item_with_everything_is_ready() -> None:
    car = VehicleFactory.create(ready=True)

    assert missing(car) == []
    assert Item.objects.filter(readiness.is_ready()).get() == Item.objects.get(pk=car.pk)


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        ({"price": None}, ["price"]),
        ({"price": None, "price_on_request": True}, []),
        ({"description": " \n\t"}, ["description"]),
        ({"no_production_reason": "  "}, ["production"]),
    ],
    ids=str,
)
def test_rules_of_the_item_itself(change: dict[str, Any], lacks: list[str]) -> None:
    assert missing(VehicleFactory.create(ready=True, **change)) == lacks


def test_film_takes_the_place_of_the_reason() -> None:
    car = VehicleFactory.create(ready=True, no_production_reason="")
    AppearanceFactory.create(item=car)

    assert missing(car) == []


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        ({"alt_text": ""}, ["alt_text"]),
        ({"state": "missing"}, ["cover"]),
        ({"kind": "video"}, ["cover"]),
        ({"processing": "waiting"}, ["cover"]),
        ({"processing": "rendering"}, []),
        ({"processing": "refused", "refusal": "Not a picture."}, ["cover"]),
    ],
    ids=str,
)
def test_rules_of_the_cover(change: dict[str, Any], lacks: list[str]) -> None:
    car = VehicleFactory.create(ready=True)
    car.media.update(**change)

    assert missing(car) == lacks


def test_cover_is_the_first_picture_and_no_other() -> None:
    car = VehicleFactory.create(ready=True)
    car.media.update(position=2)
    MediaAssetFactory.create(item=car, position=1, rendered=True, alt_text="")

    assert missing(car) == ["alt_text"]


def test_every_rule_is_found_alone_and_all_together() -> None:
    bare, ready = VehicleFactory.create(), VehicleFactory.create(ready=True)

    found = {name: list(Item.objects.filter(readiness.lacks(name))) for name in readiness.BY_NAME}

    plain = Item.objects.get(pk=bare.pk)
    assert found == {name: [plain] if name != "alt_text" else [] for name in readiness.BY_NAME}
    assert [item.pk for item in Item.objects.filter(~readiness.is_ready())] == [bare.pk]
    assert [item.pk for item in Item.objects.filter(readiness.is_ready())] == [ready.pk]
