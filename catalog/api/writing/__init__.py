"""Writes over the API: create, replace, change and delete, one row or many, by the same rules as every other door."""
