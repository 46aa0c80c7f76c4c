"""The registrations and their leases. Every question first throws out whose lease is over: no answer can hold one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from service_registry.core.clock import Clock
from service_registry.core.leases import Leases
from service_registry.core.query import Found, Query
from service_registry.core.registration import Change, Kind, Registration

MOST = 1000

Listener = Callable[[Change], None]


class FullError(Exception):
    """There are as many registrations as are allowed."""


class Registry:
    def __init__(self, clock: Clock, new_id: Callable[[], str], most: int = MOST) -> None:
        self.clock = clock
        self.most = most
        self.listeners: list[Listener] = []
        self._new_id = new_id
        self._of: dict[str, dict[str, Registration]] = {}  # service -> machine -> registration
        self._by_id: dict[str, Registration] = {}
        self._leases = Leases()
        self._unconfirmed: set[str] = set()  # kept from an earlier life, not renewed since

    def __len__(self) -> int:
        return len(self._by_id)

    def register(self, wish: Registration) -> Found:
        """`wish` has neither id nor time yet. It replaces the same service on the same machine. Raises FullError."""
        now = self.sweep()
        replaced = self._of.get(wish.service, {}).get(wish.machine)
        if replaced is None and len(self) >= self.most:
            raise FullError
        if replaced is not None:
            self._forget(replaced)
        made = replace(wish, id=self._new_id(), registered_at=self.clock.wall())
        self._enter(made, now + made.lease_seconds)
        self._tell(Kind.REGISTERED, made, replaced)
        return self._found(made, now)

    def restore(self, kept: Registration, seconds: float) -> None:
        """One that an earlier life knew. It gets `seconds` to renew, and nobody is told: nobody watches yet."""
        if len(self) < self.most and kept.machine not in self._of.get(kept.service, {}):
            self._enter(kept, self.clock.monotonic() + seconds)
            self._unconfirmed.add(kept.id)

    def renew(self, id: str) -> Found | None:
        now = self.sweep()
        one = self._by_id.get(id)
        if one is None:
            return None
        self._leases.renew(id, now + one.lease_seconds)
        if id in self._unconfirmed:
            self._unconfirmed.discard(id)
            self._tell(Kind.CONFIRMED, one)
        return self._found(one, now)

    def deregister(self, id: str) -> Registration | None:
        self.sweep()
        one = self._by_id.get(id)
        if one is not None:
            self._forget(one)
            self._tell(Kind.DEREGISTERED, one)
        return one

    def sweep(self) -> float:
        """Throws out whose lease is over; the time that it took for now."""
        now = self.clock.monotonic()
        for id in self._leases.take_ended(now):
            one = self._by_id[id]
            self._forget(one)
            self._tell(Kind.EXPIRED, one)
        return now

    def get(self, id: str) -> Found | None:
        now = self.sweep()
        one = self._by_id.get(id)
        return None if one is None else self._found(one, now)

    def find(self, query: Query) -> list[Found]:
        """By service and machine."""
        now = self.sweep()
        services = sorted(self._of) if query.service is None else [query.service]
        return [
            self._found(one, now)
            for service in services
            for _, one in sorted(self._of.get(service, {}).items())
            if query.matches(one)
        ]

    def confirmed(self) -> list[Registration]:
        """Those of this life: registered or renewed in it."""
        return [one for id, one in self._by_id.items() if id not in self._unconfirmed]

    def ids(self) -> set[str]:
        return set(self._by_id)

    def next_look(self) -> float | None:
        """No lease ends before this time."""
        return self._leases.next_look()

    def _found(self, one: Registration, now: float) -> Found:
        return Found(one, self._leases.ends(one.id) - now)

    def _enter(self, one: Registration, ends: float) -> None:
        self._of.setdefault(one.service, {})[one.machine] = one
        self._by_id[one.id] = one
        self._leases.grant(one.id, ends)

    def _forget(self, one: Registration) -> None:
        machines = self._of[one.service]
        del machines[one.machine]
        if not machines:
            del self._of[one.service]
        del self._by_id[one.id]
        self._leases.give_up(one.id)
        self._unconfirmed.discard(one.id)

    def _tell(self, kind: Kind, one: Registration, replaced: Registration | None = None) -> None:
        change = Change(kind, one, self.clock.wall(), replaced)
        for listener in self.listeners:
            listener(change)
