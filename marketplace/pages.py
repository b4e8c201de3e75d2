"""The admin's application, whose pages a process may leave out: commands of long work show none."""

from django.contrib.admin.apps import SimpleAdminConfig

_left_out = False


def leave_out() -> None:
    """Let this process load no page of the admin. To be called before Django is set up."""
    global _left_out  # noqa: PLW0603  (Django makes the application itself, from its name)
    _left_out = True


class AdminConfig(SimpleAdminConfig):
    """Django's own, which looks for the pages only where they are wanted."""

    default_site = "marketplace.admin.Site"

    def ready(self) -> None:
        super().ready()
        if not _left_out and self.module:
            self.module.autodiscover()
