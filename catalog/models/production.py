"""Films and series, and which item appeared in which."""

from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models.functions import Upper

from catalog.models.fields import CanonicalCharField, Holds, text_array
from catalog.models.history import tracked
from catalog.models.item import FIRST_YEAR, LAST_YEAR, RESERVED, RESERVED_SLUG, Item, may_see_all
from catalog.models.rights import may_view

IN_USE = "Appearances of items: {:,}. Take them away first."
ALSO_UNSEEN = "Items appear in it, and you may not see all of them. Take the appearances away first."


def in_use(number: int, seen: int) -> str:
    """Return why a film with this number of appearances is not deleted; unseen ones are owned to, not counted."""
    return IN_USE.format(seen) if seen == number else ALSO_UNSEEN


class ProductionKind(models.TextChoices):
    FILM = "film", "Film"
    SERIES = "series", "Series"


class ProductionQuerySet(models.QuerySet["Production"]):
    def visible_to(self, user: Any) -> Self:
        """Narrow to productions in which an item appears that this user may see: a title tells of a draft.

        So nobody can tell one in which only drafts appear from one in which nothing does. Staff who may view
        productions, or every draft, see them all.
        """
        if may_see_all(user) or may_view(user, "production"):
            return self
        items = Item.objects.visible_to(user)
        return self.filter(
            models.Exists(Appearance.objects.filter(production=models.OuterRef("pk"), item__in=items))
        )

    def with_item_count(self, user: Any) -> Self:
        """Add `item_count`, the number of items that appeared and that this user may see."""
        appearances = Appearance.objects.filter(production=models.OuterRef("pk"))
        if not may_see_all(user):
            appearances = appearances.filter(item__in=Item.objects.visible_to(user))
        counted = (
            appearances.order_by().values("production").annotate(total=models.Count("pk")).values("total")
        )
        return self.annotate(item_count=models.functions.Coalesce(models.Subquery(counted), 0))

    def why_in_use(self, user: Any) -> dict[int, str]:
        """Return why those of them in which items appear are not to be deleted, by their keys."""
        seen = models.Q(item__in=Item.objects.visible_to(user))
        found = Appearance.objects.filter(production__in=self).order_by().values("production")
        counts = found.annotate(number=models.Count("pk"), seen=models.Count("pk", filter=seen))
        return {
            production: in_use(number, seen)
            for production, number, seen in counts.values_list("production", "number", "seen")
        }


ProductionManager = models.Manager.from_queryset(ProductionQuerySet)


@tracked()
class Production(models.Model):
    """A film or a series. Its slug (title and first year) is the natural key of imports."""

    title = CanonicalCharField(max_length=200)
    slug = models.SlugField(max_length=220, unique=True)
    kind = models.CharField(max_length=10, choices=ProductionKind, default=ProductionKind.FILM)
    years = ArrayField(
        models.IntegerField(), default=list, blank=True, help_text="Years of release or of broadcast."
    )
    genres = text_array("genres")
    franchise = CanonicalCharField(max_length=100, blank=True)
    external_ids = models.JSONField(default=dict, blank=True, help_text='Such as {"imdb": "tt0058150"}.')
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProductionManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(title=""),
                name="%(app_label)s_%(class)s_title_given",
                violation_error_message="A production needs a title.",
            ),
            models.CheckConstraint(
                condition=~models.Q(slug=RESERVED_SLUG),
                name="%(app_label)s_%(class)s_slug_free",
                violation_error_message=RESERVED,
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=ProductionKind.values),
                name="%(app_label)s_%(class)s_kind_known",
                violation_error_message="A production is a film or a series.",
            ),
            models.CheckConstraint(
                condition=Holds(f"{FIRST_YEAR} <= ALL(%(expressions)s)", "years")
                & Holds(f"{LAST_YEAR} >= ALL(%(expressions)s)", "years"),
                name="%(app_label)s_%(class)s_years_plausible",
                violation_error_message=f"Years must lie between {FIRST_YEAR} and {LAST_YEAR}.",
            ),
            models.CheckConstraint(
                condition=Holds("jsonb_typeof(%(expressions)s) = 'object'", "external_ids"),
                name="%(app_label)s_%(class)s_external_ids_object",
                violation_error_message="External ids must be an object of names and values.",
            ),
        ]
        indexes = [
            # admin search and autocomplete: title icontains
            GinIndex(OpClass(Upper("title"), name="gin_trgm_ops"), name="catalog_production_title_trgm"),
            GinIndex(fields=["genres"], name="catalog_production_genres"),  # ?genres=
            GinIndex(fields=["years"], name="catalog_production_years"),  # ?years=
            models.Index(fields=["title", "id"], name="catalog_production_by_title"),  # list, ordering=title
            models.Index(
                fields=["updated_at", "id"], name="catalog_production_updated"
            ),  # ordering=updated_at
            models.Index(fields=["franchise"], name="catalog_production_franchise"),  # ?franchise=
            GinIndex(
                SearchVector("title", config="catalog_text"), name="catalog_production_words"
            ),  # suggestions
        ]
        permissions = (("export_production", "Can export films and series, and who appears in them"),)

    def __str__(self) -> str:
        return f"{self.title} ({self.years[0]})" if self.years else self.title


class Role(models.TextChoices):
    """What the item did in the production."""

    HERO = "hero", "Hero"
    STUNT = "stunt", "Stunt double"
    CAMERA = "camera", "Camera car"
    BACKGROUND = "background", "Background"
    PROMOTIONAL = "promotional", "Promotional"
    REPLICA = "replica", "Replica"
    OTHER = "other", "Other"


@tracked()
class Appearance(models.Model):
    """One item in one production, in one role."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="appearances")
    production = models.ForeignKey(Production, on_delete=models.PROTECT, related_name="appearances")
    role = models.CharField(max_length=20, choices=Role, default=Role.HERO)
    notes = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "production", "role"],
                name="%(app_label)s_%(class)s_once",
                violation_error_message="This item is already listed in that production in that role.",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values),
                name="%(app_label)s_%(class)s_role_known",
                violation_error_message="The role is not one of those offered.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item} in {self.production}"
