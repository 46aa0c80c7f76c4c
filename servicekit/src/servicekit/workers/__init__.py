"""Several workers: a parent that answers the health port for all of them, and the processes that serve."""
