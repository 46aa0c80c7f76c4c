"""A GPU family's children are GPU families, an alias adds nothing, and CUDA's version is in the name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding


def find(facts: Facts) -> Iterator[Finding]:
    fleet = facts.fleet
    wanted = "cu" + fleet.cuda.replace(".", "")
    for name, family in fleet.families.items():
        path = f"families.{name}"
        above = fleet.families.get(family.parent or "")
        if above is not None and above.gpu and not family.gpu:
            says = f"expected gpu = true: its parent {family.parent} carries CUDA"
            yield finding("families", "error", family, f"{path}.gpu", says, "gpu")
        if family.alias_of is not None and (family.contents or family.gpu or family.tag or family.python):
            says = "an alias adds nothing; expected `alias_of` and `purpose` alone"
            yield finding("families", "error", family, path, says)
        if family.alias_of is not None and getattr(fleet.families.get(family.alias_of), "alias_of", None):
            says = f"is an alias of an alias; expected {fleet.families[family.alias_of].alias_of}"
            yield finding("families", "error", family, f"{path}.alias_of", says, "alias_of")
        version = re.search(r"-(cu\d+)$", name)
        if family.gpu and (not version or version[1] != wanted):
            says = f"is a GPU family; expected a name that ends in -{wanted}, for CUDA {fleet.cuda}"
            yield finding("families", "error", family, path, says)
        if version and not family.gpu:
            yield finding(
                "families", "error", family, path, f"names {version[1]} and is no GPU family; expected gpu = true"
            )
