"""Work that takes a processor for itself: one at a time, and few that wait for their turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

WAITING: Final = 16


class TooMany(Exception):
    """So many wait already."""


class Turns:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._there = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Raises TooMany."""
        if self._there > WAITING:
            raise TooMany
        self._there += 1
        try:
            async with self._lock:
                yield
        finally:
            self._there -= 1
