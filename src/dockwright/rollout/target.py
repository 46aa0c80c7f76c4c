"""What should run as each instance, and what a machine shows of it. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from dockwright.spec.model import Instance

MISSING, UNFILTERED = "missing", "without its filter"


@dataclass(frozen=True)
class Target:
    """What an instance should be: its image by manifest digest, and a digest of how its container is started.

    `host` is the machine that it runs on: its own, or one that has it as a guest. `release` is the record that says
    so. `reference` names the image there. `health_port` and `start_seconds` (the declared deadline of a start) are
    what the gate needs.
    """

    instance: Instance
    host: str
    release: str
    image: str
    reference: str
    config: str
    health_port: int
    start_seconds: int


@dataclass(frozen=True)
class Seen:
    """The container of an instance as its engine shows it, on the machine `host`. `state` is the engine's word, or
    `MISSING` where the machine is told to run it and has no container of it, or `UNFILTERED` where the filter does not
    run that is to stand between it and Docker.
    """

    instance: Instance
    host: str
    image: str
    config: str
    state: str

    @property
    def running(self) -> bool:
        return self.state == "running"
