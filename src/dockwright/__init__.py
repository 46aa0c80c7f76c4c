"""Dockwright: builds, locks, releases, rolls out, heals and shows a fleet of containerised Python services."""

__version__ = "0.1.0"
