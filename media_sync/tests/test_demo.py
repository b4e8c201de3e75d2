"""The demo catalogue: its facts hold together, and it loads through the import and the sync."""

import io
import json
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from PIL import Image

from catalog import models
from catalog.tests.factories import ItemFactory, MediaAssetFactory, TermFactory
from marketplace.commands import CannotRun
from media_sync import storage
from media_sync.demo import loading
from media_sync.demo.silhouettes import BIPLANE, BY_WORD, HELICOPTER, JET, silhouette_for

APPEARANCE = re.compile(r"(?P<title>.+) \((?P<year>\d{4})\): (?P<role>\w+)")
LONGEST_PICTURE = 60_000  # bytes
FIRST_FILM, LAST_FILM = 1900, 2026


def years(cell: str) -> list[int]:
    """Read `1963-1965|1969`."""
    spans = [part.split("-") for part in cell.split("|") if part]
    return [year for span in spans for year in range(int(span[0]), int(span[-1]) + 1)]


def words(*cells: str) -> set[str]:
    return {word for cell in cells for word in cell.split("|") if word}


def appearances(row: dict[str, str]) -> list[re.Match[str]]:
    found = [APPEARANCE.fullmatch(text) for text in row["appearances"].split("|") if text]
    assert all(found), row
    return [match for match in found if match]


ITEMS = loading.rows("items.csv")
PRODUCTIONS = {f"{row['title']} ({years(row['years'])[0]})": row for row in loading.rows("productions.csv")}


@pytest.fixture
def loaded(db, bucket, capsys) -> Any:
    """What the command says of a load into an empty catalogue and an empty bucket."""
    call_command("load_demo", "--json")
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def small_demo(db, bucket, monkeypatch, tmp_path: Path) -> Path:
    """A folder with the demo's spreadsheets of which the items have five rows only, in place of the whole."""
    for name, lines in (("terms.csv", None), ("productions.csv", None), ("items.csv", 6)):
        text = (loading.HERE / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text("".join(text.splitlines(keepends=True)[:lines]), encoding="utf-8")
    monkeypatch.setattr(loading, "HERE", tmp_path)
    return tmp_path


def catalogue_state() -> tuple[list[Any], list[int]]:
    """Every row that a load could write, and the number of history's rows."""
    tables = (models.Item, models.Production, models.Appearance, models.Term, models.MediaAsset)
    events = [apps.get_model("catalog", f"{table.__name__}Event") for table in tables]
    return (
        [list(table._default_manager.order_by("pk").values()) for table in tables],
        [event._default_manager.count() for event in events],
    )


# The spreadsheets


def test_demo_is_large_enough():
    assert len(ITEMS) >= 60
    assert len(PRODUCTIONS) >= 40
    assert {row["kind"] for row in ITEMS} == set(models.Kind.values)


def test_references_are_unique_and_carry_the_prefix():
    references = [row["reference"] for row in ITEMS]

    assert len(set(references)) == len(references)
    assert all(reference.startswith(loading.REFERENCES) for reference in references)


def test_names_are_unique():
    names = [row["name"] for row in ITEMS]

    assert len(set(names)) == len(names)


def test_years_are_plausible():
    built = [year for row in ITEMS for year in years(row["production_years"])]
    shown = [year for row in PRODUCTIONS.values() for year in years(row["years"])]

    assert models.FIRST_YEAR <= min(built) <= max(built) <= LAST_FILM
    assert FIRST_FILM <= min(shown) <= max(shown) <= LAST_FILM


def test_appearances_name_productions_of_the_demo():
    named = {f"{match['title']} ({match['year']})" for row in ITEMS for match in appearances(row)}
    roles = {match["role"] for row in ITEMS for match in appearances(row)}

    assert named == set(PRODUCTIONS)
    assert roles <= set(models.Role.values)


def test_models_existed_when_the_production_was_made():
    """A maker may lend a car a year before it is on sale."""
    too_new = [
        (row["reference"], match["title"])
        for row in ITEMS
        if row["authenticity"] == models.Authenticity.SAME_MODEL and row["production_years"]
        for match in appearances(row)
        if min(years(row["production_years"]))
        > max(years(PRODUCTIONS[f"{match['title']} ({match['year']})"]["years"])) + 1
    ]

    assert too_new == []


def test_items_share_the_genres_of_their_productions():
    strangers = [
        row["reference"]
        for row in ITEMS
        if words(row["genres"])
        != words(
            *(PRODUCTIONS[f"{match['title']} ({match['year']})"]["genres"] for match in appearances(row))
        )
    ]

    assert strangers == []


def test_every_word_is_a_term():
    terms = {(row["vocabulary"], row["name"]) for row in loading.rows("terms.csv")}
    used = {("genre", word) for row in [*ITEMS, *PRODUCTIONS.values()] for word in words(row["genres"])}
    used |= {("vehicle_type", word) for row in ITEMS for word in words(row["vehicle_types"])}
    used |= {("category", word) for row in ITEMS for word in words(row["categories"])}
    used |= {("make", row["make"]) for row in ITEMS if row["make"]}

    assert terms == used


def test_every_item_says_that_it_is_an_example():
    sayings = {
        True: "Example listing; price is illustrative.",
        False: "Example listing; price on request.",
    }

    assert [
        row["reference"] for row in ITEMS if not row["provenance"].endswith(sayings[bool(row["price"])])
    ] == []


def test_times_of_publication_are_fixed():
    dated = {row["status"] for row in ITEMS if row["published_at"]}
    undated = {row["status"] for row in ITEMS if not row["published_at"]}
    zones = {datetime.fromisoformat(row["published_at"]).tzinfo for row in ITEMS if row["published_at"]}

    assert (dated, undated) == ({"published", "archived"}, {"draft"})
    assert None not in zones


def test_imdb_ids_are_well_formed_and_unique():
    ids = [json.loads(row["external_ids"])["imdb"] for row in PRODUCTIONS.values() if row["external_ids"]]

    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"tt\d{7,8}", one) for one in ids)


# The pictures


def test_pictures_are_small_jpegs_of_one_size():
    drawn = [one.draw() for one in list(loading.pictures())[::20]]

    assert max(map(len, drawn)) < LONGEST_PICTURE
    assert {(Image.open(io.BytesIO(data)).format, Image.open(io.BytesIO(data)).size) for data in drawn} == {
        ("JPEG", (900, 600))
    }


def test_picture_is_the_same_every_time():
    one = next(loading.pictures())

    assert one.draw() == one.draw()


def test_pictures_of_one_item_differ():
    drawn = [one.draw() for one in loading.pictures() if one.reference == "DEMO-V-003"]

    assert len(drawn) == len(set(drawn)) == 3


def test_picture_keys_are_unique_and_under_the_prefixes():
    keys = [one.key for one in loading.pictures()]

    assert len(set(keys)) == len(keys)
    assert all(key.startswith(loading.PREFIXES) for key in keys)


@pytest.mark.parametrize(
    ("words", "name", "shapes"),
    [
        pytest.param(["Helicopter", "Military vehicle"], "Bell UH-1H", HELICOPTER, id="type"),
        pytest.param(["Aircraft"], "Boeing-Stearman PT-17", BIPLANE, id="biplane"),
        pytest.param(["Aircraft", "Military vehicle"], "Northrop F-5E", JET, id="jet"),
        pytest.param(["Unheard of"], "Thing", BY_WORD[""], id="unknown"),
    ],
)
def test_silhouette(words, name, shapes):
    assert silhouette_for(words, name) is shapes


# Loading


def test_load_demo_brings_everything_in(loaded):
    items = models.Item.objects.filter(reference__startswith=loading.REFERENCES)
    published = {row["reference"] for row in ITEMS if row["status"] == "published"}
    scheduled = {row["reference"] for row in ITEMS if row["published_at"] >= "2099"}
    assets = models.MediaAsset.objects.present().images()

    assert (loaded["items"]["created"], loaded["items"]["rejected"]) == (len(ITEMS), 0)
    assert (loaded["productions"]["created"], loaded["productions"]["rejected"]) == (len(PRODUCTIONS), 0)
    assert loaded["items"]["warnings"] == loaded["productions"]["warnings"] == []
    assert models.Production.objects.count() == len(PRODUCTIONS)
    assert models.Term.objects.count() == loaded["terms"] == len(loading.rows("terms.csv"))
    assert models.Appearance.objects.count() == sum(len(appearances(row)) for row in ITEMS)
    assert set(items.published().values_list("reference", flat=True)) == published - scheduled
    assert set(assets.values_list("item__reference", flat=True)) == {row["reference"] for row in ITEMS}
    assert assets.count() == loaded["uploaded"] == loaded["pictures"]
    assert all(
        text == f"{name}, placeholder picture" for name, text in assets.values_list("item__name", "alt_text")
    )


def test_load_demo_again_writes_nothing(loaded, capsys):
    before = catalogue_state()

    call_command("load_demo", "--json")

    again = json.loads(capsys.readouterr().out)
    assert catalogue_state() == before
    assert (again["terms"], again["uploaded"]) == (0, 0)
    assert again["items"]["unchanged"] == len(ITEMS)


def test_load_demo_leaves_others_alone(small_demo):
    mine = ItemFactory.create(reference="DB5-1", name="Aston Martin DB5", genres=["Spy"])
    # Its object is gone from the bucket; that is for a sync of the whole bucket to find out.
    gone = MediaAssetFactory.create(key="vehicles/DB5-1/1.jpg", item=mine)
    before = (
        list(models.Item.objects.values()),
        list(models.MediaAsset.objects.values()),
    )

    call_command("load_demo")

    after = (
        list(models.Item.objects.filter(pk=mine.pk).values()),
        list(models.MediaAsset.objects.filter(pk=gone.pk).values()),
    )
    assert after == before


def test_load_demo_keeps_to_a_term_that_is_known_by_another_name(small_demo):
    term = TermFactory.create(vocabulary="genre", name="Science Fiction", slug="science", aliases=["Sci-Fi"])

    call_command("load_demo")

    genres = models.Item.objects.get(reference="DEMO-V-002").genres
    assert genres == ["Adventure", "Comedy", term.name]
    assert not models.Term.objects.filter(name="Sci-Fi").exists()


def test_load_demo_puts_back_what_was_changed(small_demo):
    call_command("load_demo")
    models.Item.objects.filter(reference="DEMO-V-001").update(name="Nobody's car", price=1)

    call_command("load_demo")

    item = models.Item.objects.get(reference="DEMO-V-001")
    assert (item.name, item.price) == ("Aston Martin DB5", Decimal(895_000))


def test_load_demo_keeps_the_alt_text_that_somebody_wrote(small_demo):
    call_command("load_demo")
    models.MediaAsset.objects.filter(key="vehicles/DEMO-V-001/1.jpg").update(alt_text="Three-quarter view")

    call_command("load_demo")

    assert models.MediaAsset.objects.get(key="vehicles/DEMO-V-001/1.jpg").alt_text == "Three-quarter view"


def test_load_demo_with_a_refused_row_loads_the_others_and_exits_1(small_demo, bucket, capsys):
    """As when staff's own rules have become stricter than the demo."""
    items = small_demo / "items.csv"
    items.write_text(items.read_text(encoding="utf-8").replace("895000", "-5"), encoding="utf-8")

    with pytest.raises(SystemExit) as ended:
        call_command("load_demo")

    stored = storage.client().list_objects_v2(Bucket=bucket)["Contents"]
    assert ended.value.code == 1
    assert "line 2, price" in capsys.readouterr().out
    assert models.Item.objects.count() == 4
    assert not [found for found in stored if "DEMO-V-001" in found["Key"]]


def test_load_demo_dry_run_writes_nothing(small_demo, bucket, capsys):
    call_command("load_demo", "--dry-run")

    said = capsys.readouterr().out
    assert "5 rows: 5 new" in said
    assert "Pictures: 9 to upload, 0 left as they are." in said
    assert not models.Item.objects.exists()
    assert not models.Production.objects.exists()
    assert not models.Term.objects.exists()
    assert not models.ImportRun.objects.exists()
    assert not storage.client().list_objects_v2(Bucket=bucket).get("Contents")


@pytest.mark.django_db
def test_load_demo_without_a_bucket_says_so_and_loads_nothing(settings):
    settings.S3_BUCKET = "no-such-bucket"

    with pytest.raises(CannotRun, match=r"^Bucket no-such-bucket does not exist at .*S3_BUCKET"):
        call_command("load_demo")

    assert not models.Item.objects.exists()
    assert not models.Term.objects.exists()


def test_load_demo_without_its_spreadsheets_says_so(small_demo):
    (small_demo / "items.csv").unlink()

    with pytest.raises(CannotRun, match=r"items\.csv cannot be read: No such file or directory\.$"):
        call_command("load_demo")
