"""A family's Python is its parent's, its root has it, and somebody still patches it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding

# The last day of upstream's own security fixes (PEP 619, 664, 693, 719, 745).
UPSTREAM_ENDS = {
    "3.10": date(2026, 10, 31),
    "3.11": date(2027, 10, 31),
    "3.12": date(2028, 10, 31),
    "3.13": date(2029, 10, 31),
    "3.14": date(2030, 10, 31),
}
# The last day on which a distribution's release still gets security fixes for the Python it ships.
RELEASE_ENDS = {"bookworm": date(2028, 6, 30), "trixie": date(2030, 6, 30), "jammy": date(2027, 4, 30)}
SHIPS = {"bookworm": "3.11", "trixie": "3.13", "jammy": "3.10"}


def find(facts: Facts) -> Iterator[Finding]:
    fleet = facts.fleet
    for name, family in fleet.families.items():
        chain = fleet.lineage(name)
        if family.alias_of is not None or not chain:
            continue
        version = fleet.python_of(name)
        path, key = f"families.{name}.python", "python"
        above = fleet.families.get(family.parent or "")
        if above is not None and family.python and family.python != fleet.python_of(str(family.parent)):
            says = (
                f"Python {family.python}, and its parent {family.parent} carries {fleet.python_of(str(family.parent))}"
            )
            yield finding("python-version", "error", family, path, says, key)
            continue
        root = fleet.roots.get(fleet.families[chain[0]].parent or "")
        if root is None or chain[0] != name:
            continue
        named = {match[1] for package in root.packages if (match := re.fullmatch(r"python(3\.\d+).*", package))}
        shipped = named or ({SHIPS[root.suite]} if root.suite in SHIPS else set())
        if shipped and version not in shipped:
            says = f"Python {version}, and its root {family.parent} brings {', '.join(sorted(shipped))}"
            yield finding("python-version", "error", family, path, says, key)
        ends = [table[key] for table, key in ((UPSTREAM_ENDS, version), (RELEASE_ENDS, root.suite)) if key in table]
        if ends and facts.today > max(ends):
            says = f"nobody has patched Python {version} since {max(ends)}: neither upstream nor {root.suite}"
            yield finding("python-version", "error", family, path, says, key)
