"""The makes whose names have several words, so that '1964 Aston Martin DB5' can be split."""

from catalog.imports.mapping.cars import folded_make
from catalog.models import Item, Term, Vocabulary

# Known to an empty catalogue too. Makes of one word need no list: they are the first word.
WELL_KNOWN = (
    "Alfa Romeo", "American LaFrance", "Armstrong Siddeley", "Aston Martin", "Auto Union", "Austin Healey",
    "Avions Voisin", "De Dion Bouton", "De Havilland", "De Tomaso", "Facel Vega", "Frazer Nash", "Gordon Keeble",
    "Graham Paige", "Great Wall", "Harley Davidson", "Hispano Suiza", "Iso Rivolta", "Isotta Fraschini", "Land Rover",
    "Lea Francis", "Mercedes Benz", "Moto Guzzi", "MV Agusta", "Panhard Levassor", "Pierce Arrow", "Range Rover",
    "Rolls Royce", "Royal Enfield", "Steyr Puch", "Vanden Plas",
)  # fmt: skip


def known_makes() -> frozenset[str]:
    """Return every make of several words, folded: well-known ones, the vocabulary's with its aliases, the items'."""
    terms = Term.objects.of(Vocabulary.MAKE).values_list("name", "aliases")
    names = {spelling for name, aliases in terms for spelling in (name, *aliases)}
    names |= set(Item.objects.filter(make__regex=r"\S[ -]\S").values_list("make", flat=True).distinct())
    return frozenset(folded_make(name) for name in (*WELL_KNOWN, *names) if " " in folded_make(name))


def makes_of_one_word() -> frozenset[str]:
    """Return the catalogue's other makes, folded: what tells that a text begins with a make."""
    terms = Term.objects.of(Vocabulary.MAKE).values_list("name", "aliases")
    names = {spelling for name, aliases in terms for spelling in (name, *aliases)}
    names |= set(Item.objects.exclude(make="").values_list("make", flat=True).distinct())
    return frozenset(folded_make(name) for name in names)
