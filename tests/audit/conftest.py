"""The small repository of the locks' tests, with its index."""

from __future__ import annotations

from lock.conftest import locked, packages, pypi, repo

__all__ = ["locked", "packages", "pypi", "repo"]
