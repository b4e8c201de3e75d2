"""List filters over arrays and ranges. None of them ever lists every value of a column."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from catalog import readiness
from catalog.admin.fields import words_widget
from catalog.models import FIRST_YEAR, LAST_YEAR, MediaAsset, Vocabulary, is_public, is_scheduled
from marketplace.admin import (
    FormFilter,
    RangeFilter,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    WordsField,
)

MODES = {"any": "any of these", "all": "all of these", "none": "none of these", "empty": "no value at all"}


class ArrayFilter(FormFilter):
    """Rows whose array holds any of, all of or none of the chosen terms, or nothing (`<column>__mode`).

    On a page that counts (`CountsValues`) the commonest values are shown with their counts when the filter is seen.
    """

    template = "admin/catalog/lists/array_filter.html"
    column = ""
    vocabulary: Vocabulary

    def make_fields(self) -> dict[str, forms.Field]:
        mode = forms.ChoiceField(
            choices=list(MODES.items()),
            required=False,
            label=f"{str(self.title).capitalize()}: match",
            widget=UnfoldAdminSelectWidget(),
        )
        words = WordsField(required=False, label=f"By {self.title}", widget=words_widget(self.vocabulary))
        return {self.column: words, f"{self.column}__mode": mode}

    def choices(self, changelist: Any) -> Iterator[Any]:
        counted = getattr(changelist.model_admin, "counts_address", None)
        address = f"{counted(self.column)}{changelist.get_query_string()}" if counted else ""
        yield {"form": self.form, "counts_address": address, "title": self.title}

    def narrow(self, queryset: QuerySet[Any], values: dict[str, Any]) -> QuerySet[Any]:
        words, mode = values[self.column], values[f"{self.column}__mode"]
        if mode == "empty":
            return queryset.filter(**{self.column: []})
        if not words:
            return queryset
        if mode == "all":
            return queryset.filter(**{f"{self.column}__contains": words})
        overlap = Q(**{f"{self.column}__overlap": words})
        return queryset.filter(~overlap if mode == "none" else overlap)


class GenresFilter(ArrayFilter):
    title, column, vocabulary = "genres", "genres", Vocabulary.GENRE


class VehicleTypesFilter(ArrayFilter):
    title, column, vocabulary = "vehicle types", "vehicle_types", Vocabulary.VEHICLE_TYPE


class CategoriesFilter(ArrayFilter):
    title, column, vocabulary = "categories", "categories", Vocabulary.CATEGORY


class YearsFilter(RangeFilter):
    """Rows with some year in the range; an open end reaches to the first or last year there is."""

    def number_field(self, **options: Any) -> forms.Field:
        return forms.IntegerField(min_value=FIRST_YEAR, max_value=LAST_YEAR, **options)

    def narrow(self, queryset: QuerySet[Any], values: dict[str, Any]) -> QuerySet[Any]:
        first, last = values[f"{self.column}_from"], values[f"{self.column}_to"]
        if first is None and last is None:
            return queryset
        # Overlap with every year of the range, because the GIN index answers overlap and no comparison.
        years = list(range(first or FIRST_YEAR, (last or LAST_YEAR) + 1))
        return queryset.filter(**{f"{self.column}__overlap": years}) if years else queryset.none()


class ProductionYearsFilter(YearsFilter):
    title, column = "production year", "production_years"


class ReleaseYearsFilter(YearsFilter):
    title, column = "year", "years"


class PriceFilter(RangeFilter):
    """Rows in a range of prices, whatever the currency; without a price is outside of any range."""

    title, column = "price", "price"

    def number_field(self, **options: Any) -> forms.Field:
        return forms.DecimalField(min_value=0, max_digits=14, decimal_places=2, **options)

    def narrow(self, queryset: QuerySet[Any], values: dict[str, Any]) -> QuerySet[Any]:
        if values["price_from"] is not None:
            queryset = queryset.filter(price__gte=values["price_from"])
        if values["price_to"] is not None:
            queryset = queryset.filter(price__lte=values["price_to"])
        return queryset


class MakeFilter(FormFilter):
    """Rows whose make begins with the text."""

    title = "make"

    def make_fields(self) -> dict[str, forms.Field]:
        return {
            "make_starts": forms.CharField(
                required=False, max_length=100, label="By make", widget=UnfoldAdminTextInputWidget()
            )
        }

    def narrow(self, queryset: QuerySet[Any], values: dict[str, Any]) -> QuerySet[Any]:
        make = values["make_starts"]
        return queryset.filter(make__istartswith=make) if make else queryset


class CurrencyFilter(FormFilter):
    """Rows with a price in one currency."""

    title = "currency"

    def make_fields(self) -> dict[str, forms.Field]:
        return {
            "currency": forms.RegexField(
                regex="^[A-Za-z]{3}$",
                error_messages={"invalid": "A currency is a code of three letters, such as USD."},
                required=False,
                label="By currency",
                widget=UnfoldAdminTextInputWidget(attrs={"maxlength": 3}),
            )
        }

    def narrow(self, queryset: QuerySet[Any], values: dict[str, Any]) -> QuerySet[Any]:
        currency = values["currency"].upper()
        return queryset.filter(currency=currency) if currency else queryset


class PublicationFilter(FormFilter):
    """Published items whose time has come, or lies ahead."""

    title = "publication"

    def make_fields(self) -> dict[str, forms.Field]:
        choices = [
            ("", "All"),
            ("public", "Public now"),
            ("ahead", "Yet to come"),
            ("week", "To come within seven days"),
        ]
        return {
            "publication": forms.ChoiceField(
                choices=choices, required=False, label="By publication", widget=UnfoldAdminSelectWidget()
            )
        }

    def narrow(self, queryset: QuerySet[Any], values: dict[str, Any]) -> QuerySet[Any]:
        match values["publication"]:
            case "public":
                return queryset.filter(is_public())
            case "ahead":
                return queryset.filter(is_scheduled())
            case "week":
                return queryset.filter(is_scheduled(days=7))
        return queryset


class ReadinessFilter(FormFilter):
    """Items that have what a published one needs, or lack something."""

    title = "readiness"

    def make_fields(self) -> dict[str, forms.Field]:
        lacks = [(rule.name, f"Needs {rule.title}") for rule in readiness.RULES]
        choices = [("", "All"), ("ready", "Ready"), ("unready", "Needs something"), *lacks]
        return {
            "readiness": forms.ChoiceField(
                choices=choices, required=False, label="By readiness", widget=UnfoldAdminSelectWidget()
            )
        }

    def narrow(self, queryset: QuerySet[Any], values: dict[str, Any]) -> QuerySet[Any]:
        match values["readiness"]:
            case "":
                return queryset
            case "ready":
                return queryset.filter(readiness.is_ready())
            case "unready":
                return queryset.filter(~readiness.is_ready())
            case name:
                return queryset.filter(readiness.lacks(name))


class AssignedFilter(FormFilter):
    """Media that belongs to an item, or to none."""

    title = "item"

    def make_fields(self) -> dict[str, forms.Field]:
        choices = [("", "All"), ("no", "Not assigned"), ("yes", "Assigned to an item")]
        return {
            "assigned": forms.ChoiceField(
                choices=choices, required=False, label="By item", widget=UnfoldAdminSelectWidget()
            )
        }

    def narrow(self, queryset: QuerySet[Any], values: dict[str, Any]) -> QuerySet[Any]:
        return queryset.filter(item__isnull=values["assigned"] == "no") if values["assigned"] else queryset


class ContentFilter(FormFilter):
    """Media whose content is there under several keys; told once a worker has read it."""

    title = "content"

    def make_fields(self) -> dict[str, forms.Field]:
        choices = [("", "All"), ("twice", "There more than once")]
        return {
            "content": forms.ChoiceField(
                choices=choices, required=False, label="By content", widget=UnfoldAdminSelectWidget()
            )
        }

    def narrow(self, queryset: QuerySet[Any], values: dict[str, Any]) -> QuerySet[Any]:
        return queryset.filter(sha256__in=MediaAsset.objects.repeated()) if values["content"] else queryset
