"""What the declaration names, and whether it exists: without this, nothing can be built."""

from __future__ import annotations

from dockwright.spec.finding import Finding
from dockwright.spec.model import Fleet
from dockwright.spec.names import did_you_mean


def broken(fleet: Fleet) -> list[Finding]:
    """Every name that means nothing, and every hierarchy that has no root."""
    return [*undeclared(fleet), *hierarchy(fleet), *strangers(fleet)]


def undeclared(fleet: Fleet) -> list[Finding]:
    """Rows that name a machine or a family that is not declared."""
    found = []
    for name, row in fleet.services.items():
        if row.family not in fleet.families:
            says = f"there is no family '{row.family}'{did_you_mean(row.family, fleet.families)}"
            found.append(_finding("undeclared", f"services.{name}.family", row.file, row.line("family"), says))
        for machine in dict.fromkeys(row.machines):
            if machine not in fleet.machines:
                says = f"there is no machine '{machine}'{did_you_mean(machine, fleet.machines)}"
                line = row.line("machines")
                found.append(_finding("undeclared", f"services.{name}.machines", row.file, line, says))
    return found


def hierarchy(fleet: Fleet) -> list[Finding]:
    """Families without a way up to a root: no parent, a parent that does not exist, or a circle."""
    found = []
    known = [*fleet.families, *fleet.roots]
    for name, family in fleet.families.items():
        if (family.parent is None) == (family.alias_of is None):
            says = "expected either `parent` (a family or a root) or `alias_of` (a family)"
            found.append(_finding("hierarchy", f"families.{name}", family.file, family.line(), says))
            continue
        key = "parent" if family.parent is not None else "alias_of"
        above = family.parent or family.alias_of or ""
        path, line = f"families.{name}.{key}", family.line(key)
        if above not in (known if key == "parent" else fleet.families):
            kind = "family or root" if key == "parent" else "family"
            says = f"there is no {kind} '{above}'{did_you_mean(above, known)}"
            found.append(_finding("hierarchy", path, family.file, line, says))
        elif (circle := _circle(fleet, name)) and name == next(other for other in fleet.families if other in circle):
            says = f"goes round in a circle and never reaches a root: {' -> '.join([*circle, name])}"
            found.append(_finding("hierarchy", path, family.file, line, says))
    for name in fleet.roots:
        if name in fleet.families:
            family = fleet.families[name]
            says = "is the name of a root too; a parent could mean either"
            found.append(_finding("hierarchy", f"families.{name}", family.file, family.line(), says))
    return found


def _circle(fleet: Fleet, start: str) -> list[str]:
    """The families from `start` upwards until one comes twice; empty when `start` itself is not met again."""
    chain, name = [start], start
    while True:
        family = fleet.families.get(name)
        name = (family.alias_of or family.parent or "") if family else ""
        if name == start:
            return chain
        if name in chain or name not in fleet.families:
            return []
        chain.append(name)


def strangers(fleet: Fleet) -> list[Finding]:
    """Folders of services and families that fleet.toml does not know, and their files with another name."""
    found = []
    for folder, service in fleet.implementations.items():
        if folder not in fleet.services:
            says = f"the coverage table of fleet.toml has no row '{folder}'{did_you_mean(folder, fleet.services)}"
            found.append(_finding("service-folders", folder, service.file, 1, says))
        if service.name != folder:
            says = f'expected "{folder}", the name of its folder, found "{service.name}"'
            found.append(_finding("service-folders", "name", service.file, service.line("name"), says))
    for folder, family in fleet.family_files.items():
        if folder not in fleet.families or fleet.families[folder].alias_of is not None:
            says = f"fleet.toml declares no family '{folder}' that is built{did_you_mean(folder, fleet.families)}"
            found.append(_finding("service-folders", folder, family.file, 1, says))
        if family.name != folder:
            says = f'expected "{folder}", the name of its folder, found "{family.name}"'
            found.append(_finding("service-folders", "name", family.file, family.line("name"), says))
    return found


def _finding(rule: str, path: str, file: str, line: int, says: str) -> Finding:
    return Finding(rule, "error", path, file, line, says)
