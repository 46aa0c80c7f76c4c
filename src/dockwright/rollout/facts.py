"""What is true on this host now: the fleet's containers as the engine sees them, and what their health ports say."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import shutil
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dockwright.engine import command
from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError
from dockwright.rollout.compose import FLEET_LABEL

HEALTH_BYTES = 64 * 1024


@dataclass(frozen=True)
class Container:
    """A container of the fleet. `state` is the engine's word: running, exited, created, restarting, paused, dead."""

    name: str
    state: str
    exit_code: int
    since: str
    image: str
    labels: Mapping[str, str]
    restarts: int
    inspected: Mapping[str, Any]


@dataclass(frozen=True)
class Health:
    """What a health port answered: `ok` and, where not, why."""

    ok: bool
    reason: str


def containers(docker: Docker) -> dict[str, Container]:
    """Container name -> every container that carries the fleet's label, running or not."""
    ids = docker.run("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={FLEET_LABEL}=dockwright").split()
    return {made.name: made for made in map(_container, docker.inspect("container", ids))}


def _container(entry: dict[str, Any]) -> Container:
    state = entry["State"]
    ended = state["Status"] in ("exited", "dead")
    return Container(
        entry["Name"].removeprefix("/"),
        state["Status"],
        state["ExitCode"],
        state["FinishedAt"] if ended else state["StartedAt"],
        entry["Image"],
        entry["Config"]["Labels"] or {},
        entry["RestartCount"],
        entry,
    )


def ask(address: str, port: int, timeout: float = 2.5) -> Health:
    """Ask /health once. Never raises: silence is an answer too."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("GET", "/health", headers={"Connection": "close"})
        answer = connection.getresponse()
        content = answer.read(HEALTH_BYTES)
    except (OSError, http.client.HTTPException) as error:
        return Health(False, _silence(error))
    finally:
        connection.close()
    return Health(True, "") if answer.status == 200 else Health(False, _reasons(content) or f"HTTP {answer.status}")


def ask_all(addresses: Mapping[str, tuple[str, int]]) -> dict[str, Health]:
    """Ask many health ports at once: name -> answer."""
    if not addresses:
        return {}
    with concurrent.futures.ThreadPoolExecutor(max_workers=min(32, len(addresses))) as pool:
        answers = pool.map(lambda place: ask(*place), addresses.values())
        return dict(zip(addresses, answers, strict=True))


def _silence(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens on its health port"
    if isinstance(error, TimeoutError):
        return "its health port does not answer"
    if isinstance(error, ConnectionResetError | http.client.RemoteDisconnected):
        return "its health port closes the connection"
    return f"its health port: {error}"


def _reasons(content: bytes) -> str:
    try:
        found = json.loads(content)["reasons"]
        return "; ".join(f"{reason['check']}: {reason['reason']}" for reason in found)
    except (ValueError, KeyError, TypeError):
        return ""


def busy_ports(bind: str, ports: Iterable[int]) -> list[int]:
    """Of these ports the ones that another program on this host listens on."""
    busy = []
    for port in ports:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((bind, port))
            except OSError:
                busy.append(port)
    return busy


def cards() -> list[str]:
    """Names of the NVIDIA cards that this host's driver shows; empty without a driver."""
    program = shutil.which("nvidia-smi")
    if not program:
        return []
    try:
        done = command.run((program, "--query-gpu=name", "--format=csv,noheader"), timeout=20, check=False)
    except DockwrightError:
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()] if done.ok else []
