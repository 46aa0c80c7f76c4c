"""The registrations on disk, for the next life. Blocking; raises sqlite3.Error and OSError.

Leases are not written: they run on a clock of this life, and a write for each renewal would wear the disk for nothing.
What is kept gets a grace instead, long enough to renew."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from service_registry import models, views
from service_registry.core.registration import Key, Registration

VERSION: Final = 1
TABLE: Final = """
CREATE TABLE registrations (
    service TEXT NOT NULL,
    machine TEXT NOT NULL,
    id TEXT NOT NULL,
    registered_at REAL NOT NULL,
    wish TEXT NOT NULL,              -- the rest, as it was registered
    graces INTEGER NOT NULL,         -- how often it was kept over a restart without having renewed in between
    PRIMARY KEY (service, machine)
) STRICT, WITHOUT ROWID
"""
PUT: Final = "INSERT OR REPLACE INTO registrations VALUES (?, ?, ?, ?, ?, 0)"
BROKEN: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Store:
    def __init__(self, file: Path, log: logging.Logger) -> None:
        self._file = file
        self._log = log
        self._open: sqlite3.Connection | None = None

    def load(self) -> list[tuple[Registration, float]]:
        """What an earlier life kept, and how many seconds each gets to renew: its lease at first, then always half of
        what it got before. So a registry that restarts again and again cannot keep the dead alive."""
        try:
            rows = self._rows()
        except sqlite3.DatabaseError:
            if self._file.exists():
                raise
            rows = self._rows()  # it was broken and is out of the way
        kept: list[tuple[Registration, float]] = []
        for row in rows:
            try:
                one = _registration(row)
            except (ValidationError, ValueError, TypeError) as error:
                self._log.warning("a kept registration is not understood", extra={"about": row[0], "why": str(error)})
                continue
            kept.append((one, one.lease_seconds * 0.5 ** min(row[5], 30)))
        return kept

    def _rows(self) -> list[tuple[Any, ...]]:
        with self._transaction() as connection:
            rows = connection.execute("SELECT * FROM registrations ORDER BY service, machine").fetchall()
            connection.execute("UPDATE registrations SET graces = graces + 1")
            return rows

    def write(self, changes: Mapping[Key, Registration | None]) -> None:
        """All of them or none. None in the place of a registration: it is gone."""
        with self._transaction() as connection:
            connection.executemany(
                "DELETE FROM registrations WHERE service = ? AND machine = ?",
                [key for key, one in changes.items() if one is None],
            )
            connection.executemany(PUT, [_row(one) for one in changes.values() if one is not None])

    def write_whole(self, ids: set[str], confirmed: Iterable[Registration]) -> None:
        """After something could not be written: only `ids` are left. Those that are not confirmed are there already."""
        with self._transaction() as connection:
            there = {id for (id,) in connection.execute("SELECT id FROM registrations")}
            connection.executemany("DELETE FROM registrations WHERE id = ?", [(id,) for id in there - ids])
            connection.executemany(PUT, [_row(one) for one in confirmed])

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """After an error the file is opened anew; one that is broken is out of the way then."""
        try:
            if self._open is None:
                self._open = _connect(self._file)
            with self._open:
                yield self._open
        except sqlite3.Error as error:
            self.close()
            if getattr(error, "sqlite_errorcode", None) in BROKEN:
                self._set_aside(str(error))
            raise

    def _set_aside(self, why: str) -> None:
        """A broken file helps nobody: services register anew within seconds. It is kept for whoever wants to know."""
        aside = self._file.with_name(f"{self._file.name}.broken")
        self._log.error("the kept registrations are broken", extra={"why": why, "kept_as": aside.name})
        for ending in ("-wal", "-shm"):
            self._file.with_name(self._file.name + ending).unlink(missing_ok=True)
        self._file.replace(aside)


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=2.0, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # what was answered 201 outlives a power cut
        connection.execute("PRAGMA cache_size = -256")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            with connection:
                connection.execute("DROP TABLE IF EXISTS registrations")
                connection.execute(TABLE)
                connection.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def _row(one: Registration) -> tuple[str, str, str, float, str]:
    wish = {
        "url": one.url,
        "health_url": one.health_url,
        "capabilities": one.capabilities,
        "lease_seconds": one.lease_seconds,
        "metadata": one.metadata,
    }
    return one.service, one.machine, one.id, one.registered_at, json.dumps(wish)


def _registration(row: tuple[Any, ...]) -> Registration:
    service, machine, id, registered_at, wish, _ = row
    checked = models.Wish.model_validate({**json.loads(wish), "service": service, "machine": machine})
    return replace(views.wished(checked), id=id, registered_at=registered_at)
