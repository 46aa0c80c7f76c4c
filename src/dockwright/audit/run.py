"""The audit of a fleet: its code against its locks, and its built images against what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property

from dockwright.audit import archive, code, learn, report, units, unused
from dockwright.audit.code import Unit, Uses
from dockwright.audit.images import Judge
from dockwright.audit.looked import Looked
from dockwright.audit.modules import Modules
from dockwright.audit.report import Audited, Report
from dockwright.audit.survey import Survey, survey
from dockwright.engine.docker import Docker
from dockwright.lock.inventory import Inventory
from dockwright.lock.resolver import Stop
from dockwright.lock.tasks import KIT
from dockwright.spec.finding import Finding
from dockwright.spec.model import Fleet

Say = Callable[[str], None]


def names(fleet: Fleet) -> list[str]:
    """What can be audited: every family that is built, and every implemented service."""
    return [*fleet.by_generation(), *fleet.implementations]


@dataclass(frozen=True)
class Audit:
    """One run over a fleet. `docker`: None where only code is looked at; `offline`: nobody is asked for more."""

    inventory: Inventory
    docker: Docker | None
    say: Say
    chosen: Collection[str]
    offline: bool = False
    stop: Stop = field(default_factory=Stop)

    def report(self) -> Report:
        """What was found in the chosen images. Ctrl-C ends every program that was started."""
        try:
            return self._report()
        except BaseException:
            self.stop.end()
            raise

    def _report(self) -> Report:
        fleet = self.inventory.fleet
        uses = {unit.name: code.uses(unit, self._modules[unit.name]) for unit in self._units}
        idle = unused.unused(fleet, self._units, uses, self._modules)
        judge = self._judge()
        found: dict[str, list[Finding]] = {}
        for name in filter(self.chosen.__contains__, names(fleet)):
            found[name] = [*(uses[name].findings if name in uses else ()), *idle.get(name, ())]
            found[name] += judge.findings(self._looked[name]) if name in self._looked else ()
            found[name] += [self._survey.unseen[name]] if name in self._survey.unseen else []
        own, kit = report.apart(found, {unit.name for unit in self._units if KIT in unit.task.inputs} & found.keys())
        audited = [self._audited(name, uses.get(name), own[name]) for name in found]
        audited += [Audited(report.KIT, tuple(kit))] if any(name in fleet.implementations for name in found) else []
        seen = self._looked.keys() | self._survey.unseen.keys()
        return Report(tuple(audited), tuple(name for name in found if name not in seen))

    def _judge(self) -> Judge:
        """Knowing which packages bring what is missing, where an archive was asked."""
        judge = Judge(self.inventory, self._looked)
        wanted: dict[str, set[str]] = {}
        for image in self._looked.values():
            libraries = {lack.library for lack in judge.missing(image) if not lack.version}
            wanted.setdefault(judge.places.root(image), set()).update(libraries)
        asked = {root: libraries for root, libraries in wanted.items() if libraries and not self.offline}
        fleet = self.inventory.fleet
        debs = {root: archive.bringing(fleet, root, some, self.stop, self.say) for root, some in asked.items()}
        return Judge(self.inventory, self._looked, debs)

    def _audited(self, name: str, uses: Uses | None, findings: list[Finding]) -> Audited:
        image = self._looked.get(name)
        lock = self.inventory.python_locks.get(name)
        return Audited(
            name,
            tuple(findings),
            uses.imports if uses else 0,
            len(uses.packages) if uses else 0,
            len(lock.pins) if lock else 0,
            len(image.system.elf) if image else None,
            tuple(sorted(image.natives.from_driver)) if image else (),
        )

    @cached_property
    def _units(self) -> list[Unit]:
        return units.units(self.inventory)

    @cached_property
    def _survey(self) -> Survey:
        every = [name for name in names(self.inventory.fleet) if name in self.chosen]
        return survey(self.docker, self.inventory, every, self.say) if self.docker else Survey()

    @property
    def _looked(self) -> dict[str, Looked]:
        return self._survey.looked

    @cached_property
    def _modules(self) -> dict[str, Modules]:
        """Image -> what its locked packages bring, as images, notes and the index tell."""
        known = learn.noted(learn.notes())
        for image in self._looked.values():
            known |= learn.installed(image.system.records)
        for unit in self._units:
            open_ = learn.modules(unit.lock.pins, known).unknown
            wanted = {name: unit.lock.pins[name] for name in open_ if not unit.lock.pins[name].is_source}
            if wanted and not self.offline:
                self.say(f"{unit.name}: asking the index what {len(wanted)} packages bring")
                known |= learn.asked(unit.task, self.inventory.root, wanted, self.stop)
        learn.note(learn.notes(), known)
        return {unit.name: learn.modules(unit.lock.pins, known) for unit in self._units}
