"""Decisions about what is seen. Pure: no clock, no file, no socket."""
