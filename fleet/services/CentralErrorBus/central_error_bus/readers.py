"""Questions to the store, off the event loop: few at a time, few in waiting, each with a deadline."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from central_error_bus.limits import Limits
from central_error_bus.store.opening import broken
from central_error_bus.store.schema import connect_reader

THREADS: Final = 2
STEPS: Final = 5_000  # of SQLite's machine between two looks at the clock

Found = TypeVar("Found")
Question = Callable[[sqlite3.Connection], Found]


class Busy(Exception):
    """Too many questions are being answered already."""


class TooLong(Exception):
    """The question was given up at its deadline."""


class Readers:
    """`suspect` is called, in any thread, when the database proves to be broken."""

    def __init__(self, path: Path, limits: Limits, suspect: Callable[[], None]) -> None:
        self._path = path
        self._limits = limits
        self._suspect = suspect
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="reader")
        self._own = threading.local()
        self._connections: set[sqlite3.Connection] = set()
        self._waiting = 0

    async def ask(self, question: Question[Found]) -> Found:
        """Raises Busy, TooLong, sqlite3.Error."""
        if self._waiting >= self._limits.readings:
            raise Busy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._answer, question)
        finally:
            self._waiting -= 1

    def _answer(self, question: Question[Found]) -> Found:
        try:
            return self._within_time(question)
        except sqlite3.DatabaseError as error:
            if broken(error):
                self._suspect()
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                raise TooLong from error
            raise

    def _within_time(self, question: Question[Found]) -> Found:
        connection = self._connection()
        until = time.monotonic() + self._limits.reading_seconds
        connection.set_progress_handler(lambda: int(time.monotonic() > until), STEPS)
        connection.execute("BEGIN")  # one view for all that the question asks
        try:
            return question(connection)
        finally:
            connection.execute("ROLLBACK")

    def _connection(self) -> sqlite3.Connection:
        """This thread's own; a new one when the file is no longer the one that it was made for."""
        inode = self._path.stat().st_ino
        found: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if found is None or self._own.inode != inode:
            if found is not None:
                self._drop(found)
            found = self._own.connection = connect_reader(self._path)
            self._own.inode = inode
            self._connections.add(found)
        return found

    def _drop(self, connection: sqlite3.Connection) -> None:
        self._own.connection = None
        self._connections.discard(connection)
        connection.close()

    def close(self) -> None:
        """Before the writer closes: the last connection tidies the log away."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()
