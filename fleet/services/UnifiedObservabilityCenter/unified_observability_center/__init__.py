"""What runs where, since when, from which commit, and whether that is what was released."""
