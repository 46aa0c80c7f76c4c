"""The errors committed last, kept in memory for those who listen, and the news that there are more."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from central_error_bus.core.record import Kept
from central_error_bus.limits import Limits
from central_error_bus.writer import Commit


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """How far somebody has read: all errors of `store` up to `number`."""

    store: str
    number: int

    def __str__(self) -> str:
        return f"{self.store}-{self.number}"


class Recent:
    """Belongs to the event loop. Nothing is kept per listener: who is slow reads from the store instead."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._errors: deque[Kept] = deque()
        self._bytes = 0
        self._news: asyncio.Future[None] | None = None
        self.newest = Place("", 0)

    def take(self, commit: Commit) -> None:
        if commit.store != self.newest.store:
            self._errors.clear()
            self._bytes = 0
        self.newest = Place(commit.store, commit.newest)
        for kept in commit.kept:
            self._errors.append(kept)
            self._bytes += kept.error.size
        while len(self._errors) > self._limits.recent or self._bytes > self._limits.recent_bytes:
            self._bytes -= self._errors.popleft().error.size
        self.wake()

    def wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
        self._news = None

    def after(self, place: Place) -> list[Kept] | None:
        """All errors after a place in the present store; None when some of them are kept in the store only."""
        if place.number >= self.newest.number:
            return []
        if not self._errors or self._errors[0].number > place.number + 1:
            return None
        skipped = place.number + 1 - self._errors[0].number  # numbers follow each other without a gap
        return list(self._errors)[skipped:]

    async def more(self, seconds: float) -> bool:
        """Waits until something has been committed; False when nothing was for a while."""
        if self._news is None:
            self._news = asyncio.get_running_loop().create_future()
        done, _ = await asyncio.wait((self._news,), timeout=seconds)
        return bool(done)
