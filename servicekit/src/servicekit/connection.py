"""The client's connection, for the one thing that ASGI has no word for: cutting it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

# Set by the server for each request's task; a client of tests without a server has none.
CUT: Final[ContextVar[Callable[[], None] | None]] = ContextVar("cut", default=None)


async def cut() -> bool:
    """Closes the connection of the running request at once, without sending what is still waiting."""
    close = CUT.get()
    if close is None:
        return False
    close()
    await asyncio.sleep(0)  # the server notices, and does not miss the rest of the answer
    return True
