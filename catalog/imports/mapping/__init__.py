"""Which cells of a file make which columns."""
