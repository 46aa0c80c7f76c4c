"""Keeps a table of instances' rows within its bound."""

from __future__ import annotations

import sqlite3
from typing import Final, Literal

from unified_observability_center.core.thin import shares

# Thinned to this part of the bound, so that it is not done for every row.
ROOM: Final = 0.9


def thin(connection: sqlite3.Connection, table: Literal["events", "transitions"], most: int) -> int:
    """Inside the caller's transaction. How many rows went: the oldest of those who have most."""
    total = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - one of two names
    if total <= most:
        return 0
    counted = connection.execute(f"SELECT machine, service, count(*) FROM {table} GROUP BY 1, 2")  # noqa: S608
    counts = {(machine, service): number for machine, service, number in counted}
    kept = shares(counts, int(most * ROOM))
    gone = 0
    for key, number in counts.items():
        if kept[key] < number:
            gone += connection.execute(
                f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE machine = ? AND service = ?"  # noqa: S608
                " ORDER BY id LIMIT ?)",
                (*key, number - kept[key]),
            ).rowcount
    over = total - gone - most
    if over > 0:  # more instances than rows: then the oldest of all go
        gone += connection.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} ORDER BY id LIMIT ?)",  # noqa: S608
            (over,),
        ).rowcount
    return gone
