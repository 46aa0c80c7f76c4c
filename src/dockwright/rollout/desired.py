"""desired.json: what should run here, as the supervisor and the observers read it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from dockwright.build.store import Stored
from dockwright.rollout.choice import Choice, start_order
from dockwright.rollout.compose import container_name
from dockwright.spec.model import Fleet, Instance


def desired(
    fleet: Fleet, choice: Choice, images: Mapping[Instance, Stored], now: datetime, origin: Mapping[str, str]
) -> dict[str, object]:
    """The content of desired.json. `images`: the image of each instance that runs here; `origin`: git_sha and tag."""
    ordered = start_order(fleet, choice.all)
    return {
        "machine": choice.machine,
        "written_at": now.isoformat(timespec="seconds"),
        **origin,
        "machines": {
            name: {
                "gpu": machine.gpu,
                "gpu_memory_mb": machine.gpu_memory_mb,
                "gpu_arch": machine.gpu_arch,
                "cpus": machine.cpus,
                "memory_mb": machine.memory_mb,
            }
            for name, machine in fleet.machines.items()
        },
        "instances": [_row(fleet, instance, images[instance], choice) for instance in ordered],
        "left_out": [
            {"service": entry.instance.service, "machine": entry.instance.machine, "why": entry.why}
            for entry in choice.left_out
        ],
    }


def _row(fleet: Fleet, instance: Instance, image: Stored, choice: Choice) -> dict[str, object]:
    row = fleet.services[instance.service]
    own = fleet.implementations[instance.service]
    phase = fleet.phase_of(instance)
    running = {each.service for each in choice.all}
    return {
        "service": instance.service,
        "machine": instance.machine,
        "container": container_name(instance.service),
        "address": container_name(instance.service),
        "family": fleet.lineage(row.family)[-1],
        "port": row.port,
        "health_port": row.health_port,
        "depends": [name for name in own.depends if name in running],
        "start_seconds": own.start_seconds,
        "memory_mb": own.memory_mb,
        "cpus": own.cpus,
        "gpu_memory_mb": own.gpu_memory_mb,
        "phase": phase.name if phase else "",
        "image": image.reference,
        "image_digest": image.digest,
        "input_digest": image.input_digest,
        "git_sha": image.git_sha,
        "tag": image.reference.rpartition(":")[2],
    }
