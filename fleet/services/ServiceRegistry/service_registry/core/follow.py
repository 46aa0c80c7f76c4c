"""What one watcher is told: the whole state once, then each change of it, and the whole again if it fell behind.

A watcher holds a place in the common history and no queue of its own, so a slow one costs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service_registry.core.history import History
from service_registry.core.query import Query
from service_registry.core.registration import Change, Kind, Registration
from service_registry.core.registry import Registry

AT_ONCE = 100


@dataclass(frozen=True)
class Snapshot:
    id: str
    registrations: Sequence[Registration]


@dataclass(frozen=True)
class Told:
    """`instead_of` is the id that a registration took the place of."""

    id: str
    kind: Kind
    registration: Registration
    at: float
    instead_of: str | None = None


class Follower:
    def __init__(self, registry: Registry, history: History, query: Query, last: str | None) -> None:
        """`last` is the id of the last thing that the watcher was told, if it was."""
        self._registry = registry
        self._history = history
        self._query = query
        self._number = None if last is None else history.number(last)

    def news(self) -> Sequence[Snapshot | Told]:
        """What the watcher has not been told yet, or the beginning of it; empty when it knows everything."""
        self._registry.sweep()
        while self._number != self._history.last:
            changes = None if self._number is None else self._history.since(self._number, AT_ONCE)
            if changes is None:
                return [self._whole()]
            told = [one for number, change in changes for one in self._seen(number, change)]
            self._number = changes[-1][0]
            if told:
                return told
        return []

    def _whole(self) -> Snapshot:
        found = self._registry.find(self._query)
        self._number = self._history.last
        return Snapshot(self._history.name(self._number), [one.registration for one in found])

    def _seen(self, number: int, change: Change) -> Iterator[Told]:
        """A change as it looks through the query."""
        id, old = self._history.name(number), change.replaced
        if self._query.matches(change.registration):
            yield Told(id, change.kind, change.registration, change.at, None if old is None else old.id)
        elif old is not None and self._query.matches(old):
            yield Told(id, Kind.DEREGISTERED, old, change.at)
