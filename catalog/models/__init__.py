"""The catalogue's tables, one file per noun."""

from catalog.models.import_run import ImportIssue, ImportRun, ImportState
from catalog.models.item import (
    FIRST_YEAR,
    LAST_YEAR,
    Authenticity,
    Availability,
    Condition,
    Item,
    ItemQuerySet,
    Kind,
    Memorabilia,
    OldSlug,
    Status,
    Tool,
    Vehicle,
    kinds_seen,
    kinds_with,
    may_see_all,
    unused_slug,
)
from catalog.models.media import MediaAsset, MediaAssetQuerySet, MediaKind, MediaState
from catalog.models.production import (
    Appearance,
    Production,
    ProductionKind,
    ProductionQuerySet,
    Role,
)
from catalog.models.rights import may_view
from catalog.models.term import Term, TermQuerySet, Vocabulary

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "Appearance",
    "Authenticity",
    "Availability",
    "Condition",
    "ImportIssue",
    "ImportRun",
    "ImportState",
    "Item",
    "ItemQuerySet",
    "Kind",
    "MediaAsset",
    "MediaAssetQuerySet",
    "MediaKind",
    "MediaState",
    "Memorabilia",
    "OldSlug",
    "Production",
    "ProductionKind",
    "ProductionQuerySet",
    "Role",
    "Status",
    "Term",
    "TermQuerySet",
    "Tool",
    "Vehicle",
    "Vocabulary",
    "kinds_seen",
    "kinds_with",
    "may_see_all",
    "may_view",
    "unused_slug",
]
