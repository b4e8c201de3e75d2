"""The catalogue's admin pages, one file per noun; importing them registers them, in the sidebar's order."""

from catalog.admin import items, media, productions, terms  # noqa: F401, I001
from catalog.admin.imports import runs, layouts  # noqa: F401
from catalog.admin import bulk_edits, jobs  # noqa: F401
