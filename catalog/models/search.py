"""What finding keeps beside the items: their words, bitmaps of their values, and the words that there are.

None of it is a source: triggers and the task `catalog.upkeep` make it from the items (docs/finding.md).
"""

from typing import Any, ClassVar

from django.contrib.postgres.indexes import GinIndex, GistIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from catalog.models.item import Item

CHUNK = 31_744  # slots that one bitmap covers; two of them fit into a page
# A price in cents, and above it a bit that every price has: one bitmap for each binary digit.
PRICE_BIT = 47


class Headwords(models.Func):
    """Of an item's words those that weigh most: of name, make, model and reference."""

    template = "ts_filter(%(expressions)s, '{a}')"
    output_field = SearchVectorField()


class ItemSearch(models.Model):
    """The words by which an item is found, the titles of its films among them; kept by triggers.

    Beside the item, not in it: a change of price leaves this row and its index alone, and a film's new
    title changes no item.
    """

    item = models.OneToOneField(
        Item, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="search"
    )
    words = SearchVectorField()

    class Meta:
        indexes = [
            GinIndex(fields=["words"], name="catalog_itemsearch_words"),  # ?q=, admin search
            # suggestions, and the matches that rank first: words of names, makes and models
            GinIndex(Headwords("words"), name="catalog_itemsearch_heads"),
        ]

    def __str__(self) -> str:
        return f"words of item {self.item_id}"


class ItemChange(models.Model):
    """An item that was written since the bitmaps were made: what they say of it does not count."""

    item_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"item {self.item_id}"


class FacetSlot(models.Model):
    """The place of an item's bits in the bitmaps; items of one make are neighbours, as far as may be."""

    item_id = models.BigIntegerField(primary_key=True)
    slot = models.BigIntegerField(unique=True)

    def __str__(self) -> str:
        return f"item {self.item_id} at {self.slot}"


class Bits(models.Field[Any, Any]):
    """One bit for each slot of a chunk."""

    def db_type(self, connection: Any) -> str:
        return f"bit({CHUNK})"


class FacetBits(models.Model):
    """Which items, by their slots in a chunk of them (slot / CHUNK), hold this value in this column."""

    facet = models.TextField()
    value = models.TextField()
    chunk = models.IntegerField()
    bits = Bits()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["facet", "value", "chunk"], name="catalog_facetbits_once"),
        ]
        indexes = [models.Index(fields=["chunk"], name="catalog_facetbits_chunk")]  # making a chunk anew

    def __str__(self) -> str:
        return f"{self.facet} {self.value} {self.chunk}"


class SearchWord(models.Model):
    """A word of items' names, makes, models, films and vocabularies, or a whole make.

    It may be a draft's, or of an item that is gone: whoever tells it first asks whether the caller sees an
    item that holds it. `witness` is an item that did, where that question begins.
    """

    WORD: ClassVar[str] = "word"
    MAKE: ClassVar[str] = "make"

    kind = models.TextField()
    text = models.TextField()
    folded = models.TextField(help_text="The text without accents and capitals.")
    witness = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "text"], name="catalog_searchword_once"),
        ]
        indexes = [
            # how a word that is being typed goes on
            models.Index(OpClass("folded", name="text_pattern_ops"), name="catalog_searchword_begins"),
            # the words nearest to one that nothing has
            GistIndex(OpClass("folded", name="gist_trgm_ops"), name="catalog_searchword_near"),
        ]

    def __str__(self) -> str:
        return self.text
