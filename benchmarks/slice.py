"""What the benchmarks of a running fleet share: its rows, its processes, and how they are counted."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

from dockwright.engine import find
from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError
from dockwright.rollout import facts
from dockwright.rollout.place import here


@dataclass(frozen=True)
class Running:
    """A rolled-out fleet: the engine, and desired.json's rows by service."""

    docker: Docker
    rows: dict[str, dict[str, Any]]
    address: str

    def healthy(self, service: str) -> bool:
        return facts.ask(self.address, int(self.rows[service]["health_port"]), 0.5).ok

    def container(self, service: str) -> str:
        return str(self.rows[service]["container"])


def fleet() -> Running:
    """The fleet that runs on this host; ends the program with a clear line where none does."""
    try:
        desired = here().read_desired()
        if desired is None:
            raise DockwrightError("nothing was rolled out on this host")
        instances: Any = desired["instances"]
        return Running(find.running(), {row["service"]: row for row in instances}, here().address())
    except DockwrightError as error:
        print(f"{error}; ./dockwright up first", file=sys.stderr)
        raise SystemExit(3) from error


def processes(docker: Docker, container: str) -> list[psutil.Process]:
    """The processes, on this host, of everything in a container; the first is its init."""
    found = docker.inspect("container", [container])
    if not found:
        return []
    state: Any = found[0]["State"]
    return family(int(state["Pid"])) if state["Pid"] else []


def family(number: int) -> list[psutil.Process]:
    """A process and everything below it; empty when it is gone."""
    try:
        process = psutil.Process(number)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def pss(process: psutil.Process) -> int:
    """Proportional set size of a process in bytes: its own memory, and its share of what it shares."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time that a process has used so far."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def until(true: Callable[[], bool], seconds: float, every: float = 0.02) -> float | None:
    """Seconds until something became true; None when it did not within `seconds`."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if true():
            return time.monotonic() - began
        time.sleep(every)
    return None


def as_json(value: object) -> str:
    return json.dumps(value, indent=2)
