"""What people see of a run: rows, differences, what was rejected."""
