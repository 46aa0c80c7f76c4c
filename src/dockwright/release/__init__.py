"""Releases: immutable records of images, what differs between two, which was healthy, and what may be freed."""
