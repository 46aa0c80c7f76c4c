"""Questions to the store, each over a reading connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from central_error_bus.core.filters import Filter
from central_error_bus.core.record import Incoming, Kept
from central_error_bus.store import index

# Characters of texts in one answer, at least one error: clients that take their answers slowly hold them in memory.
PAGE: Final = 256 * 1024
STREAM_PAGE: Final = 64 * 1024

_SHOWN: Final = (
    "e.number, e.received_at, g.fingerprint, e.opened, e.service, e.machine, e.at, e.level, e.kind,"
    " t.message, t.trace, t.context, e.cut, e.client_id"
)
_FROM: Final = "errors e CROSS JOIN texts t ON t.number = e.number CROSS JOIN groups g ON g.id = e.group_id"


@dataclass(frozen=True, slots=True)
class Search:
    """Errors before `before`, the newest first. `since` and `until` are about when the publisher saw them."""

    filter: Filter
    since: int | None = None
    until: int | None = None
    before: int = 2**62
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Page:
    """`before` is where the next page begins; None when this is the last."""

    errors: tuple[Kept, ...]
    before: int | None


def kept(row: tuple[Any, ...]) -> Kept:
    number, received, group, opened, service, machine, at, level, kind, message, trace, context, cut, client = row
    error = Incoming(service, machine, at, level, kind, message, trace, context, cut, client)
    return Kept(number, received, group, opened, error)


def conditions(search: Filter, since: int | None = None, until: int | None = None) -> tuple[str, list[Any]]:
    """What SQL can decide, as ` AND …` and its values."""
    words: list[str] = []
    values: list[Any] = []
    for column, wanted in search.columns():
        marks = ", ".join("?" * len(wanted))
        found = f"(SELECT id FROM groups WHERE fingerprint IN ({marks}))" if column == "fingerprint" else f"({marks})"  # noqa: S608
        words.append(f"e.{'group_id' if column == 'fingerprint' else column} IN {found}")
        values += wanted
    for moment, sign in ((since, ">="), (until, "<")):
        if moment is not None:
            words.append(f"e.at {sign} ?")
            values.append(moment)
    return "".join(f" AND {word}" for word in words), values


def search(connection: sqlite3.Connection, asked: Search) -> Page:
    """An index that proves to be broken is done without."""
    try:
        return _page(asked, _found(connection, asked, index.complete(connection)))
    except sqlite3.DatabaseError as error:
        if not index.broken(error):
            raise
        return _page(asked, _found(connection, asked, indexed=False))


def _page(asked: Search, rows: Iterable[tuple[Any, ...]]) -> Page:
    errors: list[Kept] = []
    room = PAGE
    for row in rows:
        if len(errors) == asked.limit or (errors and room <= 0):
            return Page(tuple(errors), errors[-1].number)
        errors.append(kept(row))
        room -= errors[-1].error.size
    return Page(tuple(errors), None)


def _found(connection: sqlite3.Connection, asked: Search, indexed: bool) -> Iterator[tuple[Any, ...]]:
    more, values = conditions(asked.filter, asked.since, asked.until)
    sought = asked.filter.words
    if sought is None:
        words = f"SELECT {_SHOWN} FROM {_FROM} WHERE e.number < ?{more} ORDER BY e.number DESC"  # noqa: S608
        yield from connection.execute(words, (asked.before, *values))
    elif indexed:
        for first in index.spans(connection, asked.before):
            words = (
                f"SELECT {_SHOWN} FROM words_{first} w CROSS JOIN {_FROM} WHERE words_{first} MATCH ? AND w.rowid < ?"  # noqa: S608
                f" AND e.number = w.rowid{more} ORDER BY w.rowid DESC"
            )
            yield from connection.execute(words, (sought.fts(), asked.before, *values))
    else:
        yield from _without_index(connection, asked, more, values)


def _without_index(
    connection: sqlite3.Connection, asked: Search, more: str, values: list[Any]
) -> Iterator[tuple[Any, ...]]:
    """LIKE finds what may fit, in any part of a word; what fits is decided as for those who listen."""
    likes: list[str] = []
    for term in asked.filter.words.terms if asked.filter.words else ():
        for word in term.words:
            more += " AND folded(e.kind || ' ' || t.message || ' ' || t.trace) LIKE ?"
            likes.append(f"%{word}%")  # a word holds no sign that LIKE takes for more than itself
    words = f"SELECT {_SHOWN} FROM {_FROM} WHERE e.number < ?{more} ORDER BY e.number DESC"  # noqa: S608
    rows = connection.execute(words, (asked.before, *values, *likes))
    yield from (row for row in rows if asked.filter.fits(kept(row)))


def one(connection: sqlite3.Connection, number: int) -> Kept | None:
    row = connection.execute(f"SELECT {_SHOWN} FROM {_FROM} WHERE e.number = ?", (number,)).fetchone()  # noqa: S608
    return None if row is None else kept(row)


def after(
    connection: sqlite3.Connection, wanted: Filter, number: int, newest: int, limit: int
) -> tuple[list[Kept], int]:
    """Errors after `number` up to `newest` in their order, and up to which number that is all of them."""
    more, values = conditions(replace(wanted, words=None))
    words = f"SELECT {_SHOWN} FROM {_FROM} WHERE e.number > ? AND e.number <= ?{more} ORDER BY e.number LIMIT ?"  # noqa: S608
    found: list[Kept] = []
    room = STREAM_PAGE
    rows: Iterable[tuple[Any, ...]] = connection.execute(words, (number, newest, *values, limit))
    for seen, row in enumerate(rows, 1):
        error = kept(row)
        room -= error.error.size
        if wanted.fits(error):
            found.append(error)
        if seen == limit or room <= 0:
            return found, error.number
    return found, newest


def lost_up_to(connection: sqlite3.Connection) -> int:
    """Errors up to this number may have been removed."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'lost_up_to'").fetchone()
    return int(row[0]) if row else 0
