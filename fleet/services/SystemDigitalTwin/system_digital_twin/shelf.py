"""Packed buckets on disk: one SQLite file in the state folder, in few and batched writes."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from system_digital_twin.series import LEVELS, Bucket, Tally, find, pack, unpack

METRICS: Final = 4096  # names that are ever kept; beyond them new ones are not
TABLES: Final = """
CREATE TABLE IF NOT EXISTS metric (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS bucket (
    level INTEGER NOT NULL, start INTEGER NOT NULL, machine TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (level, start, machine)
);
"""
Place = tuple[int, int, str]  # level's seconds, start, machine
REPLACE: Final = "INSERT OR REPLACE INTO bucket (level, start, machine, data) VALUES (?, ?, ?, ?)"
BETWEEN: Final = "SELECT start, data FROM bucket WHERE level = ? AND start BETWEEN ? AND ? AND machine = ?"
ONE: Final = "SELECT data FROM bucket WHERE level = ? AND start = ? AND machine = ?"
LAST: Final = "SELECT data FROM bucket WHERE level = ? AND machine = ? ORDER BY start DESC LIMIT 1"


class Shelf:
    """Blocking, and for one thread at a time. Everything raises sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=2.0)
        try:
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = NORMAL")
            self._base.execute("PRAGMA cache_size = -512")
            self._base.executescript(TABLES)
            self._read_names()
            self._base.execute("SELECT max(start) FROM bucket").fetchone()
        except sqlite3.Error:
            self._base.close()
            raise

    def _read_names(self) -> None:
        self._numbers: dict[str, int] = dict(self._base.execute("SELECT name, number FROM metric"))
        self._names = {number: name for name, number in self._numbers.items()}

    def close(self) -> None:
        self._base.close()

    def write(self, buckets: dict[Place, Bucket], now: float) -> None:
        """Puts whole buckets in the place of those that are there and forgets the old ones, all or nothing."""
        with self._whole():
            self._name({metric for bucket in buckets.values() for metric in bucket})
            rows = [(*place, self._packed(bucket)) for place, bucket in buckets.items()]
            self._base.executemany(REPLACE, rows)
            for level in LEVELS:
                old = (level.seconds, int(now) - level.keep - level.seconds)
                self._base.execute("DELETE FROM bucket WHERE level = ? AND start < ?", old)

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._base.execute("COMMIT")
        except BaseException:
            if self._base.in_transaction:  # some errors end it by themselves
                self._base.execute("ROLLBACK")
            self._read_names()  # a number that was not written down must not be used
            raise

    def _name(self, metrics: set[str]) -> None:
        for metric in sorted(metrics - self._numbers.keys()):
            if len(self._numbers) >= METRICS:
                return
            number = len(self._numbers) + 1
            self._base.execute("INSERT INTO metric (number, name) VALUES (?, ?)", (number, metric))
            self._numbers[metric], self._names[number] = number, metric

    def _packed(self, bucket: Bucket) -> bytes:
        return pack({self._numbers[metric]: tally for metric, tally in bucket.items() if metric in self._numbers})

    def read(self, place: Place) -> Bucket:
        """One whole bucket; empty when it is not there."""
        return self._bucket(self._base.execute(ONE, place).fetchone())

    def last(self, level: int, machine: str) -> Bucket:
        """The newest bucket of a machine."""
        return self._bucket(self._base.execute(LAST, (level, machine)).fetchone())

    def _bucket(self, row: tuple[bytes] | None) -> Bucket:
        found = unpack(row[0]) if row else {}
        return {self._names[number]: tally for number, tally in found.items() if number in self._names}

    def between(self, level: int, machine: str, metric: str, since: int, until: int) -> dict[int, Tally]:
        """One metric by the starts of its buckets; `until` is the last start."""
        number = self._numbers.get(metric)
        if number is None:
            return {}
        rows = self._base.execute(BETWEEN, (level, since, until, machine))
        return {start: tally for start, raw in rows if (tally := find(raw, number)) is not None}
