"""fleet.toml: machines, roots, families, services, phases and risks, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from dockwright.spec.declared import Declared, Megabytes, Name, Port, ServiceName
from dockwright.spec.family import FamilyFile
from dockwright.spec.service import ServiceFile

PROFILE_KEYS = (
    "GPU_VISIBLE_DEVICES",
    "TORCH_CUDA_ALLOC_CONF",
    "OMP_NUM_THREADS",
    "UVICORN_WORKERS",
    "MODEL_EVICT_THRESHOLD_PCT",
)
Version = Annotated[str, Field(pattern=r"^\d+\.\d+$", description="a version such as 3.11")]
Text = Annotated[str, Field(min_length=1, max_length=2000, description="a text that is not empty")]
Setting = Annotated[int, Field(ge=0, le=2**31)] | Annotated[str, Field(max_length=200)]
Need = Literal["CPU", "GPU", "Web", "Docker", "LLM", "Audio", "Vision", "GPU-aware"]


class Root(Declared):
    """The file system that a hierarchy starts from: made from a distribution's packages, or an image by digest."""

    distribution: Literal["debian", "ubuntu"] = Field(description="whose packages it is made of")
    suite: Name = Field(description="the distribution's release, such as bookworm")
    variant: Literal["", "extract", "custom", "essential", "apt", "minbase"] = Field(
        "", description="mmdebstrap's variant; empty for an image from a registry"
    )
    packages: tuple[Text, ...] = Field((), description="packages beyond the variant's own")
    purged: tuple[Text, ...] = Field(
        (), description="packages that only installing needs: taken out once all are configured"
    )
    image: str = Field("", description="an image of a registry instead of packages: name:tag@sha256:digest")


class Machine(Declared):
    """One Docker host with a hardware profile."""

    gpu: Text = Field(description="the card's model")
    gpu_memory_mb: Megabytes = Field(description="the card's memory in MiB")
    gpu_arch: Version = Field(description="the card's compute capability, such as 8.9")
    cpus: int = Field(ge=1, le=4096, description="logical CPUs")
    memory_mb: Megabytes = Field(description="main memory in MiB")
    profile: dict[str, Setting] = Field(description="the keys of /etc/machine-profile.json")


class Family(Declared):
    """A base image that services share."""

    parent: Name | None = Field(None, description="the family or root that it is built from")
    alias_of: Name | None = Field(None, description="the family that this name also means")
    purpose: Text = Field(description="what it is for, in one line")
    contents: tuple[Text, ...] = Field((), description="what it adds to its parent, as the blueprint words it")
    python: Version | None = Field(None, description="its Python; its parent's, or the fleet's, when not named")
    gpu: bool = Field(False, description="whether it carries CUDA")
    tag: Name | None = Field(None, description="a fixed first part of its image tag")
    provides: tuple[Name, ...] = Field((), description="programs that it puts on PATH")


class ServiceRow(Declared):
    """A row of the coverage table: one service, the machines it runs on, its family and its ports."""

    machines: tuple[Name, ...] = Field(min_length=1, description="the machines that it runs on")
    needs: tuple[Need, ...] = Field(min_length=1, description="what it needs of a machine and a family")
    family: Name = Field(description="the family that its image is built from")
    port: Port = Field(description="the port of its service, from 1 to 65535")
    health_port: Port = Field(description="the port of /health, /metrics and /info, from 1 to 65535")


class Phase(Declared):
    """Instances that migrate together. An instance belongs to the first phase that takes it."""

    name: Name = Field(description="a short name")
    title: Text = Field(description="its words in the blueprint")
    services: tuple[ServiceName, ...] = Field((), description="the services it takes; all when none is named")
    machines: tuple[Name, ...] = Field((), description="only instances on these machines; all when none is named")
    gpu: bool | None = Field(None, description="only services that need a GPU (true) or none (false)")


class Risk(Declared):
    """A row of the risk register."""

    id: Name = Field(description="the register's number, such as R1")
    risk: Text = Field(description="what may happen")
    likelihood: Literal["Low", "Med", "High"] = Field(description="Low, Med or High")
    impact: Literal["Low", "Med", "High"] = Field(description="Low, Med or High")
    mitigation: Text = Field(description="what is done against it")
    rollback: Text = Field(description="what is done when it happened")
    due: date | None = Field(None, description="the last day of the mitigation's own deadline")


@dataclass(frozen=True, order=True)
class Instance:
    """One service on one machine."""

    service: str
    machine: str

    @property
    def name(self) -> str:
        return f"{self.machine}/{self.service}"


class FleetFile(Declared):
    """fleet/fleet.toml: the blueprint's tables as data."""

    version: Version = Field(description="the blueprint's version")
    registry: str = Field(
        pattern=r"^[a-z0-9][a-z0-9./:_-]*[a-z0-9]$", description="where images are named: host/organisation"
    )
    tag: Text = Field(description="how tags of family images are made")
    instance_tag: Text = Field("YYYYMMDD-<git_sha>", description="how tags of instance images are made")
    python: Version = Field(description="the Python of every family that names no other")
    cuda: Version = Field(description="the CUDA of every GPU family")
    arch_list: str = Field(description="TORCH_CUDA_ARCH_LIST: the compute capabilities to compile for")
    roots: dict[Name, Root] = Field(description="the file systems that hierarchies start from")
    machines: dict[Name, Machine] = Field(min_length=1, description="the Docker hosts")
    families: dict[Name, Family] = Field(min_length=1, description="the base images")
    services: dict[ServiceName, ServiceRow] = Field(description="the coverage table")
    phases: tuple[Phase, ...] = Field((), description="the order of migration")
    risks: tuple[Risk, ...] = Field((), description="the risk register")


class Fleet(FleetFile):
    """fleet.toml together with the service.toml of every implemented service and the family.toml of families."""

    implementations: dict[str, ServiceFile] = Field(default_factory=dict)
    family_files: dict[str, FamilyFile] = Field(default_factory=dict)

    def instances(self) -> tuple[Instance, ...]:
        """Every service on every machine it runs on, in the order of the table."""
        return tuple(Instance(name, machine) for name, row in self.services.items() for machine in row.machines)

    def lineage(self, name: str) -> tuple[str, ...]:
        """A family and its ancestors, the oldest first; an alias is its target. Ends at what is not declared."""
        chain: list[str] = []
        seen: set[str] = set()
        while name in self.families and name not in seen:
            seen.add(name)
            family = self.families[name]
            if family.alias_of is None:
                chain.insert(0, name)
            name = family.alias_of or family.parent or ""
        return tuple(chain)

    def by_generation(self) -> tuple[str, ...]:
        """Every family that is built (no alias), parents before children."""
        return tuple(dict.fromkeys(above for name in self.families for above in self.lineage(name)))

    def python_of(self, name: str) -> str:
        """The Python version of a family: its own, its nearest ancestor's, or the fleet's."""
        own = (self.families[above].python for above in reversed(self.lineage(name)))
        return next((version for version in own if version), self.python)

    def provided(self, name: str) -> frozenset[str]:
        """Programs on PATH in a family: its own and its ancestors'."""
        return frozenset(program for above in self.lineage(name) for program in self.families[above].provides)

    def carries_cuda(self, name: str) -> bool:
        """Whether a family or one that it stands on carries CUDA."""
        return any(self.families[above].gpu for above in self.lineage(name))

    def needs_gpu(self, service: str) -> bool:
        """Whether a service cannot do its work without a GPU."""
        return "GPU" in self.services[service].needs

    def phase_of(self, instance: Instance) -> Phase | None:
        """The first phase that takes an instance; None when no phase does."""
        return next((phase for phase in self.phases if self._takes(phase, instance)), None)

    def _takes(self, phase: Phase, instance: Instance) -> bool:
        return (
            (not phase.services or instance.service in phase.services)
            and (not phase.machines or instance.machine in phase.machines)
            and (phase.gpu is None or phase.gpu == self.needs_gpu(instance.service))
        )

    def phase_instances(self) -> Iterator[tuple[Phase, tuple[Instance, ...]]]:
        """Each phase with its instances, in the order of migration."""
        taken: dict[str, list[Instance]] = {phase.name: [] for phase in self.phases}
        for instance in self.instances():
            phase = self.phase_of(instance)
            if phase:
                taken[phase.name].append(instance)
        for phase in self.phases:
            yield phase, tuple(taken[phase.name])
