"""The tables, and connections to them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from central_error_bus.core.words import folded

VERSION: Final = 1

# What is looked through (errors) is apart from what is only shown (texts), so that looking through reads little.
TABLES: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE groups (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    service TEXT NOT NULL,
    kind TEXT NOT NULL,
    pattern TEXT NOT NULL,
    frames TEXT NOT NULL,
    count INTEGER NOT NULL DEFAULT 0,
    first_seen INTEGER NOT NULL DEFAULT 0,
    last_seen INTEGER NOT NULL DEFAULT 0,
    last_number INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'resolved')),
    changed_at INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT '',
    reopened INTEGER NOT NULL DEFAULT 0,
    sample TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX groups_last ON groups (last_number);
CREATE TABLE group_machines (
    group_id INTEGER NOT NULL,
    machine TEXT NOT NULL,
    count INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (group_id, machine)
) WITHOUT ROWID;
CREATE TABLE errors (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at INTEGER NOT NULL,
    at INTEGER NOT NULL,
    service TEXT NOT NULL,
    machine TEXT NOT NULL,
    level TEXT NOT NULL,
    kind TEXT NOT NULL,
    group_id INTEGER NOT NULL,
    opened TEXT NOT NULL,
    client_id TEXT,
    cut TEXT NOT NULL
);
CREATE UNIQUE INDEX errors_client ON errors (client_id, service, machine) WHERE client_id IS NOT NULL;
CREATE INDEX errors_group ON errors (group_id);
CREATE TABLE texts (
    number INTEGER PRIMARY KEY, message TEXT NOT NULL, trace TEXT NOT NULL, context TEXT NOT NULL
);
CREATE TABLE spans (first INTEGER PRIMARY KEY, errors INTEGER NOT NULL, bytes INTEGER NOT NULL);
"""
NAMES: Final = frozenset({"meta", "groups", "group_machines", "errors", "texts", "spans"})


def connect(path: Path) -> sqlite3.Connection:
    """Transactions are begun and ended by hand. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None)
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Makes no database where there is none, and changes none."""
    where = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(where, timeout=5.0, isolation_level=None, check_same_thread=False, uri=True)
    for words in ("temp_store = MEMORY", "query_only = ON", "cache_size = -1024"):
        connection.execute(f"PRAGMA {words}")
    connection.create_function("folded", 1, folded, deterministic=True)  # for searching where there is no FTS5
    return connection


def prepare(connection: sqlite3.Connection, wal_pages: int) -> None:
    """The writing connection's settings: a commit returns when its bytes are on the disk."""
    for words in (
        "auto_vacuum = INCREMENTAL",  # counts only before the first table is made
        "journal_mode = WAL",
        "synchronous = FULL",
        f"wal_autocheckpoint = {wal_pages}",
        f"journal_size_limit = {wal_pages * 4096}",
        "secure_delete = FAST",
        "cache_size = -2048",
    ):
        connection.execute(f"PRAGMA {words}")


def create(connection: sqlite3.Connection, name: str) -> None:
    """An empty store. `name` tells it from any other: the numbers of a store begin at 1."""
    connection.executescript(f"BEGIN IMMEDIATE; {TABLES}")
    connection.execute("INSERT INTO meta VALUES ('store', ?), ('lost_up_to', '0')", (name,))
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
