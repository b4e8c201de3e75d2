"""Fixtures for tests that drive a real browser."""
