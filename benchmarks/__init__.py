"""Benchmarks: ratios to the least that the same machine can do (`make bench`), and figures of safety (`make drill`)."""

# What a measurement found, and whether that is as it must be (None: no limit is set).
Finding = tuple[str, bool | None]
