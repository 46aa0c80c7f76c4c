"""What POST /v1/simulate is asked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from system_digital_twin.words import Cpus, MachineName, Megabytes, Port, ServiceName

Several = Field(max_length=200)


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Given(Asked):
    """Needs. What is not given of a known service is taken from what is desired."""

    memory_mb: Megabytes | None = Field(None, description="all of it; or workers and memory_per_worker_mb")
    workers: Annotated[int, Field(ge=1, le=1024)] | None = None
    memory_per_worker_mb: Megabytes | None = None
    cpus: Cpus | None = None
    gpu: bool | None = Field(None, description="whether it needs a card; true without gpu_memory_mb: nobody knows yet")
    gpu_memory_mb: Megabytes | None = None
    disk_mb: Megabytes | None = Field(None, description="what its image and its state take on the disk")
    port: Port | None = None
    health_port: Port | None = None

    @model_validator(mode="after")
    def one_way(self) -> Given:
        if (self.workers is None) != (self.memory_per_worker_mb is None):
            raise ValueError("workers and memory_per_worker_mb go together")
        if self.memory_mb is not None and self.workers is not None:
            raise ValueError("memory_mb says it all already: leave out workers and memory_per_worker_mb")
        if self.gpu is False and self.gpu_memory_mb:
            raise ValueError("gpu_memory_mb without a gpu")
        return self

    @property
    def memory(self) -> int | None:
        if self.workers is not None and self.memory_per_worker_mb is not None:
            return self.workers * self.memory_per_worker_mb
        return self.memory_mb


class Addition(Given):
    service: ServiceName
    machine: MachineName


class Alteration(Given):
    """Other needs for an instance that is there; what is not given stays."""

    service: ServiceName
    machine: MachineName


class Removal(Asked):
    service: ServiceName
    machine: MachineName


class Move(Asked):
    service: ServiceName
    origin: MachineName = Field(alias="from")
    target: MachineName = Field(alias="to")


class Reserve(Asked):
    """Kept free on each machine for the system; of GPU memory on each card."""

    memory_mb: Megabytes = 2048
    gpu_memory_mb: Megabytes = 512
    disk_mb: Megabytes = 5120
    cpus: Cpus = 0.5


class Question(Asked):
    against: Literal["declared", "live"] = Field(
        "declared",
        description="declared: what the machines are declared to have and the instances to need at most; "
        "live: what is free now, those that run counted with what they use now",
    )
    base: Literal["desired", "empty"] = Field(
        "desired", description="desired: a change to what is desired; empty: `add` is all there is to be"
    )
    machines: Annotated[tuple[MachineName, ...], Field(max_length=100)] = Field(
        (), description="judged as well as those that change; all when nothing changes"
    )
    add: Annotated[tuple[Addition, ...], Several] = ()
    remove: Annotated[tuple[Removal, ...], Several] = ()
    move: Annotated[tuple[Move, ...], Several] = ()
    change: Annotated[tuple[Alteration, ...], Several] = ()
    reserve: Reserve = Field(default_factory=Reserve)
    suggestions: bool = Field(False, description="look for removals or other machines that make it fit")
