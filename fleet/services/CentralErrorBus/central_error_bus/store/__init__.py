"""The errors on disk: one SQLite database, one writing connection, and short reading ones. All of it blocks."""
