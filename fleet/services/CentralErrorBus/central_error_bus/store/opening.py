"""A store from whatever lies in the state folder. What cannot be used is renamed, never removed."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import sqlite3
import time
from pathlib import Path
from typing import Final

from central_error_bus.store import schema

FILE: Final = "errors.db"
CHECK_SECONDS: Final = 8.0
LOCK_SECONDS: Final = 5.0
_BROKEN: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Unusable(sqlite3.DatabaseError):
    """The file is a database, but not a whole one of ours."""


def broken(error: BaseException) -> bool:
    """Whether the file is what is wrong, and not only an index in it, the disk, its space or its permissions."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(code, int):
        return isinstance(error, Unusable)
    if code == sqlite3.SQLITE_CORRUPT_VTAB:
        return False
    return code & 0xFF in _BROKEN or code == sqlite3.SQLITE_IOERR_SHORT_READ  # the file ends where it should not


def lock(folder: Path) -> int:
    """Keeps a second bus off this folder as long as the descriptor is open. Raises OSError."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(handle)
                raise OSError(f"another process keeps its errors in {folder}") from None
            time.sleep(0.1)


def open_database(folder: Path, wal_pages: int, log: logging.Logger) -> sqlite3.Connection:
    """The database in the folder, or an empty one in the place of a broken one. Raises sqlite3.Error, OSError."""
    path = folder / FILE
    try:
        return _open(path, wal_pages, log)
    except sqlite3.DatabaseError as error:
        if not broken(error):
            raise
        set_aside(path, str(error), log)
    return _open(path, wal_pages, log)


def _open(path: Path, wal_pages: int, log: logging.Logger) -> sqlite3.Connection:
    connection = schema.connect(path)
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if not tables and version == 0:
            schema.prepare(connection, wal_pages)
            schema.create(connection, secrets.token_hex(4))
            log.info("a new store of errors is made")
        elif version != schema.VERSION or schema.NAMES - tables:
            raise Unusable(f"its schema is {version} and this program's is {schema.VERSION}, or tables are missing")
        else:
            look_through(connection, log)
            schema.prepare(connection, wal_pages)  # not before: what is set aside is left as it was
    except BaseException:
        connection.close()
        raise
    return connection


def look_through(connection: sqlite3.Connection, log: logging.Logger) -> None:
    """The whole file as long as there is time: what shows now does not show in the middle of work."""
    until = time.monotonic() + CHECK_SECONDS
    connection.set_progress_handler(lambda: int(time.monotonic() > until), 10_000)
    try:
        check(connection)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        log.warning("the store was looked through only in part", extra={"seconds": CHECK_SECONDS})
    finally:
        connection.set_progress_handler(None, 0)


def check(connection: sqlite3.Connection) -> None:
    """Raises sqlite3.DatabaseError when the file is broken."""
    said = connection.execute("PRAGMA quick_check(1)").fetchone()
    if said is None or said[0] != "ok":
        raise Unusable(str(said[0] if said else "no answer")[:300])


def set_aside(path: Path, why: str, log: logging.Logger) -> Path:
    """Renames the database and its log to *.corrupt-<time>; opened under that name they still belong together."""
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    target = path.with_name(f"{path.name}.corrupt-{at}")
    while target.exists() or target.with_name(f"{target.name}-wal").exists():
        target = target.with_name(f"{target.name}x")
    # The log first: were the database away and its log still here, the next database would throw the log away.
    for end in ("-wal", ""):
        part = path.with_name(path.name + end)
        if part.exists():
            part.rename(target.with_name(target.name + end))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)  # holds nothing: made anew from the log
    log.error(
        "the store of errors is corrupt: set aside, and an empty one begun", extra={"why": why, "as": target.name}
    )
    return target


def asides(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(f"{FILE}.corrupt-*") if not path.name.endswith("-wal"))
