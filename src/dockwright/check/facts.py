"""Everything that rules look at, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

from dockwright.check.frozen import Blueprint
from dockwright.check.ticket import Ticket
from dockwright.spec.declared import Declared
from dockwright.spec.finding import Finding, Severity
from dockwright.spec.model import Fleet, Instance


@dataclass(frozen=True)
class Facts:
    """A fleet, its blueprint and tickets, its files, and the day on which it is looked at."""

    fleet: Fleet
    folder: Path
    today: date
    blueprint: Blueprint | None = None
    tickets: tuple[Ticket, ...] = ()
    folders: tuple[str, ...] = field(default=())

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        return self.fleet.instances()

    @cached_property
    def on_machine(self) -> Mapping[str, tuple[str, ...]]:
        """Machine -> the implemented services that run on it."""
        found: dict[str, list[str]] = {machine: [] for machine in self.fleet.machines}
        for name in self.fleet.implementations:
            row = self.fleet.services.get(name)
            for machine in row.machines if row else ():
                found.setdefault(machine, []).append(name)
        return {machine: tuple(names) for machine, names in found.items()}

    def shown(self, path: Path) -> str:
        """A file's name relative to the repository."""
        return str(Path(self.folder.name) / path.relative_to(self.folder))


def finding(rule: str, severity: Severity, value: Declared, path: str, message: str, *keys: str | int) -> Finding:
    """A finding at a declared value, or at a key below it."""
    return Finding(rule, severity, path, value.file, value.line(*keys), message)
