"""The catalogue's admin pages, one file per noun; importing them registers them, in the sidebar's order."""

from catalog.admin import items, media, productions, terms, imports  # noqa: F401, I001
