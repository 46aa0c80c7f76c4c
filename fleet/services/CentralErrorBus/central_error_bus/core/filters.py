"""Which errors somebody asked for."""

from __future__ import annotations

from dataclasses import dataclass

from central_error_bus.core.record import Kept
from central_error_bus.core.words import Words


@dataclass(frozen=True, slots=True)
class Filter:
    """Empty means any; several values of one key mean one of them; all keys must fit."""

    service: tuple[str, ...] = ()
    machine: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    words: Words | None = None

    def columns(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What can be asked of a table: columns and their values."""
        pairs = (
            ("service", self.service),
            ("machine", self.machine),
            ("level", self.level),
            ("kind", self.kind),
            ("opened", self.opened),
            ("fingerprint", self.group),
        )
        return tuple((column, values) for column, values in pairs if values)

    def fits(self, kept: Kept) -> bool:
        error = kept.error
        for wanted, value in (
            (self.service, error.service),
            (self.machine, error.machine),
            (self.level, error.level),
            (self.kind, error.kind),
            (self.group, kept.group),
            (self.opened, kept.opened),
        ):
            if wanted and value not in wanted:
                return False
        return self.words is None or self.words.found_in(error.kind, error.message, error.trace)
