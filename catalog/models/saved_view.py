"""How a person likes to see a list: his columns, and the views of it that he keeps or shares."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from catalog.models.fields import text_array


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def of(self, user: Any, page: str) -> Self:
        """Narrow to the views of this page that the person may open: his own, and those that are shared."""
        return self.filter(Q(owner=user.pk) | Q(is_shared=True), page=page)


class SavedView(models.Model):
    """A list under a name: its filters, search, order and columns. It goes with its owner."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    page = models.CharField(max_length=60, help_text="The list's model, such as vehicle.")
    name = models.CharField(max_length=60)
    query = models.TextField(blank=True, help_text="Filters and search, as in an address.")
    order = text_array("order", help_text="Names of columns, a minus before those that descend.")
    columns = text_array("columns", help_text="Names of columns; none: those that each person likes.")
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        default_permissions = ()  # each list asks its own rights
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "page", "name"],
                name="%(app_label)s_%(class)s_once",
                violation_error_message="You have a view of this name already.",
            ),
            models.CheckConstraint(
                condition=~Q(name=""),
                name="%(app_label)s_%(class)s_name_given",
                violation_error_message="A view needs a name.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["page", "name"], condition=Q(is_shared=True), name="catalog_savedview_shared"
            )
        ]  # a list's tabs; a person's own come by the constraint's index

    def __str__(self) -> str:
        return self.name


class ListLayout(models.Model):
    """The columns of a list that one person chose, in his order."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    page = models.CharField(max_length=60)
    columns = text_array("columns")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["owner", "page"], name="%(app_label)s_%(class)s_once"),
        ]

    def __str__(self) -> str:
        return f"{self.page}: {', '.join(self.columns)}"
