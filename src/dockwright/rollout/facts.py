"""What is true on this host now: the fleet's containers as the engine sees them, and what their health ports say."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dockwright.engine import command
from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError
from dockwright.rollout.compose import FLEET_LABEL
from dockwright.spec.finding import printable

HEALTH_BYTES = 64 * 1024
REASON = 500  # characters of a reason; a container may say anything
PATIENCE = 2.5
NEVER = "0001-01-01T"  # how the engine writes that something has not happened


@dataclass(frozen=True)
class Container:
    """A container of the fleet. `state` is the engine's word: running, exited, created, restarting, paused, dead.

    `since` is when it was last started or, where it has ended, when it did; empty where it never ran.
    """

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


def moment(text: str) -> datetime:
    """An engine's time (RFC 3339, nanoseconds) as a datetime in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _container(entry: dict[str, Any]) -> Container:
    state = entry["State"]
    ended = state["Status"] in ("exited", "dead")
    since = state["FinishedAt"] if ended else state["StartedAt"]
    return Container(
        entry["Name"].removeprefix("/"),
        state["Status"],
        state["ExitCode"],
        "" if since.startswith(NEVER) else since,
        entry["Image"],
        entry["Config"]["Labels"] or {},
        entry["RestartCount"],
        entry,
    )


def digest(found: Container) -> str:
    """The digest by which a container was given its image: the engine's own id may be another one."""
    named = str(found.inspected["Config"]["Image"])
    return named.rpartition("@")[2] if "@" in named else found.image


def ask(address: str, port: int, patience: float = PATIENCE) -> Health:
    """Ask /health once, for so many seconds. Never raises: silence is an answer too."""
    connection = http.client.HTTPConnection(address, port, timeout=patience)
    try:
        connection.connect()
        with _cut_after(patience, connection.sock) as cut:
            connection.request("GET", "/health", headers={"Connection": "close"})
            answer = connection.getresponse()
            content = answer.read(HEALTH_BYTES)
    except (OSError, http.client.HTTPException) as error:
        return Health(False, _silence(error))
    finally:
        connection.close()
    if cut.is_set():
        return Health(False, _silence(TimeoutError()))
    return Health(True, "") if answer.status == 200 else Health(False, _reasons(content) or f"HTTP {answer.status}")


@contextmanager
def _cut_after(seconds: float, connection: socket.socket) -> Iterator[threading.Event]:
    """Cut a connection whose answer is not whole by then: its own timeout bounds each single wait, not their sum."""
    cut = threading.Event()

    def shut() -> None:
        cut.set()
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # It has ended by itself.

    timer = threading.Timer(seconds, shut)
    timer.start()
    try:
        yield cut
    except (OSError, http.client.HTTPException) as error:
        if cut.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()


def ask_all(addresses: Mapping[str, tuple[str, int]], patience: float = PATIENCE) -> dict[str, Health]:
    """Ask many health ports at once: name -> answer."""
    if not addresses:
        return {}
    with concurrent.futures.ThreadPoolExecutor(max_workers=min(32, len(addresses))) as pool:
        answers = pool.map(lambda place: ask(place[0], place[1], patience), addresses.values())
        return dict(zip(addresses, answers, strict=True))


def _silence(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens on its health port"
    if isinstance(error, TimeoutError):
        return "its health port does not answer"
    if isinstance(error, ConnectionResetError | http.client.RemoteDisconnected):
        return "its health port closes the connection"
    return _told(f"its health port: {error}")


def _reasons(content: bytes) -> str:
    try:
        found = json.loads(content)["reasons"]
        return _told("; ".join(f"{reason['check']}: {reason['reason']}" for reason in found))
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _told(text: str) -> str:
    return printable(text.strip())[:REASON]


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
