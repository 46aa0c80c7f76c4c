"""One connection in one thread: what is written is on the disk when its caller goes on."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from unified_observability_center.store.opening import connect

T = TypeVar("T")


class Unavailable(Exception):
    """The disk is full, or something else keeps the store from being used. str() says what."""


class Database:
    """`problem` is why it failed last, or empty when it has been written since."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._connection: sqlite3.Connection | None = None
        self.problem = ""

    def open(self) -> str:
        """Blocking. What was wrong with the file, or "". Raises OSError, sqlite3.Error."""
        self._connection, wrong = connect(self._path)
        return wrong

    async def read(self, what: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `what` in the store's thread. Raises Unavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, what)

    async def write(self, what: Callable[[sqlite3.Connection], T]) -> T:
        """As `read`; what is written is on the disk afterwards. Raises Unavailable."""
        found = await self.read(what)
        self.problem = ""
        return found

    def _run(self, what: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                raise sqlite3.OperationalError("the store is not open")
            return what(self._connection)
        except sqlite3.Error as error:
            self.problem = str(error)
            raise Unavailable(str(error)) from error

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        if connection.in_transaction:  # SQLite may have taken it back itself, as when the disk is full
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def begin_life(connection: sqlite3.Connection) -> list[tuple[float, float]]:
    """Writes down that we watch from now on. All lives, oldest first, this one last."""
    now = time.time()
    with transaction(connection):
        connection.execute("DELETE FROM lives WHERE id <= (SELECT max(id) - 200 FROM lives)")
        connection.execute("INSERT INTO lives (began, ended) VALUES (?, ?)", (now, now))
    return connection.execute("SELECT began, ended FROM lives ORDER BY id").fetchall()


def live_on(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE lives SET ended = ? WHERE id = (SELECT max(id) FROM lives)", (time.time(),))
