"""Every instance belongs to a phase, and every phase takes some."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding
from dockwright.spec.names import did_you_mean


def find(facts: Facts) -> Iterator[Finding]:
    fleet = facts.fleet
    seen: set[str] = set()
    for phase in fleet.phases:
        path = f"phases.{phase.name}"
        if phase.name in seen:
            yield finding("phases", "error", phase, path, "is the name of two phases", "name")
        seen.add(phase.name)
        for key, known in (("services", fleet.services), ("machines", fleet.machines)):
            for index, name in enumerate(getattr(phase, key)):
                if name not in known:
                    says = f"there is no {key[:-1]} '{name}'{did_you_mean(name, known)}"
                    yield finding("phases", "error", phase, f"{path}.{key}.{index}", says, key, index)
    if len(seen) < len(fleet.phases):
        return
    taken = 0
    for phase, instances in fleet.phase_instances():
        taken += len(instances)
        if not instances:
            yield finding("phases", "warning", phase, f"phases.{phase.name}", "takes no instance")
    if taken < len(facts.instances):
        for instance in facts.instances:
            if fleet.phase_of(instance) is None:
                row = fleet.services[instance.service]
                says = f"{instance.name} is in no phase, so no wave would ever roll it out"
                yield finding("phases", "error", row, f"services.{instance.service}", says)
