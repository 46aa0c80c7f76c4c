"""Tables for people: rich on a terminal, plain columns elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence

COLOURS = {
    "healthy": "green",
    "starting": "yellow",
    "unhealthy": "red",
    "stopped": "red",
    "missing": "red",
    "extra": "yellow",
}


def show(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below their headings; a cell that is a state's name gets its colour on a terminal."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console().print(rich_table(columns, rows))
        return
    widths = [max(len(row[index]) for row in (columns, *rows)) for index in range(len(columns))]
    for row in (columns, *rows):
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> object:
    """The same as a rich table, for one print or a live display."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold" if name == "REASON" else "ellipsis", no_wrap=name != "REASON")
    for row in rows:
        table.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in row))
    return table
