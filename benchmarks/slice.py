"""What the benchmarks of a running fleet share: its rows, its processes, and how they are counted."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dockwright.engine import find
from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError
from dockwright.rollout import facts
from dockwright.rollout.place import here

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Running:
    """A rolled-out fleet: the engine, and desired.json's rows by service."""

    docker: Docker
    rows: dict[str, dict[str, Any]]
    address: str

    def healthy(self, service: str) -> bool:
        return facts.ask(self.address, int(self.rows[service]["health_port"]), timeout=0.5).ok

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


def processes(docker: Docker, container: str) -> list[int]:
    """The process ids, on this host, of everything in a container; the first is its init."""
    found = docker.inspect("container", [container])
    if not found:
        return []
    state: Any = found[0]["State"]
    return descendants(int(state["Pid"])) if state["Pid"] else []


def descendants(process: int) -> list[int]:
    """A process and everything below it."""
    found = [process]
    for number in found:
        for children in Path(f"/proc/{number}/task").glob("*/children"):
            try:
                found += [int(word) for word in children.read_text().split()]
            except OSError:
                continue
    return found


def pss(process: int) -> int:
    """Proportional set size of a process in bytes: its own memory, and its share of what it shares."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def cpu_seconds(process: int) -> float:
    """User and system time that a process has used so far."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


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
