"""Requirements that no code imports. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from packaging.utils import canonicalize_name

from dockwright.audit.code import Unit, Uses
from dockwright.audit.declared import Declared
from dockwright.audit.modules import Modules
from dockwright.lock.tasks import KIT
from dockwright.spec.finding import Finding
from dockwright.spec.model import Fleet

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")


def unused(
    fleet: Fleet, units: Iterable[Unit], looked: Mapping[str, Uses], modules: Mapping[str, Modules]
) -> dict[str, list[Finding]]:
    """Unit -> requirements of its own that nothing imports.

    A family's requirement may be imported by any service that stands on it. What another package asks for as well
    stands in a requirements.in to hold its version, and is no finding; nor is what has a reason beside it.
    """
    all_units = list(units)
    found: dict[str, list[Finding]] = {}
    for unit in all_units:
        for item in unit.declared:
            if not _is_own(unit, Path(item.file)) or item.reason or _asked_for(unit, item):
                continue
            users = [other for other in all_units if Path(item.file) in other.task.inputs and other.has_code]
            if not any(item.name in looked[other.name].packages for other in users):
                finding = _finding(fleet, unit, item, users, modules[unit.name])
                found.setdefault(unit.name, []).append(finding)
    return found


def _is_own(unit: Unit, file: Path) -> bool:
    return file == KIT or file.parent.name == unit.name


def _asked_for(unit: Unit, item: Declared) -> bool:
    pin = unit.lock.pins.get(item.name)
    return pin is not None and any(not via.is_input for via in pin.via)


def _finding(fleet: Fleet, unit: Unit, item: Declared, users: list[Unit], modules: Modules) -> Finding:
    if item.name in modules.unknown:
        says = "cannot be told: nothing here says which modules it brings"
        return Finding("unknown", "info", item.name, item.file, item.line, says)
    if not users:
        return Finding("unused", "info", item.name, item.file, item.line, "no implemented service stands on it yet")
    if item.name in _contents(fleet, unit.name):
        says = "fleet.toml puts it into this family, and no implemented service imports it yet"
        return Finding("unused", "info", item.name, item.file, item.line, says)
    says = "no code imports it; take it out, or write `# runs: what for` beside it"
    return Finding("unused", "warning", item.name, item.file, item.line, says)


def _contents(fleet: Fleet, name: str) -> Iterator[str]:
    """Package names among the words that fleet.toml has for a family's contents."""
    family = fleet.families.get(name)
    for words in family.contents if family else ():
        if match := NAME.match(words):
            yield canonicalize_name(match[0])
