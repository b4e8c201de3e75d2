"""A run from the upload to its end: its steps, its process, its file."""
