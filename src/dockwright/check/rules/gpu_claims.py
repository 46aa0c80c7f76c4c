"""Who needs a GPU says how much of its memory it claims, and who needs none claims none."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding


def find(facts: Facts) -> Iterator[Finding]:
    for name, service in facts.fleet.implementations.items():
        row = facts.fleet.services.get(name)
        if row is None:
            continue
        if service.gpu_memory_mb and not {"GPU", "GPU-aware"} & set(row.needs):
            says = f"claims {service.gpu_memory_mb} MiB of a GPU, and its row needs {'/'.join(row.needs)}"
            yield finding("gpu-claims", "error", service, "gpu_memory_mb", says, "gpu_memory_mb")
        if not service.gpu_memory_mb and "GPU" in row.needs:
            says = (
                "its row needs a GPU; expected how many MiB of GPU memory it claims, or the card is shared out blindly"
            )
            yield finding("gpu-claims", "error", service, "gpu_memory_mb", says, "gpu_memory_mb")
