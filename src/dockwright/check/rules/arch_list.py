"""TORCH_CUDA_ARCH_LIST is well formed and holds every machine's GPU."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding

SHAPE = re.compile(r"\d+\.\d+a?(\+PTX)?")


def find(facts: Facts) -> Iterator[Finding]:
    fleet = facts.fleet
    parts = re.split(r"[; ]", fleet.arch_list)
    bad = [part for part in parts if not SHAPE.fullmatch(part)]
    if bad:
        meant = ";".join(sorted({machine.gpu_arch for machine in fleet.machines.values()}, reverse=True))
        says = (
            f'"{fleet.arch_list}" is malformed ({", ".join(map(repr, bad))}); PyTorch reads capabilities like "{meant}"'
        )
        yield finding("arch-list", "error", fleet, "arch_list", says, "arch_list")
        return
    have = {part.removesuffix("+PTX") for part in parts}
    for name, machine in fleet.machines.items():
        if machine.gpu_arch not in have:
            says = f"misses {machine.gpu_arch}, the {machine.gpu} of {name}"
            yield finding("arch-list", "error", fleet, "arch_list", says, "arch_list")
    for arch in sorted(have - {machine.gpu_arch for machine in fleet.machines.values()}):
        says = f"compiles for {arch}, which no machine has"
        yield finding("arch-list", "warning", fleet, "arch_list", says, "arch_list")
