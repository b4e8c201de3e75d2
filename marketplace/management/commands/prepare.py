"""`manage.py prepare`."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

from django.core.management import call_command

from accounts.provisioning import Provisioned, provision_admin
from catalog.models import Item
from marketplace.commands import OperatorCommand


@dataclass(frozen=True)
class Prepared:
    """What there is to serve: who the first superuser is, and whether the catalogue has items."""

    admin: Provisioned
    has_items: bool
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {"admin": self.admin.as_json(), "has_items": self.has_items}

    def lines(self) -> Iterator[str]:
        yield "The database is migrated."
        yield from self.admin.lines()
        yield f"The catalogue has {'items' if self.has_items else 'no items yet'}."


class Command(OperatorCommand):
    help = "Make the database ready to serve: apply the migrations and create the first superuser. Safe to repeat."
    examples = "  manage.py prepare\n  manage.py prepare --json\n"
    requires_system_checks = ()

    def perform(self, **options: Any) -> Prepared:
        # Its own words would stand before the JSON.
        call_command("migrate", interactive=False, verbosity=0, stdout=StringIO())
        return Prepared(provision_admin(), has_items=Item.objects.exists())
