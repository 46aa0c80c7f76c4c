"""What a machine shows of itself to the doctor, asked through its engine. Everything that cannot be known is None."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dockwright.engine.docker import Docker
from dockwright.errors import CommandFailed, DockwrightError
from dockwright.rollout import facts, ports
from dockwright.rollout.facts import moment
from dockwright.rollout.site import Site

# Runs in the machine's own network, in a container of an image of the fleet that is there: what listens, which disk.
CDI = "/etc/cdi"
LOOK = """
import json, os
found = set()
for name in ("tcp", "tcp6"):
    try:
        with open("/proc/net/" + name) as file:
            rows = file.read().splitlines()[1:]
    except OSError:
        continue
    found |= {int(row.split()[1].rpartition(":")[2], 16) for row in rows if row.split()[3] == "0A"}
disk = os.statvfs("/data")
try:
    with open("/cdi/nvidia.yaml") as file:
        cdi = file.read(4 * 1024 * 1024)
except OSError:
    cdi = ""
print(json.dumps({"listening": sorted(found), "free": disk.f_bavail * disk.f_frsize, "cdi": cdi}))
"""
CARDS = ("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader,nounits")


@dataclass(frozen=True)
class Card:
    """One NVIDIA card: model, driver version, memory in MiB."""

    name: str
    driver: str
    memory_mb: int


@dataclass(frozen=True)
class Examined:
    """One machine. `clock_off`: seconds that its clock is ahead of this host's; `taken`: ports that others hold."""

    engine: str = ""
    api: tuple[int, int] = (0, 0)
    image_store: str = ""
    cpus: int | None = None
    memory: int | None = None
    clock_off: float | None = None
    disk_free: int | None = None
    taken: frozenset[int] | None = None
    cards: tuple[Card, ...] | None = None
    cuda: str | None = None
    runtimes: frozenset[str] = frozenset()
    cdi: str | None = None
    registry: str | None = None
    why: Mapping[str, str] = field(default_factory=dict)


def examine(site: Site, registry: str) -> Examined:
    """Look at a machine. What it does not tell is None, and `why` has the reason."""
    docker, why = site.docker, dict[str, str]()
    before = time.time()
    info = site.info
    clock = _clock(info, (before + time.time()) / 2)
    image = _image(docker)
    look = _look(docker, image, why) if image else {}
    if not image:
        why["ports"] = why["disk"] = why["cdi"] = "no image of the fleet is there yet to look with"
    cards, cuda = _cards(docker, image, info, why)
    ours = {port for container in facts.containers(docker).values() for port in ports.held(container)}
    return Examined(
        docker.engine_version,
        docker.api,
        docker.image_store,
        site.cpus,
        int(info["MemTotal"]) if info.get("MemTotal") else None,
        clock,
        look.get("free"),
        frozenset(look["listening"]) - ours if "listening" in look else None,
        cards,
        cuda,
        frozenset(info.get("Runtimes") or {}),
        look.get("cdi"),
        _registry(docker, registry),
        why,
    )


def _clock(info: Mapping[str, Any], now: float) -> float | None:
    try:
        return moment(str(info["SystemTime"])).timestamp() - now
    except (KeyError, ValueError):
        return None


def _image(docker: Docker) -> str:
    """Any image of the fleet that the engine has."""
    text = docker.run("image", "ls", "--quiet", "--filter", "label=io.dockwright.input", check=False)
    return text.split()[0] if text.split() else ""


def _look(docker: Docker, image: str, why: dict[str, str]) -> dict[str, Any]:
    words = ("--network=host", "--read-only", "--cap-drop=ALL", "--pull=never", "--user=0:0", "--log-driver=none")
    data, cdi = ("--volume", "dockwright_look:/data"), ("--mount", f"type=bind,src={CDI},dst=/cdi,readonly")
    program = ("--entrypoint=python3", image, "-I", "-c", LOOK)
    try:
        try:
            text = docker.run("run", "--rm", *words, *data, *cdi, *program)
        except CommandFailed as error:
            if CDI not in f"{error}{error.output}":
                raise
            text = docker.run("run", "--rm", *words, *data, *program)  # No such folder there, and none is made.
        found: dict[str, Any] = json.loads(text)
    except (DockwrightError, ValueError) as error:
        why["ports"] = why["disk"] = why["cdi"] = str(error)
        return {}
    finally:
        docker.run("volume", "rm", "dockwright_look", check=False)
    return found


def _cards(
    docker: Docker, image: str, info: Mapping[str, Any], why: dict[str, str]
) -> tuple[tuple[Card, ...] | None, str | None]:
    """The cards as a container sees them, which is what services will: no toolkit, no card."""
    if "nvidia" not in (info.get("Runtimes") or {}) and not info.get("DiscoveredDevices"):
        return (), None
    if not image:
        why["cards"] = "no image of the fleet is there yet to look with"
        return None, None
    run = ("run", "--rm", "--gpus=all", "--network=none", "--pull=never")
    try:
        rows = docker.run(*run, f"--entrypoint={CARDS[0]}", image, *CARDS[1:])
        head = docker.run(*run, f"--entrypoint={CARDS[0]}", image)
    except DockwrightError as error:
        why["cards"] = str(error)
        return None, None
    return read_cards(rows), read_cuda(head)


def read_cards(text: str) -> tuple[Card, ...]:
    """The cards that nvidia-smi lists."""
    rows = [[part.strip() for part in line.split(",")] for line in text.splitlines()]
    return tuple(Card(row[0], row[1], int(row[2])) for row in rows if len(row) == 3 and row[2].isdigit())


def read_cuda(text: str) -> str | None:
    """The newest CUDA that a driver supports, from the head of nvidia-smi."""
    _, found, rest = text.partition("CUDA Version:")
    return rest.split()[0] if found and rest.split() else None


def _registry(docker: Docker, registry: str) -> str:
    """What the machine's engine hears from the registry: empty where it answers and is trusted."""
    try:
        docker.run("pull", "--quiet", f"{registry}/dockwright-doctor:none", timeout=30)
    except DockwrightError as error:
        said = getattr(error, "output", "") or str(error)
        return registry_trouble(said)
    return ""


def registry_trouble(said: str) -> str:
    """An engine's words after asking for an image that does not exist; empty when the registry itself answered."""
    known = (
        (("manifest unknown", "not found", "does not exist", "name unknown"), ""),
        (("x509", "certificate"), "its certificate is not trusted there"),
        (("unauthorized", "authentication required", "denied"), "it wants a login there"),
        (("HTTP response to HTTPS",), "it speaks plain HTTP, which that engine does not trust"),
        (("no such host", "lookup"), "its name means nothing there"),
        (("connection refused", "i/o timeout", "no route", "network is unreachable", "deadline"), "it does not answer"),
    )
    for words, meaning in known:
        if any(word.lower() in said.lower() for word in words):
            return meaning
    return said.strip().splitlines()[-1][:200] if said.strip() else "it does not answer"
