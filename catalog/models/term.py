"""The controlled vocabularies."""

from typing import Self

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper

from catalog.models.fields import CanonicalCharField, Folded, text_array
from catalog.models.history import tracked


class Vocabulary(models.TextChoices):
    GENRE = "genre", "Genre"
    VEHICLE_TYPE = "vehicle_type", "Vehicle type"
    CATEGORY = "category", "Category"
    MAKE = "make", "Make"

    @property
    def column(self) -> str:
        """The items' column that holds words of this vocabulary."""
        return COLUMNS[self.value]


COLUMNS = {"genre": "genres", "vehicle_type": "vehicle_types", "category": "categories", "make": "make"}


class TermQuerySet(models.QuerySet["Term"]):
    def of(self, vocabulary: str) -> Self:
        return self.filter(vocabulary=vocabulary)

    def for_list(self) -> Self:
        return self.order_by("vocabulary", "name", "id")


TermManager = models.Manager.from_queryset(TermQuerySet)


@tracked()
class Term(models.Model):
    """One word of a vocabulary. Items hold the name itself; imports also accept the aliases."""

    vocabulary = models.CharField(max_length=20, choices=Vocabulary)
    name = CanonicalCharField(max_length=100)
    slug = models.SlugField(max_length=120)
    aliases = text_array("aliases", help_text="Other spellings that imports replace by the name.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TermManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "vocabulary",
                Folded("name"),
                name="%(app_label)s_%(class)s_name_unique",
                violation_error_message="This vocabulary already has a term of that name.",
            ),
            models.UniqueConstraint(
                fields=["vocabulary", "slug"],
                name="%(app_label)s_%(class)s_slug_unique",
                violation_error_message="This vocabulary already has a term with that slug.",
            ),
            models.CheckConstraint(
                condition=~models.Q(name=""),
                name="%(app_label)s_%(class)s_name_given",
                violation_error_message="A term needs a name.",
            ),
            models.CheckConstraint(
                condition=~models.Q(name__regex="[|;]"),
                name="%(app_label)s_%(class)s_name_separable",
                violation_error_message="A term cannot hold | or ;, which stand between the words of a cell.",
            ),
            models.CheckConstraint(
                condition=models.Q(vocabulary__in=Vocabulary.values),
                name="%(app_label)s_%(class)s_vocabulary_known",
                violation_error_message="The vocabulary must be genre, vehicle_type, category or make.",
            ),
        ]
        indexes = [
            GinIndex(fields=["aliases"], name="catalog_term_aliases"),  # which term has this alias
            # ?q= and the admin's search: name icontains
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="catalog_term_name_trgm"),
        ]
        permissions = (("export_term", "Can export the vocabularies"),)

    def __str__(self) -> str:
        return self.name


class WordsApart(models.Model):
    """Two terms that look alike and are not the same, as somebody said; `first` has the lower key."""

    first = models.ForeignKey(Term, on_delete=models.CASCADE, related_name="+", db_index=False)
    second = models.ForeignKey(Term, on_delete=models.CASCADE, related_name="+")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()  # who may change terms says so
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="%(app_label)s_%(class)s_once"),
            models.CheckConstraint(
                condition=models.Q(first__lt=models.F("second")), name="%(app_label)s_%(class)s_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first} is not {self.second}"
