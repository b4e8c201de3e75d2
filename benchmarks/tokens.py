"""Measures what sessions and tokens promise, at full size, on a database of its own: `python -m benchmarks.security`.

Each measurement runs in a process of its own (benchmarks.tokens_inside), which has Django set up.
"""

from benchmarks.database import measurements

DATABASE = "catalogue_tokens"
NAMES = ("race", "stock", "grace", "beside", "ids", "forged", "lifetimes", "pruning")
MEASUREMENTS = measurements("benchmarks.tokens_inside", DATABASE, NAMES)
