"""The service, but no kept answer is ever found: each is looked for, made and kept in vain."""

import os
from typing import Any

from django.conf import settings
from django.core.cache.backends.locmem import LocMemCache
from django.core.wsgi import get_wsgi_application


class NeverFound(LocMemCache):
    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        super().get(key, default, version)
        return default


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
settings.CACHES["default"]["BACKEND"] = "benchmarks.cold.NeverFound"
application = get_wsgi_application()
