"""Whatever services, clocks and restarts do: no answer holds an expired registration, and watchers know the truth."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from registry_model import Time, Watcher, registry, wish
from service_registry.core.query import Query, in_order
from service_registry.core.registration import Change, Key, Kind, Registration
from service_registry.core.registry import FullError
from service_registry.store import Store

MOST = 5
SERVICES = st.sampled_from(["Alpha", "Beta", "Gamma"])
MACHINES = st.sampled_from(["mainpc", "pc2", "pc3"])
CAPABILITIES = st.sets(st.sampled_from(["CPU", "GPU", "Web"])).map(lambda found: tuple(sorted(found)))
SECONDS = st.integers(1, 60 * 64).map(lambda ticks: ticks / 64)  # sums of these are exact
QUERIES = st.just(Query()) | st.builds(
    Query, st.none() | SERVICES, st.none() | MACHINES, CAPABILITIES.map(lambda found: frozenset(found[:1]))
)
WISHES = st.builds(wish, SERVICES, MACHINES, st.integers(1, 60), CAPABILITIES)


def fits(query: Query, one: Registration) -> bool:
    """What a query means, said once more and otherwise."""
    if query.service is not None and query.service != one.service:
        return False
    if query.machine is not None and query.machine != one.machine:
        return False
    return all(capability in one.capabilities for capability in query.capabilities)


@dataclass
class Held:
    registration: Registration
    ends: float
    graces: int = 0


class Fleet(RuleBasedStateMachine):
    """`held` is the truth: who registered or renewed last, and until when that holds."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.time = Time()
        self.held: dict[Key, Held] = {}
        self.ids: list[str] = ["never-given"]
        self.lives = 0
        self.watchers = [Watcher(), Watcher(Query(service="Alpha")), Watcher(Query(capabilities=frozenset({"GPU"})))]
        self.store: Store | None = None
        self.live()

    def teardown(self) -> None:
        if self.store is not None:
            self.store.close()
            self.folder.cleanup()

    def live(self) -> None:
        """A life of the registry: what its end left on disk, and watchers who come back with what they heard last."""
        self.lives += 1
        self.registry, self.history = registry(self.time, MOST, kept=6, epoch=f"life{self.lives}x")
        self.store = Store(Path(self.folder.name) / "registrations.sqlite", logging.getLogger("test"))
        for kept, seconds in self.store.load():
            self.registry.restore(kept, seconds)
        self.registry.listeners.append(self.write)
        for watcher in self.watchers:
            watcher.connect(self.registry, self.history)

    def write(self, change: Change) -> None:
        there = change.kind in (Kind.REGISTERED, Kind.CONFIRMED)
        assert self.store is not None
        self.store.write({change.registration.key: change.registration if there else None})

    def living(self) -> dict[Key, Held]:
        return {key: one for key, one in self.held.items() if one.ends > self.time.now}

    @rule(wishes=st.lists(WISHES, min_size=1, max_size=4))
    def some_register(self, wishes: list[Registration]) -> None:
        for asked in wishes:
            self.registers(asked)

    def registers(self, asked: Registration) -> None:
        living = self.living()
        try:
            made = self.registry.register(asked).registration
        except FullError:
            assert len(living) == MOST
            assert asked.key not in living
            return
        assert len(living | {made.key: None}) <= MOST
        assert made.id not in self.ids
        self.ids.append(made.id)
        self.held[made.key] = Held(made, self.time.now + asked.lease_seconds)

    def somebodys(self, data: st.DataObject) -> str:
        """Of somebody who may be there still, or of anybody who ever was."""
        recent = [one.registration.id for one in self.held.values()]
        return data.draw(st.sampled_from(recent or self.ids) | st.sampled_from(self.ids))

    @rule(data=st.data())
    def renews(self, data: st.DataObject) -> None:
        id = self.somebodys(data)
        found = self.registry.renew(id)
        one = next((one for one in self.living().values() if one.registration.id == id), None)
        assert (found is None) == (one is None)
        if found is not None and one is not None:
            assert found.registration == one.registration
            one.ends = max(one.ends, self.time.now + found.registration.lease_seconds)
            one.graces = 0
            assert found.left == one.ends - self.time.now >= found.registration.lease_seconds

    @rule(data=st.data())
    def deregisters(self, data: st.DataObject) -> None:
        id = self.somebodys(data)
        gone = self.registry.deregister(id)
        one = next((one for one in self.living().values() if one.registration.id == id), None)
        assert gone == (one.registration if one else None)
        if one is not None:
            del self.held[one.registration.key]

    @rule(seconds=SECONDS, somebody_sets_the_clock=st.floats(-1e9, 1e9))
    def time_passes(self, seconds: float, somebody_sets_the_clock: float) -> None:
        self.time.passes(seconds)
        self.time.wall += somebody_sets_the_clock

    @rule()
    def sleeps_until_the_next_expiry(self) -> None:
        look = self.registry.next_look()
        living = self.living()
        assert look is not None or not living
        if look is not None:
            assert all(look <= one.ends for one in living.values()), "the sweeper would come too late"
            self.time.passes(max(0.0, look - self.time.now))
            self.registry.sweep()

    @rule(down=SECONDS)
    def is_killed_and_starts_again(self, down: float) -> None:
        assert self.store is not None
        self.registry.sweep()
        living = self.living()
        self.store.close()
        self.time.passes(down)
        for one in living.values():
            one.ends = self.time.now + one.registration.lease_seconds * 0.5**one.graces
            one.graces += 1
        self.held = living
        self.live()

    @rule(query=QUERIES, preferred=st.none() | MACHINES)
    def somebody_asks(self, query: Query, preferred: str | None) -> None:
        found = self.registry.find(query)
        wanted = {key: one for key, one in self.living().items() if fits(query, one.registration)}
        assert [one.registration for one in found] == [wanted[key].registration for key in sorted(wanted)]
        assert [one.left for one in found] == [wanted[key].ends - self.time.now for key in sorted(wanted)]
        assert all(one.left > 0 for one in found)
        order = in_order(found, preferred, MOST)
        assert sorted(order, key=lambda one: one.registration.key) == found
        assert [one.late for one in order] == sorted(one.late for one in found)

    @rule(which=st.integers(0, 2), most=st.none() | st.integers(0, 4))
    def watcher_listens(self, which: int, most: int | None) -> None:
        watcher = self.watchers[which]
        watcher.listen(most)
        if watcher.follower is None:  # it broke off and comes back
            watcher.connect(self.registry, self.history)
            return
        living = [one.registration for one in self.living().values()]
        assert watcher.known == {one.id: one for one in living if fits(watcher.query, one)}

    @invariant()
    def bounds_hold(self) -> None:
        assert len(self.registry) <= MOST


Fleet.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestFleet = Fleet.TestCase
