"""The stream of changes to all who watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from servicekit.sse import Event

from service_registry import views
from service_registry.core.follow import Follower, Snapshot
from service_registry.core.history import History
from service_registry.core.query import Query
from service_registry.core.registration import Change
from service_registry.core.registry import Registry


class Watching:
    def __init__(self, registry: Registry, history: History) -> None:
        self.snapshots = 0
        self._registry = registry
        self._history = history
        self._upcoming = asyncio.Event()  # one for all: set at the next change, and another takes its place

    def heard(self, _: Change) -> None:
        self._upcoming.set()
        self._upcoming = asyncio.Event()

    async def events(self, query: Query, last: str | None) -> AsyncGenerator[Event, None]:
        """Without end. `last` is the id of the last event that this watcher has had."""
        follower = Follower(self._registry, self._history, query, last)
        while True:
            upcoming = self._upcoming
            news = follower.news()
            for one in news:
                self.snapshots += isinstance(one, Snapshot)
                for event in views.events(one):
                    yield event
            if not news:
                await upcoming.wait()
