"""The model itself: what is declared, what is seen of each machine, and their past."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from system_digital_twin.declared import Box, Declared, DeclaredFile
from system_digital_twin.drift import drift
from system_digital_twin.history import History
from system_digital_twin.report import Report, samples
from system_digital_twin.sight import Sight, State


class Twin:
    """`machines` are those whose supervisors have an address here."""

    def __init__(self, machines: Iterable[str], run_dir: Path, state_dir: Path) -> None:
        self.began = time.monotonic()
        self.file = DeclaredFile(run_dir / "desired.json")
        self.history = History(state_dir / "history.sqlite3")
        self.sights = {machine: Sight(machine, time.time()) for machine in machines}

    @property
    def declared(self) -> Declared | None:
        return self.file.content

    def boxes(self) -> dict[str, Box]:
        return self.declared.machines if self.declared else {}

    def names(self) -> list[str]:
        return sorted({*self.boxes(), *self.sights})

    def sight(self, machine: str) -> Sight:
        """Of a machine that is only declared: one that says so."""
        found = self.sights.get(machine)
        if found is None:
            found = Sight(machine, time.time() - (time.monotonic() - self.began), address=False)
            found.why = "no SelfHealingSupervisor is declared there as a peer"
        return found

    def heard(self, machine: str, report: Report, took: float) -> None:
        """Blocking: a machine has answered."""
        sight = self.sights[machine]
        sight.answered(report, took)
        declared = self.declared
        services = frozenset(one.service for one in declared.every) if declared else frozenset()
        self.history.record(machine, sight.received, samples(report, services))

    def warnings(self) -> list[str]:
        """What a person should look at; none of it makes the twin itself unhealthy."""
        found = [self.file.problem] if self.file.problem else []
        if self.history.problem:
            found.append(self.history.problem)
        boxes = self.boxes()
        for machine in self.names():
            sight = self.sight(machine)
            if sight.state is not State.LIVE:
                found.append(f"{machine}: {sight.state}: {sight.why or 'the answer is late'}")
            found += drift(machine, boxes.get(machine), sight.fresh)
        return found
