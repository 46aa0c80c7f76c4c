"""service.toml: what an implemented service says of itself and the blueprint does not."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dockwright.spec.declared import Declared, Megabytes, ServiceName

Entry = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
        description="module:factory, such as service_registry.app:create",
    ),
]


Secret = Literal["fleet-token"]  # what the rollout makes and hands out; another one wants a place to come from


class ServiceFile(Declared):
    """fleet/services/<Name>/service.toml."""

    name: ServiceName = Field(description="the service's name: its row's and its folder's")
    summary: str = Field(min_length=1, max_length=200, description="what it does, in one sentence")
    entry: Entry = Field(description="module:factory in its folder; factory(service) gives the ASGI app")
    workers: Literal["profile"] | Annotated[int, Field(ge=1, le=256)] = Field(
        1, description='worker processes: a number, or "profile" for the machine profile\'s UVICORN_WORKERS'
    )
    memory_mb: Megabytes = Field(description="the container's memory limit in MiB")
    cpus: float = Field(1.0, gt=0, le=4096, allow_inf_nan=False, description="the container's CPU limit")
    pids: int = Field(64, ge=8, le=100_000, description="the container's limit of processes and threads")
    gpu_memory_mb: int = Field(0, ge=0, le=2**26, description="GPU memory it claims in MiB; 0 when it needs none")
    start_seconds: int = Field(20, ge=1, le=3600, description="deadline for the first healthy answer")
    max_body_kb: int = Field(1024, ge=1, le=2**22, description="largest request body in KiB")
    state: bool = Field(False, description="whether /state is a volume that outlives the container")
    depends: tuple[ServiceName, ...] = Field((), description="services that must be healthy before it starts")
    calls: tuple[ServiceName, ...] = Field((), description="services that it calls itself, beyond the kit's own three")
    secrets: tuple[Secret, ...] = Field((), description="secrets that it reads from /run/secrets")
    desired: bool = Field(False, description="whether it reads /run/dockwright/desired.json")
    docker: bool = Field(False, description="whether it gets the filtered Docker socket")
