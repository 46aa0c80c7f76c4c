"""Small fleets for the tests of rollout, written as few words, and the images that were built of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dockwright.build.origin import Origin
from dockwright.build.store import Stored
from dockwright.spec.model import Fleet, Instance, Phase

SHA = "59b51f84018bb1c7c1cdc27540fcfbff72a5bfb3"
ORIGIN = Origin(SHA, False, "20261124")
CARDS = {"mainpc": "RTX 4090", "pc2": "RTX 3060", "pc3": "RTX A6000"}


@dataclass(frozen=True)
class Given:
    """A service: its row, and what its service.toml says; `own=None` is a service that nobody has implemented."""

    name: str
    machines: tuple[str, ...] = ("mainpc",)
    gpu: bool = False
    ports: tuple[int, int] | None = None
    family: str = "base"
    own: dict[str, Any] | None = field(default_factory=dict)


def phase(name: str, *services: str) -> Phase:
    """A phase of these services; of all that are left when none is named."""
    return Phase.model_validate({"name": name, "title": name, "services": services})


def fleet(services: Iterable[Given], phases: Iterable[Phase] = ()) -> Fleet:
    """A fleet of three machines with these services; ports that are not given count up from 7000 and 8000."""
    listed = list(services)
    machine = {"gpu_memory_mb": 8192, "gpu_arch": "8.9", "cpus": 8, "memory_mb": 32768}
    table = {
        "version": "1.0",
        "registry": "registry.example/fleet",
        "tag": "YYYYMMDD-<git_sha>",
        "python": "3.11",
        "cuda": "12.1",
        "arch_list": "8.9",
        "roots": {"debian": {"distribution": "debian", "suite": "bookworm", "variant": "essential"}},
        "machines": {name: {**machine, "gpu": card, "profile": {"OMP_NUM_THREADS": 4}} for name, card in CARDS.items()},
        "families": {
            "base": {"parent": "debian", "purpose": "a base"},
            "also-base": {"alias_of": "base", "purpose": "another name of it"},
        },
        "services": {given.name: _row(given, number) for number, given in enumerate(listed)},
        "phases": tuple(phases),
        "implementations": {given.name: _implementation(given) for given in listed if given.own is not None},
    }
    return Fleet.model_validate(table)


def _row(given: Given, number: int) -> dict[str, object]:
    port, health_port = given.ports or (7000 + number, 8000 + number)
    needs = ("GPU",) if given.gpu else ("CPU",)
    ports = {"port": port, "health_port": health_port}
    return {"machines": given.machines, "needs": needs, "family": given.family, **ports}


def _implementation(given: Given) -> dict[str, object]:
    usual = {"summary": "Does something.", "entry": "app:create", "memory_mb": 128, "secrets": ("fleet-token",)}
    return {"name": given.name, **usual, **(given.own or {})}


def usual() -> Fleet:
    """The kit's three, a supervisor behind the filter, a caller with its peers, and two that cannot run on mainpc."""
    return fleet(
        [
            Given("ServiceRegistry", own={"state": True}),
            Given(
                "SelfHealingSupervisor",
                ("mainpc", "pc2"),
                own={"state": True, "desired": True, "docker": True, "depends": ("ServiceRegistry",)},
            ),
            Given("UnifiedObservabilityCenter", ("mainpc", "pc2"), own={"state": True, "desired": True}),
            Given("Caller", family="also-base", own={"calls": ("Helper",), "cpus": 64.0, "memory_mb": 256, "pids": 99}),
            Given("Stranger"),
            Given("Painter", gpu=True),
            Given("Helper", ("pc2",)),
            Given("CentralErrorBus", ("pc2",), own={"state": True}),
            Given("Loner", ("pc2",)),
            Given("Future", own=None),
        ],
        (phase("core", "ServiceRegistry", "CentralErrorBus"), phase("rest")),
    )


def stored(instance: Instance) -> Stored:
    """The image of an instance: its digests and names tell it from every other one's."""
    name = instance.service.lower()
    digest, inputs = (hashlib.sha256(f"{what} {instance.name}".encode()).hexdigest() for what in ("image", "inputs"))
    return Stored(
        f"sha256:{digest}",
        f"registry.example:5000/fleet/{name}:20261124-59b51f84018b-{instance.machine}",
        SHA,
        f"20261124-59b51f84018b-{instance.machine}",
        f"sha256:{inputs}",
    )
