"""How the API's document and the admin present themselves; the same on every machine."""

from typing import Any

from django.urls import reverse_lazy

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Catalogue",
    "DESCRIPTION": "Collectible vehicles from films and series, tools and memorabilia.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "marketplace.openapi.add_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "EmptyCells": ["keep", "clear"],  # not BlankEnum, which is the library's name for an empty text
        "ItemKind": "catalog.models.Kind",
        "ImportState": "catalog.models.ImportState",
        "KeyState": "accounts.keys.State",
        "MediaStateEnum": "catalog.models.MediaState",
        "ProductionKind": "catalog.models.ProductionKind",
        "WriteOutcome": "catalog.api.writing.rows.Outcome",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# The admin's look; every page of marketplace.admin.ModelAdmin names its own place in the sidebar.
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Catalogue",
    "SITE_HEADER": "Catalogue",
    "SITE_SYMBOL": "directions_car",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "/static/catalog/favicon.svg"}],
    "DASHBOARD_CALLBACK": "catalog.admin.dashboard.fill",
    "COMMAND": {"search_callback": "catalog.admin.palette.find"},
    "SIDEBAR": {"show_search": True, "navigation": "marketplace.admin.sidebar"},
    "ACCOUNT": {
        "navigation": [
            {"title": "Second factor", "icon": "shield_lock", "link": reverse_lazy("second-factor")},
            {"title": "Change password", "icon": "password", "link": reverse_lazy("admin:password_change")},
        ]
    },
}

# Spreadsheets in the admin: who may see an item may not import or export by that alone.
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "add"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "export"
