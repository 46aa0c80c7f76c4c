"""The store as its one writing thread sees it."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from central_error_bus.limits import Limits
from central_error_bus.store import opening
from central_error_bus.store.index import Index, has_fts
from central_error_bus.store.room import Held, Room, held, used_bytes
from central_error_bus.store.transaction import Transaction


class Store:
    """Belongs to the thread that opens it."""

    def __init__(self, folder: Path, limits: Limits, log: logging.Logger, fts: bool = True) -> None:
        self.path = folder / opening.FILE
        self._folder = folder
        self._limits = limits
        self._log = log
        self._fts = fts
        self._lock: int | None = None
        self.name = ""  # of this store; another one in its place has another
        self.newest = 0
        self.held = Held(0, 0)

    def open(self) -> None:
        """Recovers what a crash left, or begins anew beside what cannot be recovered. Raises sqlite3.Error, OSError."""
        if self._lock is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = opening.lock(self._folder)
        self._connection = opening.open_database(self._folder, self._limits.wal_pages, self._log)
        try:
            self._read()
        except sqlite3.DatabaseError as error:
            if not opening.broken(error):
                raise
            self.renew(str(error))

    def renew(self, why: str) -> None:
        """Sets the present database aside and begins an empty one."""
        self._connection.close()
        opening.set_aside(self.path, why, self._log)
        self._connection = opening.open_database(self._folder, self._limits.wal_pages, self._log)
        self._read()

    def _read(self) -> None:
        execute = self._connection.execute
        self.name = execute("SELECT value FROM meta WHERE name = 'store'").fetchone()[0]
        row = execute("SELECT seq FROM sqlite_sequence WHERE name = 'errors'").fetchone()
        self.newest = row[0] if row else 0
        self.held = held(self._connection)
        self._index = Index(self._connection, self._limits, self._fts and has_fts(self._connection))
        self._make_fit()

    def _make_fit(self) -> None:
        """The bounds may be tighter than they were; and the index is brought up to date."""
        self._connection.execute("BEGIN IMMEDIATE")
        room = Room(self._connection, self._limits, self._index, self.held)
        self._index.settle()
        room.make()
        self._connection.execute("COMMIT")
        if self.disk_bytes() > self._limits.disk_bytes:
            # As a script: `execute` would take a single step, and each step gives back a single page.
            self._connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")

    @property
    def searches_by_index(self) -> bool:
        return self._index.on

    def transact(self, work: Callable[[Transaction], None]) -> Transaction:
        """Does the work in one transaction; when this returns it is on the disk. Raises what went wrong, undone."""
        transaction = Transaction(self._connection, self._limits, self._index, self.held, time.time_ns() // 1000)
        try:
            transaction.begin()
            work(transaction)
            self.held = transaction.commit()
        except BaseException:
            transaction.take_back()
            raise
        if transaction.kept:
            self.newest = transaction.kept[-1].number
        return transaction

    def tidy(self) -> None:
        """Readers that follow each other closely keep SQLite from beginning its log anew: then they are waited for."""
        if self._size("-wal") > 4 * self._limits.wal_pages * 4096:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def used_bytes(self) -> int:
        return used_bytes(self._connection)

    def disk_bytes(self) -> int:
        """The database and its log as they lie there."""
        return self._size("") + self._size("-wal")

    def _size(self, end: str) -> int:
        try:
            return self.path.with_name(self.path.name + end).stat().st_size
        except FileNotFoundError:
            return 0

    def close(self) -> None:
        self._connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
