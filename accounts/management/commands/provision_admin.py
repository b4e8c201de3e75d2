"""`manage.py provision_admin`."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.provisioning import Provisioned, provision_admin
from marketplace.commands import OperatorCommand


class Command(OperatorCommand):
    help = (
        "Create the first superuser, unless there is an active one. ADMIN_USERNAME (default admin), ADMIN_EMAIL and"
        " ADMIN_PASSWORD or ADMIN_PASSWORD_FILE say who; without a password one is made up and kept in"
        " VAR_DIR/admin_password, mode 600; where the service is public, it must be changed within 72 hours. Running it"
        " again changes nothing, unless that time has passed and nobody can sign in: then another is made up."
    )
    examples = (
        "  manage.py provision_admin\n"
        "  ADMIN_USERNAME=ada ADMIN_PASSWORD_FILE=/run/secrets/admin manage.py provision_admin --json\n"
        "  manage.py provision_admin --dry-run\n"
    )

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be made, and make nothing")

    def perform(self, **options: Any) -> Provisioned:
        return provision_admin(dry_run=options["dry_run"])
