"""A family serves what its services need: GPU services a GPU family, CPU services none of its weight."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding


def find(facts: Facts) -> Iterator[Finding]:
    fleet = facts.fleet
    heavy = {name: any(fleet.families[above].gpu for above in fleet.lineage(name)) for name in fleet.families}
    for name, row in fleet.services.items():
        needs, path = set(row.needs), f"services.{name}.needs"
        if {"CPU", "GPU"} <= needs or not {"CPU", "GPU"} & needs:
            yield finding("needs", "error", row, path, "expected either CPU or GPU among the needs", "needs")
            continue
        if len(needs) < len(row.needs):
            yield finding("needs", "error", row, path, "names a need twice", "needs")
        if row.family not in heavy:
            continue
        if "GPU" in needs and not heavy[row.family]:
            says = f"needs a GPU, and {row.family} carries no CUDA; expected a GPU family"
            yield finding("needs", "error", row, f"services.{name}.family", says, "family")
        if "GPU" not in needs and heavy[row.family]:
            says = f"needs no GPU, and {row.family} carries CUDA; CPU services never inherit its weight"
            yield finding("needs", "error", row, f"services.{name}.family", says, "family")
        if "GPU" not in needs and needs & {"LLM", "Vision"}:
            says = f"{' and '.join(sorted(needs & {'LLM', 'Vision'}))} without GPU: no family serves that"
            yield finding("needs", "error", row, path, says, "needs")
