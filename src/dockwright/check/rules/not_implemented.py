"""Which rows have no service folder yet, and which families in use have no Dockerfile yet."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding, Severity


def find(facts: Facts) -> Iterator[Finding]:
    fleet = facts.fleet
    folders = set(facts.folders)
    for name, row in fleet.services.items():
        if name not in folders:
            yield finding("not-implemented", "info", row, f"services.{name}", "not implemented yet: it has no folder")
    needed = {
        family
        for name in fleet.implementations
        if name in fleet.services
        for family in fleet.lineage(fleet.services[name].family)
    }
    for name in fleet.by_generation():
        if not (facts.folder / "families" / name / "Dockerfile").is_file():
            family = fleet.families[name]
            severity: Severity = "error" if name in needed else "info"
            says = f"not implemented yet: there is no families/{name}/Dockerfile"
            if name in needed:
                says += ", and implemented services need it"
            yield finding("not-implemented", severity, family, f"families.{name}", says)
