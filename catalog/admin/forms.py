"""The forms of items, productions and terms."""

import hashlib
from typing import Any

from django import forms
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.text import slugify

from catalog import spellings
from catalog.admin.fields import LinesField, SpecsField, TermsField, YearsField
from catalog.models import Item, MediaAsset, Production, Status, Term, Vocabulary
from marketplace.admin import (
    UnfoldAdminExpandableTextareaWidget,
    UnfoldAdminTextInputWidget,
    WordsField,
    WordsWidget,
)


class KeepsWords(forms.ModelForm[Any]):
    """A form whose TermsFields accept the words that the row has already."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field, TermsField):
                field.kept = frozenset(getattr(self.instance, name))


class ItemForm(KeepsWords):
    """What all kinds share. A published item without a time of publication is published now."""

    production_years = YearsField()
    genres = TermsField(Vocabulary.GENRE)
    specs = SpecsField()
    attach = WordsField(
        required=False,
        label="Attach files",
        widget=WordsWidget(reverse_lazy("admin:catalog_mediaasset_unassigned")),
        help_text="Files of the bucket that belong to no item yet, by the start of their key.",
    )

    class Meta:
        model = Item
        fields: tuple[str, ...] = ()
        widgets = {
            "description": UnfoldAdminExpandableTextareaWidget(),
            "provenance": UnfoldAdminExpandableTextareaWidget(),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("status") == Status.PUBLISHED and not cleaned.get("published_at"):
            cleaned["published_at"] = timezone.now()
        self._check_price(cleaned)
        if {"name", "reference"} & set(self.errors):
            # The slug would be made of them; that it lacks too is nothing to tell the person.
            cleaned["slug"] = cleaned.get("slug") or "unmade"
        return cleaned

    def _check_price(self, cleaned: dict[str, Any]) -> None:
        """A price takes the place of "on request"; both at once, newly chosen, is a contradiction."""
        if cleaned.get("price") is None or not cleaned.get("price_on_request"):
            return
        if "price_on_request" in self.changed_data:
            self.add_error("price_on_request", "It has a price: take that away, or do not tick this.")
        cleaned["price_on_request"] = False

    def clean_attach(self) -> list[str]:
        keys: list[str] = self.cleaned_data["attach"]
        free = set(MediaAsset.objects.filter(key__in=keys, item=None).values_list("key", flat=True))
        taken = [f'"{key}"' for key in keys if key not in free]
        if taken:
            raise forms.ValidationError(f"{', '.join(taken)}: no such file without an item.", code="taken")
        return keys

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()


class VehicleForm(ItemForm):
    vehicle_types = TermsField(Vocabulary.VEHICLE_TYPE)


class GoodsForm(ItemForm):
    """Memorabilia and tools."""

    categories = TermsField(Vocabulary.CATEGORY)


def slug_of(*parts: Any) -> str:
    """Make a slug of the parts; of text without a Latin letter or digit, one of its hash."""
    text = " ".join(str(part) for part in parts)
    return slugify(text)[:120] or hashlib.sha256(text.encode()).hexdigest()[:10]


class ProductionForm(KeepsWords):
    """A slug left empty is made of title and first year, as imports make it."""

    slug = forms.SlugField(
        required=False,
        max_length=220,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Left empty, it is made of title and first year.",
    )
    years = YearsField(help_text="Years of release or of broadcast, such as 1964 or 1982-1986.")
    genres = TermsField(Vocabulary.GENRE)
    external_ids = SpecsField(label="External ids", help_text='One a line, such as "imdb: tt0058150".')

    class Meta:
        model = Production
        fields = ("title", "slug", "kind", "franchise")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("slug") and cleaned.get("title"):
            cleaned["slug"] = slug_of(cleaned["title"], *(cleaned.get("years") or [])[:1])
        return cleaned


class TermForm(forms.ModelForm[Any]):
    """A slug left empty is made of the name."""

    slug = forms.SlugField(
        required=False,
        max_length=120,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Left empty, it is made of the name.",
    )
    aliases = LinesField(help_text="Other spellings, one a line; imports replace them by the name.")

    class Meta:
        model = Term
        fields = ("vocabulary", "name")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("slug") and cleaned.get("name"):
            cleaned["slug"] = slug_of(cleaned["name"])
        vocabulary = cleaned.get("vocabulary") or self.instance.vocabulary
        if vocabulary and {"name", "aliases"} <= cleaned.keys():
            aliases = cleaned["aliases"] = spellings.tidy(cleaned["aliases"])
            term = Term(pk=self.instance.pk, vocabulary=vocabulary, name=cleaned["name"], aliases=aliases)
            for clash in spellings.clashes([term])[0]:
                self.add_error(clash.column, clash.sentence)
        return cleaned
