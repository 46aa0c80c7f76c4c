"""Makes what others sent harmless to keep and to show: one line, bounded, no control or direction-changing characters.

Nothing is escaped here: that is for whoever puts it into HTML or into Prometheus' text.
"""

from __future__ import annotations

import json
from typing import Any, Final

TEXT: Final = 500
DETAIL: Final = 4096
DEPTH: Final = 5
MEMBERS: Final = 40


def line(text: str, most: int = TEXT) -> str:
    """One line of printable characters; what was cut away shows as an ellipsis."""
    part = text[: most + 1]
    if not part.isprintable():
        part = "".join(char if char.isprintable() else _instead(char) for char in part)
    return part if len(part) <= most else part[: most - 1] + "…"


def _instead(char: str) -> str:
    return " " if char.isspace() else "\N{REPLACEMENT CHARACTER}"


def value(found: object, depth: int = DEPTH) -> Any:
    """A JSON value with bounded depth, members and texts. Numbers that JSON does not know become texts."""
    if isinstance(found, str):
        return line(found)
    if found is None or isinstance(found, bool):
        return found
    if isinstance(found, int):
        return found if abs(found) < 2**53 else line(str(found)[:40])
    if isinstance(found, float):
        return found if abs(found) != float("inf") and found == found else str(found)
    if depth == 0:
        return "…"
    if isinstance(found, dict):
        return {line(str(key), 80): value(item, depth - 1) for key, item in list(found.items())[:MEMBERS]}
    if isinstance(found, list | tuple):
        return [value(item, depth - 1) for item in found[:MEMBERS]]
    return line(repr(found))


def detail(found: dict[str, Any]) -> dict[str, Any]:
    """An event's detail, bounded as a whole as well: past that only its texts and numbers stay, as far as they fit."""
    kept: dict[str, Any] = value(found)
    size = len(json.dumps(kept))
    if size <= DETAIL:
        return kept
    small: dict[str, Any] = {"cut": True}
    room = DETAIL - 200
    for key, item in kept.items():
        cost = len(json.dumps({key: item}))
        if cost <= room:
            small[key] = item
            room -= cost
    return small
