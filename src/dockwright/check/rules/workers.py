"""Worker processes fit: into the service's memory limit, and never beside state that lives in one process."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding

# Measured, MiB of PSS, idle: 24 for the smallest service with one worker; FastAPI with 2, 4, 8 and 32 workers takes
# 94, 156, 278 and 1,012.
ONE, PARENT, EACH = 24, 32, 30.7


def memory_mb(workers: int) -> int:
    """What an idle service with this many workers takes, in MiB, before any code of its own."""
    return ONE if workers == 1 else round(PARENT + EACH * workers)


def find(facts: Facts) -> Iterator[Finding]:
    for name, service in facts.fleet.implementations.items():
        row = facts.fleet.services.get(name)
        for machine in row.machines if row else ():
            if machine not in facts.fleet.machines:
                continue
            ceiling = facts.fleet.machines[machine].profile.get("UVICORN_WORKERS", 1)
            workers = service.workers if isinstance(service.workers, int) else ceiling
            if not isinstance(workers, int) or not isinstance(ceiling, int):
                continue
            if workers > ceiling:
                says = f"{workers} workers, and the profile of {machine} allows {ceiling}"
                yield finding("workers", "error", service, "workers", says, "workers")
            needed = memory_mb(workers)
            if needed > service.memory_mb:
                says = (
                    f"{workers} idle workers on {machine} take about {needed} MiB, and memory_mb is {service.memory_mb}"
                )
                yield finding("workers", "error", service, "memory_mb", says, "memory_mb")
            if workers >= service.pids:
                says = f"{workers} workers on {machine}, and pids allows {service.pids} processes and threads"
                yield finding("workers", "error", service, "pids", says, "pids")
        if service.state and service.workers != 1:
            says = "keeps state, so several workers would each hold their own; expected workers = 1"
            yield finding("workers", "error", service, "workers", says, "workers")
