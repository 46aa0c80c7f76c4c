"""Which instances run on this host, and why the others do not. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from dockwright.spec.model import Fleet, Instance

NO_CARD = "needs an NVIDIA card, and this host shows none"
# Every service's kit reports to these three, so each service may reach them without naming them.
KIT_PEERS = ("ServiceRegistry", "CentralErrorBus", "UnifiedObservabilityCenter")


@dataclass(frozen=True)
class LeftOut:
    """An instance that does not run here."""

    instance: Instance
    why: str


@dataclass(frozen=True)
class Choice:
    """What runs on a host that plays `machine`. `guests` belong to another machine, and are called from here."""

    machine: str
    instances: tuple[Instance, ...]
    guests: tuple[Instance, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def all(self) -> tuple[Instance, ...]:
        return (*self.instances, *self.guests)

    def without(self, why: Mapping[str, str]) -> Choice:
        """The same with some instances left out. `why`: instance name -> reason."""
        gone = tuple(LeftOut(each, why[each.name]) for each in self.all if each.name in why)
        here = tuple(each for each in self.instances if each.name not in why)
        guests = tuple(each for each in self.guests if each.name not in why)
        return Choice(self.machine, here, guests, (*self.left_out, *gone))


def choose(fleet: Fleet, machine: str, *, gpu: bool, reached: Collection[str] = ()) -> Choice:
    """The implemented instances of a machine, and of machines that are not `reached` those that they call.

    A guest stands in for a machine that has no address: without it, what its callers tell it would be lost.
    """
    here: list[Instance] = []
    left_out: list[LeftOut] = []
    for instance in fleet.instances():
        why = _why_not(fleet, instance, machine, gpu=gpu)
        if why:
            left_out.append(LeftOut(instance, why))
        else:
            here.append(instance)
    guests = _guests(fleet, here, machine, gpu=gpu, reached=reached)
    rest = tuple(entry for entry in left_out if entry.instance not in guests)
    return Choice(machine, tuple(here), guests, rest)


def _why_not(fleet: Fleet, instance: Instance, machine: str, *, gpu: bool) -> str:
    if instance.service not in fleet.implementations:
        return "not implemented yet"
    if instance.machine != machine:
        return f"runs on {instance.machine}"
    if fleet.needs_gpu(instance.service) and not gpu:
        return NO_CARD
    return ""


def reachable(fleet: Fleet, instance: Instance, running: Iterable[Instance]) -> list[Instance]:
    """Of what runs, the instances that one may address: the peers that it calls, and itself, to say where it is."""
    peers = called(fleet, instance.service)
    return [each for each in running if each == instance or each.service in peers]


def called(fleet: Fleet, service: str) -> tuple[str, ...]:
    """The peers that a service may reach: the kit's three, those it waits for, those it calls."""
    own = fleet.implementations[service]
    return tuple(dict.fromkeys(name for name in (*KIT_PEERS, *own.depends, *own.calls)))


def _guests(
    fleet: Fleet, here: Iterable[Instance], machine: str, *, gpu: bool, reached: Collection[str]
) -> tuple[Instance, ...]:
    running = {instance.service for instance in here}
    rows = [fleet.services[name] for name in running]
    taken = {port for row in rows for port in (row.port, row.health_port)}
    found: list[Instance] = []
    waiting = [name for service in sorted(running) for name in called(fleet, service)]
    while waiting:
        name = waiting.pop(0)
        row = fleet.services.get(name)
        if row is None or name in running or name not in fleet.implementations or machine in row.machines:
            continue
        if any(other in reached for other in row.machines):
            continue  # It runs where it belongs, and is called there.
        if (fleet.needs_gpu(name) and not gpu) or {row.port, row.health_port} & taken:
            continue
        running.add(name)
        taken |= {row.port, row.health_port}
        found.append(Instance(name, row.machines[0]))
        waiting += called(fleet, name)
    return tuple(found)


def start_order(fleet: Fleet, instances: Iterable[Instance]) -> list[Instance]:
    """Who is waited for comes first; beyond that, phase by phase in the order of the table.

    The fleet has been checked: its dependencies have no circle.
    """
    phases = {phase.name: number for number, phase in enumerate(fleet.phases)}
    by_service = {instance.service: instance for instance in instances}

    def rank(instance: Instance) -> int:
        phase = fleet.phase_of(instance)
        return phases[phase.name] if phase else len(phases)

    ordered: list[Instance] = []

    def place(instance: Instance) -> None:
        if instance in ordered:
            return
        for name in fleet.implementations[instance.service].depends:
            if name in by_service:
                place(by_service[name])
        ordered.append(instance)

    for instance in sorted(by_service.values(), key=rank):
        place(instance)
    return ordered
