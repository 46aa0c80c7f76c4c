"""Leases, history, the file on disk, keeping and sweeping, each for itself."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from registry_model import Time, Watcher, numbered, registry, wish
from service_registry.core.clock import Clock
from service_registry.core.history import History
from service_registry.core.leases import SLACK, Leases
from service_registry.core.query import Found, Query, in_order
from service_registry.core.registration import Change, Kind, Registration
from service_registry.core.registry import Registry
from service_registry.keeping import Keeping
from service_registry.store import Store
from service_registry.sweeper import Sweeper

LOG = logging.getLogger("registry-parts")


def test_leases_take_no_memory_for_renewals_nor_for_those_given_up() -> None:
    leases = Leases()
    for number in range(5000):
        leases.grant(f"id{number}", 1e9)
        if number >= 10:
            leases.give_up(f"id{number}")
        leases.renew("id0", 1e9 + number)
    assert len(leases._heap) <= 2 * 10 + SLACK + 1
    assert leases.take_ended(1e9) == [f"id{number}" for number in range(1, 10)]
    assert leases.take_ended(1e9 + 4999) == ["id0"]
    assert leases.next_look() is None


def test_leases_end_in_their_order_though_renewed_in_another() -> None:
    leases = Leases()
    for number in range(3):
        leases.grant(f"id{number}", 10.0 + number)
    leases.renew("id0", 30)
    leases.renew("id1", 20)
    assert leases.take_ended(9.9) == []
    assert leases.take_ended(40) == ["id2", "id1", "id0"]


@pytest.mark.parametrize("name", ["", "e", "e-", "-1", "e--1", "e-x", "e-1.0", "e-٣", "other-1", "e-" + "9" * 5000])
def test_history_does_not_know_names_that_it_did_not_give(name: str) -> None:
    assert History("e").number(name) is None


def test_late_ones_come_last_and_the_preferred_machine_first() -> None:
    def found(machine: str, left: float) -> Found:
        return Found(wish(machine=machine, lease=15), left)

    order = in_order([found("a", 4.9), found("b", 5.0), found("c", 15.0), found("d", 1.0)], "d", 9)
    assert [(one.registration.machine, one.late) for one in order] == [
        ("b", False),
        ("c", False),
        ("d", True),
        ("a", True),
    ]
    assert [one.registration.machine for one in in_order(order, "c", 3)] == ["c", "b", "a"]


def test_a_watcher_that_fell_behind_gets_the_whole_again() -> None:
    made, history = registry(Time(), kept=4)
    watcher = Watcher()
    watcher.connect(made, history)
    watcher.listen()
    for _ in range(4):
        made.register(wish())
    watcher.listen()
    assert watcher.snapshots == 1
    for _ in range(5):
        made.register(wish())
    watcher.listen()
    assert watcher.snapshots == 2
    assert len(watcher.known) == 1


def test_a_watcher_that_is_far_behind_but_not_too_far_is_told_everything() -> None:
    made, history = registry(Time())
    watcher = Watcher()
    watcher.connect(made, history)
    watcher.listen()
    for number in range(350):
        made.register(wish(machine=f"m{number}"))
    watcher.listen()
    assert (watcher.snapshots, set(watcher.known)) == (1, made.ids())


def test_a_watcher_hears_of_an_expiry_though_nobody_swept() -> None:
    time_of = Time()
    made, history = registry(time_of)
    made.register(wish(lease=5))
    watcher = Watcher()
    watcher.connect(made, history)
    watcher.listen()
    time_of.passes(5)
    watcher.listen()
    assert (watcher.snapshots, watcher.known) == (1, {})


FIRST_QUESTIONS: dict[str, Callable[[Registry], bool]] = {
    "get": lambda made: made.get("e0") is None,
    "renew": lambda made: made.renew("e0") is None,
    "deregister": lambda made: made.deregister("e0") is None,
    "find": lambda made: made.find(Query()) == [],
    "register": lambda made: made.register(wish(machine="another")).registration.id == "e1",
}


@pytest.mark.parametrize("question", FIRST_QUESTIONS)
def test_whose_lease_is_over_is_gone_whatever_is_asked_first(question: str) -> None:
    time_of = Time()
    made, _ = registry(time_of, most=1)
    made.register(wish(lease=5))
    time_of.passes(5 - 1 / 64)
    assert made.ids() == {"e0"}
    assert made.get("e0") is not None
    time_of.passes(1 / 64)
    assert FIRST_QUESTIONS[question](made)
    assert "e0" not in made.ids()


def kept(number: int = 0, machine: str = "mainpc") -> Registration:
    return replace(wish(machine=machine, capabilities=("CPU", "Web")), id=f"kept{number}", registered_at=1e9)


@pytest.mark.parametrize("broken", [b"not a database, by far", b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_broken_file_is_put_aside(tmp_path: Path, broken: bytes) -> None:
    file = tmp_path / "registrations.sqlite"
    file.write_bytes(broken)
    store = Store(file, LOG)
    assert store.load() == []
    assert (tmp_path / "registrations.sqlite.broken").read_bytes() == broken
    store.write({kept().key: kept()})
    store.close()
    again = Store(file, LOG)
    assert again.load() == [(kept(), 15.0)]
    again.close()


def test_a_file_that_breaks_while_it_is_used_is_put_aside(tmp_path: Path) -> None:
    file = tmp_path / "registrations.sqlite"
    store = Store(file, LOG)
    store.write({kept(n, f"m{n}").key: kept(n, f"m{n}") for n in range(500)})
    store.close()
    with file.open("r+b") as bytes_of:
        bytes_of.seek(4096)
        bytes_of.write(b"\xff" * (file.stat().st_size - 4096))
    store = Store(file, LOG)
    with pytest.raises(sqlite3.DatabaseError):
        store.write({kept().key: kept()})
    store.write_whole({"kept1"}, [kept(1)])
    store.close()
    again = Store(file, LOG)
    assert [one.id for one, _ in again.load()] == ["kept1"]
    again.close()


def test_a_file_of_another_version_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "registrations.sqlite"
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE registrations (something_else TEXT)")
        other.execute("PRAGMA user_version = 99")
    other.close()
    store = Store(file, LOG)
    assert store.load() == []
    store.write({kept().key: kept()})
    store.close()


def test_a_row_that_is_not_understood_costs_only_itself(tmp_path: Path) -> None:
    file = tmp_path / "registrations.sqlite"
    store = Store(file, LOG)
    store.write({one.key: one for one in (kept(1, "a"), kept(2, "b"), kept(3, "c"))})
    store.close()
    with sqlite3.connect(file) as other:
        other.execute("UPDATE registrations SET wish = 'x' WHERE machine = 'a'")
        other.execute("UPDATE registrations SET wish = replace(wish, 'http:', 'gopher:') WHERE machine = 'b'")
    other.close()
    store = Store(file, LOG)
    assert [one.id for one, _ in store.load()] == ["kept3"]
    store.close()


class Disk:
    """A registry with its file in `folder`, kept by a task as in the service."""

    def __init__(self, folder: Path) -> None:
        names = numbered(f"{folder.name}-")
        self.registry = Registry(Clock(), lambda: next(names))
        self.file = folder / "registrations.sqlite"
        self.reported: list[Exception] = []
        self.store = Store(self.file, LOG)
        self.keeping = Keeping(self.registry, self.store, LOG, self.reported.append)
        self.registry.listeners.append(self.keeping.heard)

    @asynccontextmanager
    async def runs(self) -> AsyncIterator[Disk]:
        await self.keeping.load()
        task = asyncio.create_task(self.keeping.run())
        yield self
        await self.keeping.stop(task)
        self.store.close()

    def on_disk(self) -> set[str]:
        with sqlite3.connect(self.file) as other:
            found = {id for (id,) in other.execute("SELECT id FROM registrations")}
        other.close()
        return found


def test_who_renewed_after_a_restart_has_a_whole_grace_at_the_next(tmp_path: Path) -> None:
    async def life() -> list[float]:
        async with Disk(tmp_path).runs() as disk:
            left = [round(one.left / one.registration.lease_seconds, 1) for one in disk.registry.find(Query())]
            disk.registry.renew("renewing")
            await asyncio.sleep(0)
        return left

    store = Store(tmp_path / "registrations.sqlite", LOG)
    ids = {"a": "renewing", "b": "silent"}
    many = [replace(wish(machine=machine, lease=3600), id=id) for machine, id in ids.items()]
    store.write({one.key: one for one in many})
    store.close()
    assert [asyncio.run(life()) for _ in range(3)] == [[1.0, 1.0], [1.0, 0.5], [1.0, 0.2]]


async def until_well(keeping: Keeping) -> None:
    async with asyncio.timeout(30):
        while keeping.trouble():
            await asyncio.sleep(0.05)


def test_what_is_answered_is_on_disk(tmp_path: Path) -> None:
    async def scene() -> None:
        async with Disk(tmp_path).runs() as disk:
            for machine in ("a", "b", "c"):
                disk.registry.register(wish(machine=machine))
                await disk.keeping.kept()
                assert disk.on_disk() == disk.registry.ids()
            disk.registry.deregister(next(iter(disk.registry.ids())))
            await disk.keeping.kept()
            assert disk.on_disk() == disk.registry.ids()
            assert not disk.keeping.trouble()

    asyncio.run(scene())


def test_a_stop_writes_what_nobody_waited_for(tmp_path: Path) -> None:
    async def scene() -> None:
        disk = Disk(tmp_path)
        async with disk.runs():
            await asyncio.sleep(0)
            disk.registry.register(wish())
        assert disk.on_disk() == disk.registry.ids() != set()

    asyncio.run(scene())


def test_a_disk_that_refuses_hinders_nobody_and_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service_registry.keeping.AGAIN", 3.0)

    async def scene() -> None:
        async with Disk(tmp_path).runs() as disk:
            first = disk.registry.register(wish(machine="a")).registration
            disk.registry.register(wish(machine="b"))
            await disk.keeping.kept()
            disk.store.close()
            disk.file.rename(tmp_path / "away")
            disk.file.mkdir()  # where a folder stands, no file can be opened
            disk.registry.deregister(first.id)
            await disk.keeping.kept()
            assert "unable to open" in disk.keeping.trouble()
            began = time.monotonic()
            disk.registry.register(wish(machine="c"))
            await disk.keeping.kept()
            assert time.monotonic() - began < 2.0, "an answer waited for a disk that refuses"
            disk.file.rmdir()
            (tmp_path / "away").rename(disk.file)
            await until_well(disk.keeping)
            assert disk.on_disk() == disk.registry.ids()

    asyncio.run(scene())


def test_a_disk_that_refuses_from_the_start_hinders_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service_registry.keeping.AGAIN", 0.1)

    async def scene() -> None:
        disk = Disk(tmp_path)
        disk.file.mkdir()
        async with disk.runs():
            assert disk.keeping.trouble()
            disk.registry.register(wish())
            async with asyncio.timeout(30):
                while disk.keeping.failures < 3:
                    await asyncio.sleep(0.05)
            assert len(disk.reported) == 1, "told once, not at each attempt"
            disk.file.rmdir()
            await until_well(disk.keeping)
            assert disk.on_disk() == disk.registry.ids()

    asyncio.run(scene())


def test_the_sweeper_sleeps_until_a_lease_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[Kind, float]] = []
    looks = 0

    class Counted(Registry):
        def sweep(self) -> float:
            nonlocal looks
            looks += 1
            return super().sweep()

    def hear(change: Change) -> None:
        heard.append((change.kind, time.monotonic()))

    async def scene() -> None:
        names = numbered()
        made = Counted(Clock(), lambda: next(names))
        sweeper = Sweeper(made)
        made.listeners += [sweeper.heard, hear]
        task = asyncio.create_task(sweeper.run())
        await asyncio.sleep(0.05)
        made.register(wish(machine="long", lease=3600))
        await asyncio.sleep(0.05)
        made.register(wish(machine="short", lease=1))
        async with asyncio.timeout(30):
            while len(heard) < 3:
                await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()

    asyncio.run(scene())
    assert [kind for kind, _ in heard] == [Kind.REGISTERED, Kind.REGISTERED, Kind.EXPIRED]
    assert heard[2][1] - heard[1][1] >= 1.0
    assert looks <= 8, "it polls"
