"""The compose file of a host: plain, readable, and usable with `docker compose` alone. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.build.store import Stored
from dockwright.rollout.choice import Choice, reachable, start_order
from dockwright.rollout.place import TOKEN, Place
from dockwright.spec.model import Fleet, Instance
from dockwright.spec.names import slug

PROJECT = "dockwright"
FLEET_LABEL = "io.dockwright.fleet"
FILTER = "docker-filter"
FILTER_SOCKET_FOLDER = "/run/docker-filter"
# Draining takes 10 s at most; two more until the engine loses patience.
GRACE = "12s"


@dataclass(frozen=True)
class Host:
    """What of this host decides how containers are started."""

    socket: Path
    socket_group: int
    cpus: int
    bind: str
    by_digest: bool

    def image(self, image: Stored) -> str:
        """How a container names its image. Without a containerd image store an engine knows no digest of its own."""
        return f"{image.reference}@{image.digest}" if self.by_digest else image.reference


def container_name(service: str) -> str:
    """The name of a service's container, which is also its host name for peers."""
    return f"dockwright-{slug(service)}"


def render(
    fleet: Fleet, choice: Choice, images: Mapping[Instance, Stored], place: Place, host: Host
) -> dict[str, object]:
    """The compose file's content for everything that runs on a host."""
    services: dict[str, object] = {}
    volumes: dict[str, object] = {}
    for instance in start_order(fleet, choice.all):
        own = fleet.implementations[instance.service]
        services[slug(instance.service)] = _instance(fleet, choice, instance, images[instance], place, host)
        if own.state:
            volumes[_volume(instance)] = {"name": f"dockwright_{_volume(instance)}"}
        if own.docker:
            services[FILTER] = _filter(images[instance], place, host)
            # In memory: the socket is gone with the filter, and no other container ever sees it.
            options = {"type": "tmpfs", "device": "tmpfs", "o": "uid=10001,gid=10001,mode=0700,size=64k"}
            volumes[FILTER] = {"name": f"dockwright_{FILTER}", "driver": "local", "driver_opts": options}
    return {
        "name": PROJECT,
        "services": services,
        "networks": {"default": {"name": "dockwright"}},
        "volumes": volumes,
        "secrets": {TOKEN: {"file": _literal(place.token)}},
    }


def _instance(
    fleet: Fleet, choice: Choice, instance: Instance, image: Stored, place: Place, host: Host
) -> dict[str, object]:
    row, own = fleet.services[instance.service], fleet.implementations[instance.service]
    running = {each.service for each in choice.all}
    mounts: list[object] = []
    if own.state:
        mounts.append(f"{_volume(instance)}:/state")
    if own.desired:
        mounts.append(_bound(place.run, "/run/dockwright"))
    if own.docker:
        mounts.append(f"{FILTER}:{FILTER_SOCKET_FOLDER}")
    waits = {slug(name): {"condition": "service_healthy"} for name in own.depends if name in running}
    if own.docker:
        waits[FILTER] = {"condition": "service_started"}
    made: dict[str, object] = {
        **_confined(host.image(image), own.memory_mb, min(own.cpus, float(host.cpus)), own.pids),
        "container_name": container_name(instance.service),
        "environment": {"DOCKWRIGHT_PEERS": json.dumps(peers(fleet, choice, instance), sort_keys=True)},
        "ports": [f"{host.bind}:{port}:{port}" for port in (row.port, row.health_port)],
        "labels": {
            FLEET_LABEL: "dockwright",
            "io.dockwright.role": "instance",
            "io.dockwright.service": instance.service,
            "io.dockwright.machine": instance.machine,
        },
        # The supervisor brings the others back, with evidence and restraint; itself, the engine does.
        "restart": "always" if own.docker else "no",
        "stop_grace_period": GRACE,
    }
    if mounts:
        made["volumes"] = mounts
    if own.secrets:
        made["secrets"] = list(own.secrets)
    if waits:
        made["depends_on"] = waits
    return made


def _confined(image: str, memory_mb: int, cpus: float, pids: int) -> dict[str, object]:
    """What every container of the fleet is limited to."""
    return {
        "image": image,
        "pull_policy": "never",
        "user": "10001:10001",
        "read_only": True,
        "tmpfs": ["/tmp:size=16m,mode=1777,noexec,nosuid,nodev"],  # noqa: S108 - inside the container
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": f"{memory_mb}m",
        "memswap_limit": f"{memory_mb}m",
        "cpus": cpus,
        "pids_limit": pids,
        "logging": {"driver": "json-file", "options": {"max-size": "5m", "max-file": "2"}},
    }


def _bound(source: Path, target: str) -> dict[str, object]:
    """A file or folder of this host, read-only; one that is missing is an error, and not made. A socket still talks."""
    bind = {"create_host_path": False}
    return {"type": "bind", "source": _literal(source), "target": target, "read_only": True, "bind": bind}


def _literal(path: Path) -> str:
    """A path in a file in which compose replaces $NAME."""
    return str(path).replace("$", "$$")


def _filter(image: Stored, place: Place, host: Host) -> dict[str, object]:
    """The only container that sees the engine's socket; it has no network and lets little through."""
    return {
        **_confined(host.image(image), 64, 0.5, 32),
        "container_name": f"dockwright-{FILTER}",
        "command": ["python3", "-m", "self_healing_supervisor.filter"],
        "network_mode": "none",
        "group_add": [str(host.socket_group)],
        "volumes": [
            _bound(host.socket, "/var/run/docker.sock"),
            _bound(place.run, "/run/dockwright"),
            f"{FILTER}:{FILTER_SOCKET_FOLDER}",
        ],
        "labels": {FLEET_LABEL: "dockwright", "io.dockwright.role": "filter"},
        "healthcheck": {"disable": True},
        "restart": "always",
    }


def peers(fleet: Fleet, choice: Choice, instance: Instance) -> dict[str, dict[str, dict[str, str]]]:
    """DOCKWRIGHT_PEERS of an instance: where it answers itself, and each peer that it may reach and that runs here."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for other in reachable(fleet, instance, choice.all):
        row, name = fleet.services[other.service], container_name(other.service)
        found.setdefault(other.service, {})[other.machine] = {
            "url": f"http://{name}:{row.port}",
            "health_url": f"http://{name}:{row.health_port}",
        }
    return found


def _volume(instance: Instance) -> str:
    return f"{slug(instance.service)}-state"


def text(content: dict[str, object], path: Path, docker_host: str) -> str:
    """The file as people read it, with how to use it by hand."""
    import yaml

    head = (
        "# Made by ./dockwright up, and replaced by the next one. It works without the tool:\n"
        f"#   DOCKER_HOST={shlex.quote(docker_host)} docker compose --file {shlex.quote(str(path))} up --detach\n"
    )
    return head + yaml.safe_dump(content, sort_keys=False, width=160)
