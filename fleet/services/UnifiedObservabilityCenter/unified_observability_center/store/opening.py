"""The database file: opened whole or begun anew, never half."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Final

VERSION: Final = 1
SCHEMA: Final = """
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sent BLOB NOT NULL UNIQUE, -- a digest of what was sent: the same event, sent again, is one event
    at REAL NOT NULL, machine TEXT NOT NULL, service TEXT NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX events_of ON events (machine, service, id);
CREATE TABLE restarts (machine TEXT, service TEXT, count INTEGER NOT NULL, PRIMARY KEY (machine, service));
CREATE TABLE transitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL, machine TEXT NOT NULL, service TEXT NOT NULL,
    before TEXT NOT NULL, after TEXT NOT NULL, why TEXT NOT NULL);
CREATE INDEX transitions_of ON transitions (machine, service, id);
CREATE TABLE startups (
    machine TEXT, service TEXT, at REAL NOT NULL, report TEXT NOT NULL, PRIMARY KEY (machine, service));
CREATE TABLE lives (id INTEGER PRIMARY KEY AUTOINCREMENT, began REAL NOT NULL, ended REAL NOT NULL);
"""


def connect(path: Path) -> tuple[sqlite3.Connection, str]:
    """Blocking. The connection, and what was wrong with the file that was there (which is put aside), or "".

    Raises OSError and sqlite3.Error when there is no writing here at all.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _open(path), ""
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise  # locked, full or not writable: the content is not to blame
        aside = path.with_name(f"{path.name}.damaged-{int(time.time())}")
        for damaged in path.parent.glob(f"{path.name}.damaged-*"):
            damaged.unlink()  # the last one is kept, not all
        path.replace(aside)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return _open(path), f"{path.name} was damaged ({error}), is kept as {aside.name}, and begun anew"


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # what is answered 202 outlives a power cut
        connection.execute("PRAGMA cache_size = -1024")
        connection.execute("PRAGMA journal_size_limit = 4194304")
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        elif version != VERSION:
            raise sqlite3.DatabaseError(f"it has version {version}, {VERSION} is known here")
    except BaseException:
        connection.close()
        raise
    return connection
