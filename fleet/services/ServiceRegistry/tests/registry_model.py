"""Time that tests move, registrations, and a watcher that believes only what it is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from service_registry.core.clock import Clock
from service_registry.core.follow import Follower, Snapshot
from service_registry.core.history import History
from service_registry.core.query import Query
from service_registry.core.registration import Kind, Registration
from service_registry.core.registry import Registry


class Time:
    def __init__(self) -> None:
        self.now = 1000.0
        self.wall = 1_790_000_000.0
        self.clock = Clock(lambda: self.now, lambda: self.wall)

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds


def wish(
    service: str = "Alpha", machine: str = "mainpc", lease: int = 15, capabilities: tuple[str, ...] = ()
) -> Registration:
    return Registration(
        "", service, machine, "http://alpha:7000", "http://alpha:8000", capabilities, lease, {"a": 1}, 0
    )


def numbered(prefix: str = "id") -> Iterator[str]:
    return (f"{prefix}{number}" for number in count())


def registry(time: Time, most: int = 1000, kept: int = 1024, epoch: str = "e") -> tuple[Registry, History]:
    names = numbered(epoch)
    made, history = Registry(time.clock, lambda: next(names), most), History(epoch, kept)
    made.listeners.append(history.heard)
    return made, history


@dataclass
class Watcher:
    """Fails when it is told something that cannot follow from what it knows."""

    query: Query = field(default_factory=Query)
    last: str | None = None
    known: dict[str, Registration] = field(default_factory=dict)
    snapshots: int = 0
    follower: Follower | None = None

    def connect(self, registry: Registry, history: History) -> None:
        self.follower = Follower(registry, history, self.query, self.last)

    def listen(self, most: int | None = None) -> None:
        """Takes everything, or breaks off in the middle after so many."""
        assert self.follower is not None
        heard = 0
        while news := self.follower.news():
            for one in news:
                if heard == most:
                    self.follower = None
                    return
                heard += 1
                assert one.id != self.last
                self.last = one.id
                if isinstance(one, Snapshot):
                    self.snapshots += 1
                    self.known = {each.id: each for each in one.registrations}
                else:
                    self._told(one.kind, one.registration, one.instead_of)

    def _told(self, kind: Kind, one: Registration, instead_of: str | None) -> None:
        assert self.query.matches(one)
        if kind is Kind.REGISTERED:
            assert one.id not in self.known
            self.known.pop(instead_of or "", None)
            assert one.key not in {each.key for each in self.known.values()}
            self.known[one.id] = one
        else:
            assert kind in (Kind.EXPIRED, Kind.DEREGISTERED)
            assert self.known.pop(one.id) == one
