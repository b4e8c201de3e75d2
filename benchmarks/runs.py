"""Measures what imports promise when they are killed, meet or are refused: `python -m benchmarks.security`.

Each measurement runs in a process of its own (benchmarks.runs_inside), which has Django set up.
"""

from benchmarks.database import measurements

DATABASE = "catalogue_runs"
MEASUREMENTS = measurements(
    "benchmarks.runs_inside", DATABASE, ("killed", "killed-commands", "together", "partial")
)
