"""Texts from the network made fit to keep: no characters that a store or a reader chokes on, and no more than fits.

A long text is cut and not refused: half a trace says more than none, and who reports an error can seldom mend it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

MESSAGE: Final = 8_192  # characters
TRACE: Final = 32_768
CONTEXT: Final = 16_384  # as JSON
VALUE: Final = 4_096  # one text within a context
DEPTH: Final = 6
MEMBERS: Final = 200  # of one object or list within a context

_UNFIT: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def clean(text: str) -> str:
    """Control characters and halves of surrogate pairs become the replacement character."""
    return _UNFIT.sub("\ufffd", text)


def head(text: str, most: int) -> str:
    """The beginning, and how much was left out."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} characters left out)"


def middle_out(text: str, most: int) -> str:
    """The beginning and, three times as long, the end: there a Python trace says what was raised."""
    if len(text) <= most:
        return text
    first = most // 4
    return f"{text[:first]}\n… ({len(text) - most} characters left out)\n{text[first - most :]}"


def plain(value: object, depth: int = DEPTH) -> Any:
    """A JSON value that every reader takes: bounded in depth, members and texts; numbers are finite."""
    if isinstance(value, str):
        return clean(head(value, VALUE))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value) if abs(value) < 2**256 else "a very large number"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        pairs = list(value.items())[:MEMBERS]
        return {clean(str(key)[:VALUE]): plain(one, depth - 1) for key, one in pairs}
    if isinstance(value, list | tuple):
        return [plain(one, depth - 1) for one in value[:MEMBERS]]
    return clean(head(str(value), VALUE))


def context(given: Mapping[str, object]) -> tuple[str, bool]:
    """The context as JSON, and whether something was left out: members go in as long as they fit."""
    kept: list[str] = []
    room = CONTEXT
    whole = True
    for key, value in given.items():
        if len(kept) == MEMBERS:
            whole = False
            break
        safe = plain({key: value})
        if safe != {key: value}:
            whole = False
        member = json.dumps(safe, ensure_ascii=False, separators=(",", ":"))[1:-1]
        if len(member) > room:
            whole = False
            continue
        room -= len(member) + 1
        kept.append(member)
    return "{" + ",".join(kept) + "}", not whole
