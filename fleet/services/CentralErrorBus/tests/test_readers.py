"""Questions to the store are few and short, and limits are what somebody set."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from bus_errors import add, error, opened, small
from central_error_bus.limits import Limits, from_environment
from central_error_bus.readers import Busy, Readers, TooLong

FOREVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@contextmanager
def readers_of(folder: Path, limits: Limits) -> Iterator[Readers]:
    with closing(opened(folder)) as store:
        add(store, error())
        suspected = threading.Event()
        with closing(Readers(store.path, limits, suspected.set)) as readers:
            yield readers
        assert not suspected.is_set()


def count(store: sqlite3.Connection) -> int:
    return int(store.execute("SELECT count(*) FROM errors").fetchone()[0])


def test_a_question_without_end_is_given_up_and_the_next_one_is_answered(tmp_path: Path) -> None:
    async def work(readers: Readers) -> None:
        with pytest.raises(TooLong):
            await readers.ask(lambda store: store.execute(FOREVER).fetchone())
        assert await readers.ask(count) == 1

    with readers_of(tmp_path, replace(small(), reading_seconds=0.2)) as readers:
        asyncio.run(work(readers))


def test_too_many_questions_are_refused(tmp_path: Path) -> None:
    go_on = threading.Event()

    async def work(readers: Readers) -> None:
        def wait(store: sqlite3.Connection) -> int:
            go_on.wait(20)
            return count(store)

        asked = [asyncio.create_task(readers.ask(wait)) for _ in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await readers.ask(count)
        go_on.set()
        assert await asyncio.gather(*asked) == [1] * 5
        assert await readers.ask(count) == 1

    with readers_of(tmp_path, small(readings=5)) as readers:
        asyncio.run(work(readers))


def test_a_question_that_is_wrong_is_nobodys_fault_but_its_own(tmp_path: Path) -> None:
    async def work(readers: Readers) -> None:
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await readers.ask(lambda store: store.execute("SELECT * FROM elsewhere").fetchone())
        assert await readers.ask(count) == 1

    with readers_of(tmp_path, small()) as readers:
        asyncio.run(work(readers))


def test_limits_from_the_environment() -> None:
    given = {"CENTRAL_ERROR_BUS_ERRORS": "20", "CENTRAL_ERROR_BUS_DISK_BYTES": str(2**30), "PATH": "/bin"}
    assert from_environment(given) == Limits(errors=20, disk_bytes=2**30)
    assert from_environment({}) == Limits()


@pytest.mark.parametrize(
    ("name", "value"),
    [("ERRORS", "0"), ("ERRORS", "-1"), ("GROUPS", "many"), ("DISK_BYTES", "1000"), ("GROUPS", "9" * 20)],
)
def test_limits_that_are_none(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        from_environment({f"CENTRAL_ERROR_BUS_{name}": value})
