"""Measures what the bucket's users promise when the bucket fails: `python -m benchmarks.security`.

Each measurement runs in a process of its own (benchmarks.bucket_inside), which has Django set up.
"""

from benchmarks.database import measurements

DATABASE = "catalogue_bucket"
MEASUREMENTS = measurements(
    "benchmarks.bucket_inside", DATABASE, ("bucket-chaos", "bucket-dead", "bucket-retries")
)
