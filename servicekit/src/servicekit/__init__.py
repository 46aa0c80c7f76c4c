"""What every containerised service of the fleet imports: its runtime, and the facts about itself and its peers.

A service's entry is `def create(service: Service) -> FastAPI`; `python -m servicekit` runs it. See README.md.
"""

from __future__ import annotations

from servicekit.errors import Misconfigured, Unanswered, UndeclaredPeer, Unhealthy
from servicekit.peers import Reply
from servicekit.service import Service
from servicekit.version import VERSION

__all__ = ["VERSION", "Misconfigured", "Reply", "Service", "Unanswered", "UndeclaredPeer", "Unhealthy"]
