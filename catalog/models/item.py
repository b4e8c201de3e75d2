"""Everything that can be sold: vehicles, memorabilia and tools in one table."""

from datetime import timedelta
from typing import Any, ClassVar, Self, cast

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.db.models import F, Q
from django.db.models.functions import Now, Upper

from catalog.models.choices import Authenticity, Availability, Condition, Kind, Status
from catalog.models.fields import CanonicalCharField, Folded, Holds, no_blanks, no_nulls, text_array
from catalog.models.history import tracked
from catalog.models.rights import may_view

FIRST_YEAR, LAST_YEAR = 1880, 2100

RESERVED_SLUG = "bulk"  # .../bulk/ is where many are written
RESERVED = f"The slug cannot be {RESERVED_SLUG}: that address writes many at once."


def kinds_with(user: Any, verb: str) -> frozenset[str]:
    """Return the kinds on whose items this account has the right to `verb`: add, change, delete or publish."""
    return frozenset(kind for kind in Kind.values if user.has_perm(f"catalog.{verb}_{kind}"))


def kinds_seen(user: Any) -> frozenset[str]:
    """Return the kinds whose drafts this user may see: all by the right to view items, else one by one."""
    if not (user.is_active and user.is_staff):  # nearly every reader
        return frozenset()
    if may_view(user, "item"):
        return frozenset(Kind.values)
    return frozenset(kind for kind in Kind.values if may_view(user, kind))


def may_see_all(user: Any) -> bool:
    """Return whether this user may see the drafts of every kind."""
    return len(kinds_seen(user)) == len(Kind)


def is_public() -> Q:
    """Return the condition of what everybody sees: published, and its time has come."""
    return Q(status=Status.PUBLISHED, published_at__lte=Now())


def is_scheduled(days: int = 0) -> Q:
    """Return the condition of what will be public by itself, within so many days if any are given."""
    ahead = Q(status=Status.PUBLISHED, published_at__gt=Now())
    return ahead & Q(published_at__lte=Now() + timedelta(days=days)) if days else ahead


class ItemQuerySet(models.QuerySet["Item"]):
    def published(self) -> Self:
        """Narrow to what the public sees."""
        return self.filter(is_public())

    def visible_to(self, user: Any) -> Self:
        """Narrow to what this user may see: the public part, and all of the kinds in `kinds_seen`."""
        kinds = kinds_seen(user)
        if not kinds:
            return self.published()
        return self if len(kinds) == len(Kind) else self.filter(is_public() | Q(kind__in=kinds))

    def of_kind(self, kind: str) -> Self:
        return self.filter(kind=kind)


ItemManager = models.Manager.from_queryset(ItemQuerySet)


def one_of(
    field: str, choices: type[models.TextChoices], sentence: str, *, blank: bool = False
) -> models.CheckConstraint:
    """Return a constraint that holds the column to the choices; bulk statements pass no form."""
    values = [*choices.values, ""] if blank else choices.values
    return models.CheckConstraint(
        condition=Q(**{f"{field}__in": values}),
        name=f"%(app_label)s_%(class)s_{field}_known",
        violation_error_message=sentence,
    )


@tracked()
class Item(models.Model):
    """A thing in the inventory. `reference` (the stock number) is the natural key of every import.

    The database keeps `version` and `updated_at` (trigger `touch`) and the words that `q` finds (`ItemSearch`),
    so they are right whichever door a write comes by.
    """

    kind = models.CharField(max_length=12, choices=Kind)
    reference = CanonicalCharField(max_length=64, help_text="The stock number; letter case does not count.")
    slug = models.SlugField(
        max_length=255, unique=True, blank=True, help_text="Left empty, it is made of name and reference."
    )
    name = CanonicalCharField(max_length=200)
    make = CanonicalCharField(max_length=100, blank=True)
    model = CanonicalCharField(max_length=100, blank=True)
    description = models.TextField(blank=True)
    production_years = ArrayField(
        models.IntegerField(),
        default=list,
        blank=True,
        help_text="Years in which this was built, such as 1964, 1965.",
    )
    vehicle_types = text_array("vehicle types")
    categories = text_array("categories")
    genres = text_array("genres")
    condition = models.CharField(max_length=20, choices=Condition, blank=True)
    authenticity = models.CharField(max_length=20, choices=Authenticity, blank=True)
    chassis_number = CanonicalCharField(max_length=64, blank=True)
    specs = models.JSONField(
        default=dict, blank=True, encoder=DjangoJSONEncoder, help_text="Labels and values."
    )
    provenance = models.TextField(blank=True)
    price = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="Empty is shown as on request."
    )
    # Staff's own notes of what is left out on purpose; `catalog.readiness` asks for them, readers see neither.
    price_on_request = models.BooleanField(
        "on request",
        default=False,
        db_default=False,
        help_text="The price is left out on purpose, not forgotten.",
    )
    no_production_reason = models.CharField(
        "reason for no film or series",
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="Why it appears in none, such as: built for the studio's museum.",
    )
    currency = models.CharField(max_length=3, default="USD", help_text="ISO 4217, such as USD or EUR.")
    availability = models.CharField(max_length=20, choices=Availability, default=Availability.AVAILABLE)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    published_at = models.DateTimeField(
        null=True, blank=True, help_text="May lie ahead: then it is scheduled."
    )
    location = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    version = models.IntegerField(default=1, db_default=1, editable=False)

    KIND: ClassVar[str] = ""
    objects = ItemManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Folded("reference"),
                name="%(app_label)s_%(class)s_reference_unique",
                violation_error_message="Another item has this reference.",
            ),
            models.CheckConstraint(
                condition=Q(reference__regex=r"^\S(.*\S)?$"),
                name="%(app_label)s_%(class)s_reference_given",
                violation_error_message="An item needs a reference without blanks around it.",
            ),
            models.CheckConstraint(
                condition=~Q(slug=RESERVED_SLUG),
                name="%(app_label)s_%(class)s_slug_free",
                violation_error_message=RESERVED,
            ),
            models.CheckConstraint(
                condition=~Q(name=""),
                name="%(app_label)s_%(class)s_name_given",
                violation_error_message="An item needs a name.",
            ),
            models.CheckConstraint(
                condition=~Q(slug=""),
                name="%(app_label)s_%(class)s_slug_given",
                violation_error_message="An item needs a slug.",
            ),
            one_of("kind", Kind, "The kind must be vehicle, memorabilia or tool."),
            one_of("status", Status, "The status must be draft, published or archived."),
            one_of("availability", Availability, "The availability must be available, reserved, sold or not_for_sale."),
            one_of("condition", Condition, "The condition is not one of those offered.", blank=True),
            one_of("authenticity", Authenticity, "The authenticity is not one of those offered.", blank=True),
            models.CheckConstraint(
                condition=Q(kind=Kind.VEHICLE) | Q(vehicle_types=[]),
                name="%(app_label)s_%(class)s_types_of_vehicles_only",
                violation_error_message="Only a vehicle has vehicle types.",
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.VEHICLE) | Q(chassis_number=""),
                name="%(app_label)s_%(class)s_chassis_of_vehicles_only",
                violation_error_message="Only a vehicle has a chassis number.",
            ),
            models.CheckConstraint(
                condition=~Q(kind=Kind.VEHICLE) | Q(categories=[]),
                name="%(app_label)s_%(class)s_categories_of_others_only",
                violation_error_message="A vehicle has vehicle types, not categories.",
            ),
            models.CheckConstraint(
                condition=Q(price__isnull=True) | Q(price__gte=0),
                name="%(app_label)s_%(class)s_price_not_negative",
                violation_error_message="A price cannot be negative.",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"),
                name="%(app_label)s_%(class)s_currency_code",
                violation_error_message="The currency must be a code of three capital letters, such as USD.",
            ),
            models.CheckConstraint(
                condition=Holds(f"{FIRST_YEAR} <= ALL(%(expressions)s)", "production_years")
                & Holds(f"{LAST_YEAR} >= ALL(%(expressions)s)", "production_years"),
                name="%(app_label)s_%(class)s_years_plausible",
                violation_error_message=f"Production years must lie between {FIRST_YEAR} and {LAST_YEAR}.",
            ),
            models.CheckConstraint(
                condition=no_blanks("genres", "vehicle_types", "categories") & no_nulls("production_years"),
                name="%(app_label)s_%(class)s_no_blank_values",
                violation_error_message="Lists of values cannot hold a blank one.",
            ),
            models.CheckConstraint(
                condition=Holds("jsonb_typeof(%(expressions)s) = 'object'", "specs"),
                name="%(app_label)s_%(class)s_specs_object",
                violation_error_message="Specs must be labels and values.",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.PUBLISHED) | Q(published_at__isnull=False),
                name="%(app_label)s_%(class)s_published_has_time",
                violation_error_message="A published item needs the time of its publication.",
            ),
        ]  # fmt: skip
        indexes = [
            GinIndex(fields=["genres"], name="catalog_item_genres"),  # ?genres= and its suffixes
            GinIndex(fields=["vehicle_types"], name="catalog_item_vehicle_types"),  # ?vehicle_types=
            GinIndex(fields=["categories"], name="catalog_item_categories"),  # ?categories=
            GinIndex(fields=["production_years"], name="catalog_item_production_years"),  # ?production_years=
            # public list of one kind, newest first (the default order)
            models.Index(
                "kind", F("published_at").desc(), F("id").desc(),
                condition=Q(status=Status.PUBLISHED), name="catalog_item_public_newest",
            ),
            # /v1/items/: all kinds, newest first
            models.Index(
                F("published_at").desc(), F("id").desc(),
                condition=Q(status=Status.PUBLISHED), name="catalog_item_public_all_newest",
            ),
            # ordering=price and price ranges; no price comes last
            models.Index("price", "id", condition=Q(status=Status.PUBLISHED), name="catalog_item_public_cheapest"),
            # ordering=-price; no price comes last here too
            models.Index(
                F("price").desc(nulls_last=True), F("id").desc(),
                condition=Q(status=Status.PUBLISHED), name="catalog_item_public_dearest",
            ),
            # ?make=, by price; with years, or newest first, it needs no look at the rows that it leaves out
            models.Index(
                fields=["make", "price", "id"], include=["kind", "published_at", "production_years"],
                condition=Q(status=Status.PUBLISHED), name="catalog_item_public_makes",
            ),
            models.Index(fields=["model"], name="catalog_item_model"),  # ?model=
            # ?availability=, ?condition=, ?authenticity=, ?currency=: so few values that one index serves each of them
            models.Index(
                fields=["availability", "condition", "authenticity", "currency"], name="catalog_item_choices"
            ),
            # ordering=name, both ways
            models.Index("name", "id", condition=Q(status=Status.PUBLISHED), name="catalog_item_public_name"),
            # ?updated_since= and ordering=updated_at; staff lists and the admin's newest changes
            models.Index(F("updated_at").desc(), F("id").desc(), name="catalog_item_updated"),
            models.Index("created_at", "id", name="catalog_item_created"),  # ordering=created_at, both ways
            # admin list of one kind and status
            models.Index("kind", "status", F("id").desc(), name="catalog_item_admin"),
            # admin search and autocomplete by part of a reference
            GinIndex(OpClass(Upper("reference"), name="gin_trgm_ops"), name="catalog_item_reference_trgm"),
        ]  # fmt: skip
        triggers = [
            pgtrigger.Trigger(
                name="touch",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.AnyChange(exclude=["version", "updated_at"]),
                func="NEW.version := OLD.version + 1; NEW.updated_at := now(); RETURN NEW;",
            ),
            pgtrigger.Trigger(
                name="keep_old_slug",
                operation=pgtrigger.UpdateOf("slug"),  # type: ignore[no-untyped-call]
                when=pgtrigger.After,
                condition=pgtrigger.AnyChange("slug"),
                func=(
                    "INSERT INTO catalog_oldslug (slug, item_id) VALUES (OLD.slug, NEW.id)"
                    " ON CONFLICT (slug) DO UPDATE SET item_id = EXCLUDED.item_id; RETURN NULL;"
                ),
            ),
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # A proxy fixes its kind; rows from the database come as positional arguments.
        if self.KIND and not args:
            kwargs.setdefault("kind", self.KIND)
        super().__init__(*args, **kwargs)

    def __str__(self) -> str:
        return f"{self.name} ({self.reference})"

    def clean(self) -> None:
        """Fill an empty slug from name and reference. This causes a SQL query."""
        super().clean()
        if not self.slug and self.name and self.reference:
            self.slug = unused_slug(self.name, self.reference)


def unused_slug(name: str, reference: str) -> str:
    """Return the slug for a new item, by the same SQL function as imports use."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT catalog_unused_slug(%s, %s)", [name, reference])
        return str(cursor.fetchone()[0])


class KindManager(ItemManager["Item"]):
    """Narrows a proxy to its kind."""

    def get_queryset(self) -> ItemQuerySet:
        return cast(ItemQuerySet, super().get_queryset()).of_kind(self.model.KIND)


class Vehicle(Item):
    KIND: ClassVar[str] = Kind.VEHICLE
    objects: ClassVar[KindManager] = KindManager()

    class Meta:
        proxy = True
        permissions = (
            ("publish_vehicle", "Can publish, withdraw and archive vehicle"),
            ("export_vehicle", "Can export vehicles"),
        )


class Memorabilia(Item):
    KIND: ClassVar[str] = Kind.MEMORABILIA
    objects: ClassVar[KindManager] = KindManager()

    class Meta:
        proxy = True
        permissions = (
            ("publish_memorabilia", "Can publish, withdraw and archive memorabilia"),
            ("export_memorabilia", "Can export memorabilia"),
        )
        verbose_name_plural = "memorabilia"


class Tool(Item):
    KIND: ClassVar[str] = Kind.TOOL
    objects: ClassVar[KindManager] = KindManager()

    class Meta:
        proxy = True
        permissions = (
            ("publish_tool", "Can publish, withdraw and archive tool"),
            ("export_tool", "Can export tools"),
        )


class OldSlug(models.Model):
    """A slug that an item had before; requests for it are sent on to the item."""

    slug = models.SlugField(max_length=255, unique=True)
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="old_slugs")

    def __str__(self) -> str:
        return self.slug
