"""The sizes of a whole fleet's images, and what is wrong with them, off the locks alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dockwright.lock import sizes as measure
from dockwright.lock.debs import DebLock
from dockwright.lock.pins import Lock, Pin
from dockwright.lock.sizes import Size
from dockwright.lock.tasks import Task
from dockwright.spec.finding import Finding
from dockwright.spec.model import Fleet


def sizes(
    fleet: Fleet, python: Mapping[str, Task], locks: Mapping[str, Lock], debs: Mapping[str, DebLock]
) -> dict[str, Size]:
    """Root, family or service -> its size; what has no lock yet is left out."""
    made: dict[str, Size] = {}
    for name in fleet.by_generation():
        parent = str(fleet.families[name].parent)
        if parent in fleet.roots and parent in debs and parent not in made:
            kept = [deb for deb in debs[parent].debs.values() if deb.name not in fleet.roots[parent].purged]
            made[parent] = measure.measured(parent, (), kept, 0, None)
        below = made[parent].whole if parent in made else 0
        own_debs = debs[name].debs.values() if name in debs else ()
        made[name] = measure.measured(name, _own(name, python, locks), own_debs, below, measure.budget(fleet, name))
    for name, task in python.items():
        if name not in made and name in locks and task.ships:
            made[name] = measure.measured(name, _own(name, python, locks), (), made[task.family].whole, None)
    return made


def _own(name: str, python: Mapping[str, Task], locks: Mapping[str, Lock]) -> list[Pin]:
    if name not in python or name not in locks:
        return []
    above = locks.get(python[name].parent)
    return measure.own_pins(locks[name].pins, above.pins if above else {})


def findings(
    fleet: Fleet, python: Mapping[str, Task], locks: Mapping[str, Lock], told: Mapping[str, Size]
) -> list[Finding]:
    """Images over their budget, and CUDA that comes twice or at another version than the fleet's."""
    found = []
    for name, size in told.items():
        if name not in fleet.families:
            continue
        said = fleet.family_files.get(name)
        own = said is not None and said.budget_mb is not None
        file = said.file if said is not None and own else fleet.families[name].file
        line = said.line("budget_mb") if said is not None and own else fleet.families[name].line()
        found += measure.over(size, file, line)
    for name, lock in locks.items():
        task = python[name]
        above = locks.get(task.parent)
        fresh = {pin: value for pin, value in lock.pins.items() if above is None or pin not in above.pins}
        if any(pin.startswith("nvidia-") for pin in fresh):
            found += measure.cuda(fleet, task.family, lock.pins, Path(task.file))
    return found
