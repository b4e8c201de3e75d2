"""Fixtures for tests that speak to a real bucket."""
