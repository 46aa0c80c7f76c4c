"""The last changes, numbered, so that a watcher who was away for a moment misses none."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice

from service_registry.core.registration import Change, Kind

KEPT = 1024


class History:
    """`epoch` names this life of the registry: numbers of another life mean nothing here."""

    def __init__(self, epoch: str, kept: int = KEPT) -> None:
        self.epoch = epoch
        self.last = 0
        self._changes: deque[Change] = deque(maxlen=kept)

    def heard(self, change: Change) -> None:
        if change.kind is not Kind.CONFIRMED:
            self._changes.append(change)
            self.last += 1

    def since(self, number: int, most: int) -> Sequence[tuple[int, Change]] | None:
        """The changes after `number`, at most so many; None when some of them are forgotten or have never been."""
        first = self.last - len(self._changes)
        if not first <= number <= self.last:
            return None
        found = islice(self._changes, number - first, number - first + most)
        return list(enumerate(found, number + 1))

    def name(self, number: int) -> str:
        return f"{self.epoch}-{number}"

    def number(self, name: str) -> int | None:
        """The number that this life gave that name to."""
        epoch, _, digits = name.partition("-")
        if epoch != self.epoch or not (digits.isascii() and digits.isdecimal() and len(digits) <= 18):
            return None
        return int(digits)
