"""The service's HTTP side: an application whose errors are problems and whose input is bounded."""

from __future__ import annotations

from servicekit.web.app import create_app
from servicekit.web.problem import Problem
from servicekit.web.token import require_token

__all__ = ["Problem", "create_app", "require_token"]
