"""Benchmarks: ratios of this service to the least that the same machine can do (`make bench`)."""
