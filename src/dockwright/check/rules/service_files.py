"""A service's folder holds what its image and its tests need."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check.facts import Facts
from dockwright.spec.finding import Finding, Severity

NEEDED: dict[str, tuple[Severity, str]] = {
    "requirements.lock": ("error", "its Python packages are not locked; ./dockwright lock"),
    "openapi.json": ("warning", "its API is not written down; the service's tests make it"),
    "tests": ("warning", "it has no tests"),
}


def find(facts: Facts) -> Iterator[Finding]:
    for name, service in facts.fleet.implementations.items():
        folder = facts.folder / "services" / name
        for item, (severity, says) in NEEDED.items():
            if not (folder / item).exists():
                yield Finding("service-files", severity, item, service.file, 1, says)
