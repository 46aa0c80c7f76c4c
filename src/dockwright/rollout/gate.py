"""The gate: every instance that was started must say that it is healthy, within its own deadline."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dockwright.engine.docker import Docker
from dockwright.rollout import facts, healer, status
from dockwright.rollout.compose import FILTER

Say = Callable[[str], None]
LOOK = 0.3


@dataclass(frozen=True)
class Failure:
    """An instance that did not become healthy, with what was seen of it."""

    service: str
    why: str
    logs: tuple[str, ...]


def wait(docker: Docker, rows: list[Mapping[str, Any]], bind: str, say: Say) -> list[Failure]:
    """Wait until every row of desired.json is healthy; those that are not by their deadline come back as failures."""
    began = time.monotonic()
    waiting = {str(row["service"]): row for row in rows}
    late: dict[str, str] = {}
    while waiting:
        found = facts.ask_all({name: (bind, int(row["health_port"])) for name, row in waiting.items()})
        now = time.monotonic() - began
        for name, health in found.items():
            if health.ok:
                say(f"  {name} is healthy")
                del waiting[name]
            elif now > float(waiting[name]["start_seconds"]):
                late[name] = health.reason
                del waiting[name]
        if waiting:
            time.sleep(LOOK)
    if not late:
        return []
    seen = facts.containers(docker)
    return [_failure(docker, row, seen, late[str(row["service"])]) for row in rows if row["service"] in late]


def _failure(docker: Docker, row: Mapping[str, Any], seen: Mapping[str, facts.Container], reason: str) -> Failure:
    name = str(row["service"])
    container = seen.get(str(row["container"]))
    if container is None:
        return Failure(name, "its container is gone", ())
    guard = seen.get(f"dockwright-{FILTER}")
    if name == healer.SERVICE and container.state == "created" and (problem := status.filter_problem(guard)):
        lines = docker.logs(guard.name, 12) if guard else []
        return Failure(name, f"its container was not started: dockwright-{FILTER}, before it, {problem}", tuple(lines))
    if container.state != "running":
        why = f"its container is {container.state}, exit code {container.exit_code}"
    else:
        why = f"not healthy after {row['start_seconds']} s: {reason}"
    lines = docker.logs(container.name, 12)
    return Failure(name, why, tuple(lines))
