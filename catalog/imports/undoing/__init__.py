"""Taking a run back, from history."""
