"""The words of the errors, in FTS5 where the sqlite3 at hand has it.

There is an index for each span of errors, not one for all: an index whose errors have all gone is dropped whole, while
FTS5 would take as much work for every single removal as for an addition, and give the space back much later. Nothing
but words is kept in it; the texts lie in `texts`.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from central_error_bus.core.words import folded
from central_error_bus.limits import Limits

_UNINDEXED: Final = "unindexed_from"


def has_fts(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("CREATE VIRTUAL TABLE temp.try_words USING fts5(words)")
        connection.execute("DROP TABLE temp.try_words")
    except sqlite3.OperationalError:
        return False
    return True


def spans(connection: sqlite3.Connection, below: int) -> list[int]:
    """First numbers of the spans that hold errors before `below`, the newest first."""
    found = connection.execute("SELECT first FROM spans WHERE first < ? ORDER BY first DESC", (below,))
    return [first for (first,) in found]


def complete(connection: sqlite3.Connection) -> bool:
    """Whether every error that is kept is in an index."""
    return connection.execute("SELECT 1 FROM meta WHERE name = ?", (_UNINDEXED,)).fetchone() is None


def broken(error: sqlite3.DatabaseError) -> bool:
    """Whether it is only the index that is broken."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_CORRUPT_VTAB


class Index:
    """`on` says whether there is one; without it, `add` only notes from where on words are missing."""

    def __init__(self, connection: sqlite3.Connection, limits: Limits, on: bool) -> None:
        self._connection = connection
        self._limits = limits
        self.on = on
        self.read()

    def read(self) -> None:
        """What the tables say: at the start, and after a transaction was taken back."""
        row = self._connection.execute("SELECT first, errors, bytes FROM spans ORDER BY first DESC LIMIT 1").fetchone()
        sizes: tuple[int, int, int] = row or (0, 0, 0)
        self._first, self._errors, self._bytes = sizes

    def settle(self) -> None:
        """Once at the start: notes that there is no index from now on, or indexes what came while there was none."""
        row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (_UNINDEXED,)).fetchone()
        if not self.on and row is None:
            newest = self._connection.execute("SELECT max(number) FROM errors").fetchone()[0] or 0
            self._connection.execute("INSERT INTO meta VALUES (?, ?)", (_UNINDEXED, str(newest + 1)))
        if self.on and row is not None:
            missing = self._connection.execute(
                "SELECT number, kind, message, trace FROM errors JOIN texts USING (number) WHERE number >= ?",
                (int(row[0]),),
            )
            for number, kind, message, trace in missing:
                self.add(number, kind, message, trace)
            self.write()
            self._connection.execute("DELETE FROM meta WHERE name = ?", (_UNINDEXED,))

    def add(self, number: int, kind: str, message: str, trace: str) -> None:
        if not self.on:
            return
        full = self._errors >= self._limits.span_errors or self._bytes >= self._limits.span_bytes
        if full or not self._first:
            self.write()
            self._begin(number)
        row = (number, folded(kind), folded(message), folded(trace))
        try:
            self._insert(row)
        except sqlite3.DatabaseError as error:
            if not broken(error):
                raise
            self._begin(number)
            self._insert(row)
        self._errors += 1
        self._bytes += len(message) + len(trace)

    def _insert(self, row: tuple[int, str, str, str]) -> None:
        self._connection.execute(
            f"INSERT INTO words_{self._first} (rowid, kind, message, trace) VALUES (?, ?, ?, ?)",  # noqa: S608
            row,
        )

    def _begin(self, number: int) -> None:
        self._first, self._errors, self._bytes = number, 0, 0
        self._connection.execute(f"CREATE VIRTUAL TABLE words_{number} USING fts5(kind, message, trace, content='')")
        self._connection.execute("INSERT INTO spans VALUES (?, 0, 0)", (number,))

    def write(self) -> None:
        """The sizes of the newest span; once in a transaction."""
        self._connection.execute(
            "UPDATE spans SET errors = ?, bytes = ? WHERE first = ?", (self._errors, self._bytes, self._first)
        )

    def drop_before(self, oldest: int) -> None:
        """Drops the spans all of whose errors come before the oldest that is left."""
        if not self.on:
            return  # FTS5's tables cannot be dropped without FTS5
        firsts = [first for (first,) in self._connection.execute("SELECT first FROM spans ORDER BY first")]
        for first, following in zip(firsts, [*firsts[1:], None], strict=True):
            if following is None or following > oldest:
                break
            self._connection.execute(f"DROP TABLE words_{first}")
            self._connection.execute("DELETE FROM spans WHERE first = ?", (first,))
