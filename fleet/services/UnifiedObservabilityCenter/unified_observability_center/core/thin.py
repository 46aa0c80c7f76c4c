"""Which rows go when there are too many: those of whoever has most, oldest first, so that no one crowds others out."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

Owner = TypeVar("Owner", bound=Hashable)


def shares(counts: Mapping[Owner, int], most: int) -> dict[Owner, int]:
    """How many rows each may keep, `most` in all: the largest level that all fit under is found, none gets more.

    Who has fewer than the level keeps all. At least one row stays with each, so `most` holds while it is not smaller
    than the number of owners.
    """
    room, open_ = most, sorted(counts.items(), key=lambda item: item[1])
    kept: dict[Owner, int] = {}
    for place, (owner, count) in enumerate(open_):
        level = max(1, room // (len(open_) - place))
        kept[owner] = min(count, level)
        room -= kept[owner]
    return kept
