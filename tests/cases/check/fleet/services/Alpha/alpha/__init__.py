"""A service of a test fleet."""
