"""The bucket and the catalogue brought into agreement: listed once, staged, decided in SQL, applied."""
