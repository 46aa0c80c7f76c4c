"""Listening: every error once and in order, whatever a listener misses and however slow it is."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pytest
from bus_errors import LOG, error, small
from central_error_bus import follow as following
from central_error_bus.bus import Bus
from central_error_bus.core.filters import Filter
from central_error_bus.core.record import Kept
from central_error_bus.core.words import parse
from central_error_bus.follow import Lost, Step, follow
from central_error_bus.measures import Measures
from central_error_bus.recent import Place
from central_error_bus.store import reading
from central_error_bus.store.reading import Search
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

SECONDS = 20.0
Given = TypeVar("Given")


@asynccontextmanager
async def bus_in(folder: Path, **limits: int) -> AsyncIterator[Bus]:
    bus = Bus(folder, small(**limits), Measures(CollectorRegistry()), LOG)
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()


def with_bus(work: Callable[[Bus], Awaitable[None]], folder: Path | None = None, **limits: int) -> None:
    async def run(where: Path) -> None:
        async with bus_in(where, **limits) as bus, asyncio.timeout(SECONDS):
            await work(bus)

    if folder is not None:
        asyncio.run(run(folder))
    else:
        with TemporaryDirectory() as made:
            asyncio.run(run(Path(made)))


async def listen(bus: Bus, wanted: Filter, place: Place | None, until: int) -> tuple[list[Step], Place]:
    """What comes until a place is reached, and where the listener then is."""
    steps: list[Step] = []
    async with aclosing(follow(bus.recent, bus.readers, wanted, place)) as stream:
        async for step in stream:
            steps.append(step)
            if step.place.number >= until and step.place.store == bus.recent.newest.store:
                break
    return steps, steps[-1].place


def heard(steps: list[Step]) -> list[int]:
    return [step.news.number for step in steps if isinstance(step.news, Kept)]


def lost(steps: list[Step]) -> list[Lost]:
    return [step.news for step in steps if isinstance(step.news, Lost)]


@settings(max_examples=30, deadline=None)
@given(
    batches=st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=12), min_size=1, max_size=8),
    stops=st.lists(st.integers(0, 60), max_size=4),
    recent=st.integers(1, 40),
    wanted=st.sampled_from(["", "a", "a b"]),
)
def test_a_listener_that_comes_and_goes_misses_nothing(
    batches: list[list[str]], stops: list[int], recent: int, wanted: str
) -> None:
    """It reads up to some place, is cut off, and comes back with its last id; memory reaches back only so far."""

    async def work(bus: Bus) -> None:
        place = bus.recent.newest
        names = tuple(wanted.split())
        for batch in batches:
            await bus.publish([error(name, service=name) for name in batch])
        total = sum(map(len, batches))
        found: list[int] = []
        for stop in sorted(min(stop, total) for stop in stops):
            if stop > place.number:
                steps, place = await listen(bus, Filter(service=names), place, stop)
                found += heard(steps)
        steps, _ = await listen(bus, Filter(service=names), place, total)
        found += heard(steps)
        flat = [name for batch in batches for name in batch]
        assert found == [number for number, name in enumerate(flat, 1) if not names or name in names]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "QUIET_SECONDS", 0.01)
        with_bus(work, recent=recent)


def test_listening_while_it_is_published() -> None:
    async def work(bus: Bus) -> None:
        begin = bus.recent.newest
        listeners = [asyncio.create_task(listen(bus, Filter(), begin, 300)) for _ in range(5)]
        late = asyncio.create_task(listen(bus, Filter(words=parse("n7*")), None, 300))
        await asyncio.sleep(0)
        await asyncio.gather(*(bus.publish([error(f"n{number}") for _ in range(3)]) for number in range(100)))
        for listener in listeners:
            assert heard((await listener)[0]) == list(range(1, 301))
        await bus.publish([error("n7")])
        assert len(heard((await late)[0])) in (33, 34)

    with_bus(work, recent=20)


def test_who_comes_too_late_is_told_what_is_lost() -> None:
    async def work(bus: Bus) -> None:
        begin = bus.recent.newest
        for number in range(30):
            await bus.publish([error(f"no {number}")])
        steps, _ = await listen(bus, Filter(), begin, 30)
        assert lost(steps) == [Lost(begin, Place(begin.store, 20))]
        assert heard(steps) == list(range(21, 31))
        assert [type(step.news) for step in steps[:3]] == [type(None), Lost, Kept]
        steps, _ = await listen(bus, Filter(), Place(begin.store, 20), 30)
        assert (lost(steps), heard(steps)) == ([], list(range(21, 31)))

    with_bus(work, errors=10, recent=3)


def test_a_place_of_another_store_or_of_the_future() -> None:
    async def work(bus: Bus) -> None:
        await bus.publish([error(), error()])
        here = bus.recent.newest
        steps, _ = await listen(bus, Filter(), Place("00000000", 77), 2)
        assert lost(steps) == [Lost(Place("00000000", 77), Place(here.store, 0))]
        assert heard(steps) == [1, 2]
        steps, _ = await listen(bus, Filter(), replace(here, number=50), 50)
        assert heard(steps) == []
        async with aclosing(follow(bus.recent, bus.readers, Filter(), replace(here, number=50))) as stream:
            assert (await anext(stream)).news is None
            assert (await anext(stream)).news == Lost(replace(here, number=50), here)
            await bus.publish([error()])
            step = await anext(stream)
            assert isinstance(step.news, Kept)
            assert step.place.number == 3

    with_bus(work)


def test_a_listener_for_whom_nothing_comes_is_told_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "STRIDE", 10)

    async def work(bus: Bus) -> None:
        begin = bus.recent.newest
        await bus.publish([error() for _ in range(25)])
        steps, place = await listen(bus, Filter(service=("Other",)), begin, 10)
        assert (heard(steps), place.number) == ([], 25)

    with_bus(work)


def test_memory_for_listeners_is_bounded() -> None:
    async def work(bus: Bus) -> None:
        await bus.publish([error("x" * 1000) for _ in range(40)])
        await bus.publish([error("x" * 8000)])
        await asyncio.sleep(0)
        held = [kept.error.size for kept in bus.recent._errors]
        assert 0 < sum(held) <= 20_000
        assert len(held) < 12
        steps, _ = await listen(bus, Filter(), Place(bus.recent.newest.store, 0), 41)
        assert heard(steps) == list(range(1, 42))

    with_bus(work, recent=30, recent_bytes=20_000)


def test_a_store_that_is_begun_anew_is_told(tmp_path: Path) -> None:
    async def work(bus: Bus) -> None:
        await bus.publish([error() for _ in range(5)])
        first = bus.recent.newest
        async with aclosing(follow(bus.recent, bus.readers, Filter(), first)) as stream:
            await anext(stream)
            await asyncio.to_thread(_break, bus)
            with pytest.raises(sqlite3.DatabaseError):  # somebody asks, and that is how it is noticed
                await bus.readers.ask(lambda store: reading.search(store, Search(Filter())))
            await bus.publish([error("after it")])
            page = await bus.readers.ask(lambda store: reading.search(store, Search(Filter())))
            assert [one.error.message for one in page.errors] == ["after it"]
            step = await anext(stream)
            assert isinstance(step.news, Lost)
            assert step.news.after == first
            assert step.news.up_to.store != first.store
            step = await anext(stream)
            assert isinstance(step.news, Kept)
            assert step.news.error.message == "after it"

    with_bus(work, tmp_path)


def _break(bus: Bus) -> None:
    for end in ("", "-wal"):
        path = bus.store.path.with_name(bus.store.path.name + end)
        path.write_bytes(b"\xa5" * path.stat().st_size)
