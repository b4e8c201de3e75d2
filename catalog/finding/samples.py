"""Samples: where filters keep more items than one answer can look at, some of them stand for all."""

import json
from math import ceil
from typing import Any

from django.db.models import Max, Min, QuerySet
from django.db.models.expressions import RawSQL

from catalog.models import Item

MOST = 50_000  # items that are looked at one by one; that takes about 100 ms
SIZE = 10_000  # items that a sample is of, as long as no filter drops any; less than 100 ms, too

# From each run of as many keys one, now here and now there in it: always the same ones, so that an answer that is
# asked for again is the same. It is the keys that are drawn; those of items that are gone find nothing.
DRAWN = """
SELECT %s + %s * run + abs(hashint8(run)::bigint) %% %s FROM generate_series(0, %s::bigint) AS run
"""


def bounded(items: "QuerySet[Any]") -> tuple["QuerySet[Any]", int]:
    """Return the items and 1; of more than `MOST`, a sample, and the number of items that each of it stands for.

    How many they are, PostgreSQL estimates.
    """
    if _estimated(items) <= MOST:
        return items, 1
    ends = Item.objects.aggregate(low=Min("pk"), high=Max("pk"))
    if ends["low"] is None:
        return items, 1
    reach = ends["high"] - ends["low"]
    step = ceil((reach + 1) / SIZE)
    drawn = RawSQL(DRAWN, [ends["low"], step, step, reach // step])  # noqa: S611 -- a fixed text
    return items.filter(pk__in=drawn), step


def _estimated(items: "QuerySet[Any]") -> int:
    plan = json.loads(items.order_by().values("pk").explain(format="json"))
    return int(plan[0]["Plan"]["Plan Rows"])
