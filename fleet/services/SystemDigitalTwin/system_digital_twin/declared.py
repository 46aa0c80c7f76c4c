"""What is declared: /run/dockwright/desired.json, read anew when it changes.

A file that cannot be read leaves the last good one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from pydantic import AwareDatetime, Field, ValidationError, model_validator

from system_digital_twin.words import Cpus, Heard, MachineName, Megabytes, Port, ServiceName, first_fault

FILE_BYTES: Final = 4 * 1024 * 1024
Text = Annotated[str, Field(max_length=300)]


class Box(Heard):
    """A machine as declared; what is None was not told."""

    gpu: Text | None = None
    gpu_memory_mb: Megabytes | None = None
    gpu_arch: Text | None = None
    cpus: Cpus | None = None
    memory_mb: Megabytes | None = None


class Wanted(Heard):
    """An instance that should run."""

    service: ServiceName
    machine: MachineName
    memory_mb: Megabytes | None = None
    cpus: Cpus | None = None
    gpu_memory_mb: Megabytes | None = None
    port: Port | None = None
    health_port: Port | None = None
    phase: Text | None = None
    depends: Annotated[tuple[Text, ...], Field(max_length=200)] = ()


class Declared(Heard):
    machine: MachineName
    written_at: AwareDatetime | None = None
    machines: Annotated[dict[MachineName, Box], Field(max_length=100)]
    instances: Annotated[tuple[Wanted, ...], Field(max_length=2000)]
    elsewhere: Annotated[tuple[Wanted, ...], Field(max_length=2000)] | None = None  # those of the other machines

    @model_validator(mode="after")
    def consistent(self) -> Declared:
        named = [(one.service, one.machine) for one in self.every]
        if len(set(named)) != len(named):
            raise ValueError("an instance is named twice")
        strangers = {one.machine for one in self.every} - self.machines.keys()
        if strangers:
            raise ValueError(f"instances on machines that are not declared: {', '.join(sorted(strangers)[:5])}")
        return self

    @property
    def every(self) -> tuple[Wanted, ...]:
        return (*self.instances, *(self.elsewhere or ()))

    def tells_of(self, machine: str) -> bool:
        """Whether all instances of this machine are in the file: silence about another machine is no empty machine."""
        return machine == self.machine or self.elsewhere is not None

    def on(self, machine: str) -> tuple[Wanted, ...]:
        return tuple(one for one in self.every if one.machine == machine)


class DeclaredFile:
    """Looks whether the file has changed; `problem` says why the last look gave nothing new, or is empty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = "not read yet"
        self.content: Declared | None = None
        self._mark: tuple[int, int, int] | None = None

    def read(self) -> None:
        """Blocking."""
        try:
            facts = self.path.stat()
            mark = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
            if mark == self._mark:
                self.problem = ""
                return
            if facts.st_size > FILE_BYTES:
                raise ValueError("the file is too large")
            self.content = Declared.model_validate_json(self.path.read_bytes())
        except ValidationError as error:
            self.problem = f"{self.path.name}: {first_fault(error)}"
        except (OSError, ValueError) as error:
            self.problem = f"{self.path.name}: {error}"[:300]
        else:
            self._mark, self.problem = mark, ""
