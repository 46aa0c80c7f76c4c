"""desired.json: what should run here, as the supervisor and the observers read it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from dockwright.build.store import Stored
from dockwright.rollout.choice import Choice, start_order
from dockwright.rollout.compose import container_name
from dockwright.spec.model import Fleet, Instance

MACHINE_FACTS = {"gpu", "gpu_memory_mb", "gpu_arch", "cpus", "memory_mb"}


def desired(
    fleet: Fleet,
    choice: Choice,
    images: Mapping[Instance, Stored],
    now: datetime,
    origin: Mapping[str, str],
    follow: Mapping[str, str] | None = None,
    pinned: Collection[str] = (),
) -> dict[str, object]:
    """The content of desired.json. `images`: the image of each instance that runs here; `origin`: git_sha and tag.

    `follow`: from which registry the supervisor may take other images, and which release; None: from none. `pinned`:
    instances that no release moves.
    """
    running = start_order(fleet, choice.all)
    rows = [
        {
            **row(fleet, instance, running, container_name(instance.service)),
            **_image(images[instance]),
            **({"pinned": True} if instance.name in pinned else {}),
        }
        for instance in running
    ]
    left_out = [
        {"service": entry.instance.service, "machine": entry.instance.machine, "why": entry.why}
        for entry in choice.left_out
    ]
    elsewhere = [
        row(fleet, instance, fleet.instances(), "")
        for instance in fleet.instances()
        if instance.service in fleet.implementations and instance not in choice.all
    ]
    said = {"elsewhere": elsewhere, **({"follow": dict(follow)} if follow else {})}
    return document(fleet, choice.machine, now, origin, rows, left_out) | said


def document(
    fleet: Fleet,
    machine: str,
    now: datetime,
    origin: Mapping[str, str],
    rows: Iterable[Mapping[str, object]],
    left_out: Iterable[Mapping[str, str]] = (),
) -> dict[str, object]:
    """The file as a whole: the machine that this host plays, every machine as declared, and the rows."""
    return {
        "machine": machine,
        "written_at": now.isoformat(timespec="seconds"),
        **origin,
        "machines": {name: each.model_dump(include=MACHINE_FACTS) for name, each in fleet.machines.items()},
        "instances": list(rows),
        "left_out": list(left_out),
    }


def row(fleet: Fleet, instance: Instance, running: Iterable[Instance], address: str) -> dict[str, object]:
    """What is declared of an instance; `address` is where its peers reach it."""
    declared = fleet.services[instance.service]
    own = fleet.implementations[instance.service]
    phase = fleet.phase_of(instance)
    beside = {each.service for each in running}
    return {
        "service": instance.service,
        "machine": instance.machine,
        "container": container_name(instance.service),
        "address": address,
        "family": fleet.lineage(declared.family)[-1],
        "port": declared.port,
        "health_port": declared.health_port,
        "depends": [name for name in own.depends if name in beside],
        "start_seconds": own.start_seconds,
        "memory_mb": own.memory_mb,
        "cpus": own.cpus,
        "gpu_memory_mb": own.gpu_memory_mb,
        "phase": phase.name if phase else "",
    }


def _image(image: Stored) -> dict[str, object]:
    return {
        "image": image.reference,
        "image_digest": image.digest,
        "input_digest": image.input_digest,
        "git_sha": image.git_sha,
        "tag": image.tag,
    }
